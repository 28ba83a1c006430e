"""An unproven model is audited much, a proven one little, a failing one much again (mission B11)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.stats.audit_rate import Audited, RateLimits, RateNow, labels_to_show, next_audit_rate

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
LIMITS = RateLimits(0.05, 0.25, 0.30)
BUDGET = 0.02


def rate(labels: int, wrong: int, present: float = 0.25, since: datetime | None = LONG_AGO) -> tuple[float, str]:
    answer = next_audit_rate(
        Audited(labels, wrong), error_budget=BUDGET, limits=LIMITS, present=RateNow(present, since), now=NOW
    )
    return answer.rate, answer.reason.partition(":")[0]


@pytest.mark.parametrize(
    ("labels", "wrong", "present", "expected"),
    [
        (0, 0, 0.25, (0.25, "Immature")),
        (148, 0, 0.25, (0.25, "Immature")),
        (149, 0, 0.25, (0.20, "Stable")),  # a fall is one step
        (149, 0, 0.07, (0.05, "Stable")),
        (236, 1, 0.05, (0.05, "Stable")),
        (235, 1, 0.05, (0.05, "Not shown to be within budget")),  # a hair above the budget: not worth a change
        (150, 1, 0.05, (0.1904, "Not shown to be within budget")),
        (200, 4, 0.05, (0.30, "Not shown to be within budget")),  # the upper bound is more than twice the budget
        (100, 6, 0.05, (0.30, "Degraded")),
        (3, 2, 0.25, (0.30, "Degraded")),  # even before it is mature
        (100, 0, 0.05, (0.25, "Immature")),  # a new model version starts again
    ],
)
def test_the_rate_follows_what_the_audits_show(
    labels: int, wrong: int, present: float, expected: tuple[float, str]
) -> None:
    assert rate(labels, wrong, present) == expected


def test_the_sample_floor_is_the_known_one() -> None:
    assert [labels_to_show(b) for b in (0.02, 0.01, 1.0)] == [149, 299, 0]
    assert labels_to_show(0.0) == float("inf")


def test_a_fall_waits_a_day_after_the_last_change_and_a_rise_does_not() -> None:
    lately = NOW - timedelta(hours=23)
    assert rate(500, 0, 0.25, lately)[0] == 0.25
    assert rate(500, 0, 0.25, NOW - timedelta(hours=24))[0] == 0.20
    assert rate(500, 30, 0.10, lately)[0] == 0.30


def test_one_more_error_raises_the_rate_of_a_stable_model() -> None:
    assert rate(300, 1, 0.05)[0] == 0.05
    assert rate(300, 3, 0.05)[0] > 0.1


def test_a_stable_model_comes_down_to_the_lowest_rate_in_a_week() -> None:
    present, at, seen = RateNow(0.30), NOW, []
    for _ in range(8):
        answer = next_audit_rate(Audited(500, 2), error_budget=BUDGET, limits=LIMITS, present=present, now=at)
        if answer.rate != present.rate:
            present = RateNow(answer.rate, at)
        seen.append(answer.rate)
        at += timedelta(days=1)
    assert seen == [0.25, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05, 0.05]


def test_a_budget_of_zero_never_counts_as_shown() -> None:
    answer = next_audit_rate(Audited(10_000, 0), error_budget=0.0, limits=LIMITS, present=RateNow(0.05), now=NOW)
    assert (answer.rate, "no number of labels" in answer.reason) == (0.25, True)


@given(
    st.integers(0, 2_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.floats(0, 1),
    st.floats(0.01, 1),
    st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=9))),
)
def test_the_rate_never_leaves_its_bounds(
    counts: tuple[int, int], budget: float, present: float, age: timedelta | None
) -> None:
    now_in_force = RateNow(present, None if age is None else NOW - age)
    answer = next_audit_rate(Audited(*counts), error_budget=budget, limits=LIMITS, present=now_in_force, now=NOW)
    assert LIMITS.lowest <= answer.rate <= LIMITS.highest
    assert answer.reason


@given(st.integers(0, 600), st.integers(0, 30), st.floats(0.05, 0.3))
def test_more_errors_never_lower_the_rate(labels: int, wrong: int, present: float) -> None:
    if wrong < labels and labels >= labels_to_show(BUDGET):
        assert rate(labels, wrong + 1, present)[0] >= rate(labels, wrong, present)[0]
