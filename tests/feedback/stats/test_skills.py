"""Levels go up only where the accuracy is surely above a bound and down only where surely below."""

import pytest

from feedback.stats.skills import DEFAULT_RULES, Rules, level_asked


@pytest.mark.parametrize(
    "held, right, n, level",
    [
        ("", 19, 19, ""),  # too few known answers
        ("", 20, 20, "competent"),  # lower bound 0.861
        ("", 40, 40, "expert"),  # lower bound 0.928
        ("", 18, 20, ""),  # between the bounds nothing is said
        ("", 10, 20, "novice"),
        ("novice", 20, 20, "competent"),
        ("novice", 17, 20, "novice"),
        ("competent", 18, 20, "competent"),
        ("competent", 60, 60, "expert"),
        ("competent", 10, 20, "novice"),
        ("expert", 57, 60, "expert"),  # 95 %: below nothing surely
        ("expert", 50, 60, "competent"),  # upper bound 0.905
        ("expert", 30, 60, "novice"),
    ],
)
def test_the_bounds_decide_not_the_share(held: str, right: int, n: int, level: str) -> None:
    assert level_asked(held, right, n).level == level


def test_declared_rules_hold_instead_of_the_defaults() -> None:
    strict = Rules(competent_from=0.9, expert_from=0.99, min_cases=5)
    assert level_asked("", 20, 20, strict).level == ""
    assert level_asked("", 5, 5, Rules(competent_from=0.5, expert_from=0.6, min_cases=5)).level == "competent"
    assert (DEFAULT_RULES.weight_of(""), DEFAULT_RULES.weight_of("expert")) == (1.0, 1.2)
