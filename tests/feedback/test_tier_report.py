"""Over- and under-tiering from what really happened, with intervals and a sentence of advice."""

from typing import Any

import pytest

from feedback.tiering import Rate, advice, rate, tier_report
from hitl.core.actors import system_actor
from reviews.actions.blind_samples import draw_blind_samples
from reviews.actions.decisions import correct_decision
from routing.models import Tier
from tests.api.support import claim, get, judge, problem, verb
from tests.factories import World, make_world


def report(world: World, name: str = "alice") -> dict[str, dict[str, Any]]:
    answer = get(world, name, "tiers/report").json()
    return {row["tier"]: row for row in answer["tiers"]}


def hard(world: World, label: str) -> dict[str, Any]:
    case = world.submit(world.case_body(context={"complexity": 0.9}))
    judge(world, "dave", claim(world, "dave", queue="loans-expert"), label)
    return case


def test_a_case_that_went_up_or_was_overturned_counts_against_the_tier_it_came_to(world: World) -> None:
    for label in ("approve", "reject"):
        world.submit()
        judge(world, "bob", claim(world, "bob"), label)
    wrong = world.submit()
    judge(world, "bob", claim(world, "bob"), "approve")
    correct_decision(actor=system_actor(world.workspace.pk), case_id=wrong["id"], label="reject", reason="audit")
    world.submit()
    assert verb(world, "bob", claim(world, "bob"), "escalate", reason="too hard").status_code == 200
    judge(world, "dave", claim(world, "dave", queue="loans-expert"), "reject")
    found = report(world)
    row = found["tier-1"]
    assert (row["under"]["k"], row["under"]["n"], row["escalated"], row["overturned"]) == (2, 4, 1, 1)
    assert row["under"]["share"] == 0.5 and row["under"]["low"] < 0.1 and row["under"]["high"] > 0.9
    assert row["over"] is None and found["expert"]["under"]["n"] == 0


def test_expert_cases_that_tier_one_would_have_answered_the_same(world: World) -> None:
    Tier.objects.filter(slug="expert").update(blind_sample_rate=1.0)
    for label in ("approve", "approve", "reject"):
        hard(world, label)
    assert draw_blind_samples() == 3
    for _ in range(2):
        judge(world, "bob", claim(world, "bob"), "approve")
    verb(world, "bob", claim(world, "bob"), "escalate", reason="cannot tell")
    over = report(world)["expert"]["over"]
    assert over["n"] == 3, "asking a higher tier is an answer: it would not have decided the same"
    assert over["k"] in (1, 2) and report(world)["tier-1"]["under"]["n"] == 0, "blind samples are no routed work"


def test_rates_are_clopper_pearson() -> None:
    found = rate(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2527, 0.3676)
    assert rate(0, 0) == Rate(0, 0, 0.0, 1.0) and rate(0, 0).in_words == "–"


@pytest.mark.parametrize(
    ("under", "over", "said"),
    [
        ((3, 10), None, "10 cases are too few"),
        ((60, 200), None, "gets too much"),
        ((2, 200), None, "can do what it gets"),
        ((20, 200), None, "do not yet tell"),
        ((2, 200), (5, 10), "10 blind samples are too few"),
        ((2, 200), (90, 100), "Raise that tier's complexity"),
        ((2, 200), (10, 100), "is needed"),
        ((2, 200), (50, 100), "do not yet tell"),
    ],
)
def test_advice_follows_what_the_intervals_allow(
    under: tuple[int, int], over: tuple[int, int] | None, said: str
) -> None:
    sentences = advice("Tier", rate(*under), rate(*over) if over else None, 0.02)
    assert said in sentences[-1]


def test_nothing_of_another_workspace_is_counted(world: World) -> None:
    world.submit()
    judge(world, "bob", claim(world, "bob"), "approve")
    stranger = make_world("globex")
    assert all(row.under.n == 0 for row in tier_report(stranger.actor("alice")).tiers)
    assert get(world, "bob", "tiers/report").status_code == 403


@pytest.mark.parametrize("days", ["0", "x", "366", "-1", "1e3"])
def test_a_bad_window_is_refused(world: World, days: str) -> None:
    problem(get(world, "alice", f"tiers/report?days={days}"), 400, "invalid_input")


def test_the_page_and_its_budget(world: World, django_assert_max_num_queries: object) -> None:
    world.submit()
    judge(world, "bob", claim(world, "bob"), "approve")
    browser = world.browser("alice")
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        html = browser.get("/ops/tiers?days=7").content.decode()
    assert "0 of 1" in html and "too few" in html and 'href="?days=90"' in html
    assert browser.get("/ops/tiers?days=nonsense").status_code == 200
