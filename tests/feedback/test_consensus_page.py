"""/quality/consensus: drift of people's judgements from stored ones, with examples that keep the seal."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from feedback.consensus_report import drift_report
from hitl.core.clock import now
from reviews.models import Judgement
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge


def drifted(world: World, n: int = 30) -> None:
    """Until a month ago Bob and Carol rejected one in ten, now six in ten; Bob judged unaided."""
    for days, share in ((45, 1), (3, 6)):
        at = now() - timedelta(days=days)
        for number, case in enumerate(add_cases(world, [0.7] * n)):
            label = "reject" if number % 10 < share else "approve"
            judge(world, case, "bob", "approve", first=label, at=at)
            judge(world, case, "carol", label, visibility="before", kind="second", at=at)


def test_unaided_words_and_last_words_are_compared_apart(world: World) -> None:
    drifted(world)
    found = drift_report(world.actor("alice"))
    assert (found.judged, found.found.looked_at) == (120, 2)
    reject = {s.shift.cell.unaided: s.shift for s in found.shifts if s.shift.label == "reject"}
    assert {(s.before.k, s.before.n, s.now.k, s.now.n) for s in reject.values()} == {(3, 30, 18, 30)}
    page = world.browser("alice").get("/quality/consensus").content.decode()
    assert "the same people judge otherwise" in page and "18 of 30" in page and 'href="/cases/' in page


def test_examples_are_hidden_from_who_may_still_judge_them(world: World) -> None:
    drifted(world)
    assign_perm("claim_queue", world.users["alice"], world.queue)
    assign_perm("view_queue", world.users["alice"], world.queue)
    found = drift_report(world.actor("alice"))
    assert found.shifts and not any(s.before or s.now for s in found.shifts)
    assert 'href="/cases/' not in world.browser("alice").get("/quality/consensus").content.decode()


def test_without_drift_it_says_what_was_compared(world: World) -> None:
    for days in (45, 3):
        for case in add_cases(world, [0.7] * 25):
            judge(world, case, "bob", "approve", first="approve", at=now() - timedelta(days=days))
    page = world.browser("erin").get("/quality/consensus").content.decode()
    assert "No shift found" in page and "50 judgements; 1 kinds of case compared" in page


def test_outsiders_and_reviewers_see_none_of_it_and_the_cost_is_flat(world: World) -> None:
    drifted(world)
    assert not drift_report(make_world("other").actor("alice")).judged
    assert world.browser("bob").get("/quality/consensus").status_code == 403
    with CaptureQueriesContext(connection) as captured:
        drift_report(world.actor("alice"))
    assert len(captured.captured_queries) <= 6
    assert Judgement.objects.count() == 180
