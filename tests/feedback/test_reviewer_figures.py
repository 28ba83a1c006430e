"""Reviewers' figures: made by a sweep from judgements and what turned out, read by themselves and supervisors."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.reviewer_figures import refresh_reviewer_figures
from feedback.models import ReviewerFigures, Signal
from feedback.reviewer_quality import stored_figures
from feedback.stats.reviewing import Figures
from hitl.core.clock import now
from hitl.core.ids import new_id
from reviews.models import (
    CalibrationSession,
    GoldCase,
    GoldCopy,
    Judgement,
    Panel,
    Reviewer,
    ReviewTask,
    SessionCase,
    SessionJudgement,
)
from tests.api.support import get, problem
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge, observe


def figures(world: World, name: str) -> Figures:
    (found,) = stored_figures(world.actor("alice"), [world.users[name].pk])[world.users[name].pk]
    return found.figures


def reviewer(world: World, name: str) -> Reviewer:
    return Reviewer.objects.get(workspace=world.workspace, user=world.users[name])


def a_quarter(world: World, n: int = 24) -> None:
    """Bob goes with the machine, Carol differs where it is wrong (every third case) and is right; Dave agrees with Bob.

    Outcomes arrive for all but the last four cases.
    """
    cases = add_cases(world, [0.8] * n)
    for number, case in enumerate(cases):
        truth = "reject" if number % 3 == 0 else "approve"
        judge(world, case, "bob", "approve", first="approve")
        judge(world, case, "carol", truth, first=truth, kind="second")
        judge(world, case, "dave", "approve", first="approve", kind="third")
    observe(world, [(case, "reject" if number % 3 == 0 else "approve") for number, case in enumerate(cases[: n - 4])])
    assert refresh_reviewer_figures() >= 3


def test_who_dissents_and_is_right_is_better_by_what_turned_out(world: World) -> None:
    a_quarter(world)
    carol, bob = figures(world, "carol"), figures(world, "bob")
    assert (carol.quality.basis, carol.quality.right.k, carol.quality.right.n) == ("outcomes_and_gold", 20, 20)
    assert (bob.quality.right.k, bob.quality.right.n) == (13, 20)
    assert carol.quality.right.low > (bob.quality.right.share or 1.0)
    agreeing = carol.by_source["consensus"]
    assert (agreeing.k, agreeing.n) == (3, 4), "where nobody knows, the others' agreement is said and not counted"
    assert [(c.truth, c.said, c.n) for c in bob.confusion if c.truth != c.said] == [("reject", "approve", 7)]
    page = world.browser("alice").get("/quality/reviewers").content.decode()
    assert "20 of 20" in page and "13 of 20" in page


def test_truth_comes_from_outcomes_then_gold_then_rulings_of_others(world: World) -> None:
    known, ruled, own, gold = add_cases(world, [0.8] * 4)
    for case in (known, ruled, own, gold):
        judge(world, case, "bob", "approve")
    observe(world, [(known, "approve")])
    for case, who in ((known, "alice"), (ruled, "alice"), (own, "bob")):
        world_signal(world, case, who, "reject")
    content: dict[str, Any] = {"task_type": world.task_type, "label": "reject", "explanation": "no", "input": {}}
    made = GoldCase.objects.create(workspace=world.workspace, created_at=now(), **content)
    GoldCopy.objects.create(
        workspace=world.workspace, case=gold, gold=made, queue=world.queue, beside=new_id(), propensity=0.1, choices=1,
        created_at=now(),
    )  # fmt: skip
    refresh_reviewer_figures()
    told = {source: (c.k, c.n) for source, c in figures(world, "bob").by_source.items()}
    assert told == {"outcome": (1, 1), "gold": (0, 1), "ruling": (0, 1), "consensus": (0, 0)}


def world_signal(world: World, case: Any, who: str, label: str) -> None:
    Signal.objects.create(
        workspace=world.workspace, case=case, user=world.users[who], source="audit", label=label, observed_at=now(),
        created_at=now(),
    )  # fmt: skip


def test_what_may_still_be_undone_is_not_told_and_gone_figures_go(world: World) -> None:
    later, case = add_cases(world, [0.8, 0.8])
    judge(world, later, "bob", "approve", at=now() + timedelta(minutes=5))
    assert refresh_reviewer_figures() == 0
    said = judge(world, case, "bob", "approve")
    assert refresh_reviewer_figures() == refresh_reviewer_figures() == 1
    Judgement.objects.filter(pk=said.pk).update(undone_at=now())
    assert refresh_reviewer_figures() == 0 and not ReviewerFigures.objects.exists()


def test_a_shift_begins_after_four_hours_of_rest(world: World) -> None:
    start = now() - timedelta(days=2)
    for case, hours in zip(add_cases(world, [0.8] * 5), (0.0, 1.2, 2.6, 7.0, 7.5), strict=True):
        judge(world, case, "bob", "approve", at=start + timedelta(hours=hours))
    refresh_reviewer_figures()
    assert [(hour.hour, hour.n) for hour in figures(world, "bob").fatigue.hours] == [(0, 3), (1, 1), (2, 1)]


def test_the_same_case_met_again_in_a_session_shows_consistency(world: World) -> None:
    session = CalibrationSession.objects.create(
        workspace=world.workspace, task_type=world.task_type, title="May", created_at=now()
    )
    for place, (case, again) in enumerate(
        zip(add_cases(world, [0.8] * 3), ("approve", "reject", "approve"), strict=True)
    ):
        judge(world, case, "bob", "approve")
        met = SessionCase.objects.create(
            workspace=world.workspace, session=session, case=case, position=place, entropy=1.0, judgements=2
        )
        SessionJudgement.objects.create(
            workspace=world.workspace, session_case=met, user=world.users["bob"], label=again, created_at=now()
        )
    refresh_reviewer_figures()
    repeats = figures(world, "bob").repeats
    assert (repeats.k, repeats.n) == (2, 3)


def test_bob_reads_his_own_figures_with_advice_and_never_carols(world: World) -> None:
    a_quarter(world)
    page = world.browser("bob").get("/quality/mine").content.decode()
    assert "13 of 20" in page and "20 of 20" not in page
    assert "You said “approve” 7 times where “reject” was right" in page
    assert "Where the outcome says otherwise" in page
    carol = world.browser("carol").get("/quality/mine").content.decode()
    assert "Where the outcome says otherwise" not in carol
    assert world.browser("bob").get(f"/quality/reviewers/{reviewer(world, 'bob').pk}").status_code == 403
    problem(get(world, "bob", f"reviewers/{reviewer(world, 'carol').pk}/quality"), 403, "permission_denied")
    own = get(world, "bob", f"reviewers/{reviewer(world, 'bob').pk}/quality").json()
    assert own["queues"][0]["quality"]["right"]["k"] == 13
    assert (own["queues"][0]["level"], own["queues"][0]["label_weight"]) == (None, 1.0)


def test_mistakes_keep_the_seal_and_wait_for_panels(world: World) -> None:
    """Dave may claim from the queue and has not judged this case: he must not read what others were told of it."""
    (case,) = add_cases(world, [0.8])
    judge(world, case, "bob", "approve", first="approve")
    observe(world, [(case, "reject")])
    refresh_reviewer_figures()
    link = f"/cases/{case.pk}"
    assert link in world.browser("bob").get("/quality/mine").content.decode()
    assert link not in world.browser("dave").get("/quality/mine").content.decode()
    seen = world.browser("alice").get(f"/quality/reviewers/{reviewer(world, 'bob').pk}").content.decode()
    assert link in seen and "it turned out “Reject”" in seen
    panel = Panel.objects.create(
        workspace=world.workspace, case=case, queue=world.queue, scheme={"kind": "blind_double"}, opened_at=now()
    )
    ReviewTask.objects.filter(case=case).update(panel=panel)
    assert link not in world.browser("bob").get("/quality/mine").content.decode()


@pytest.mark.parametrize("path", ["/quality/reviewers", "/api/v1/reviewers/{}/quality", "/quality/reviewers/{}"])
def test_another_workspace_sees_none_of_them(world: World, path: str) -> None:
    a_quarter(world)
    other = make_world("other")
    address = path.format(reviewer(world, "bob").pk)
    answer = other.api("alice").get(address) if path.startswith("/api") else other.browser("alice").get(address)
    assert answer.status_code == (200 if path == "/quality/reviewers" else 404)
    assert b"13 of 20" not in answer.content


def test_lists_and_pages_cost_the_same_whatever_there_is(world: World) -> None:
    def statements(who: str, path: str) -> int:
        browser = world.browser(who)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(path).status_code == 200
        return len(captured.captured_queries)

    paths = [("alice", "/quality/reviewers"), ("alice", f"/quality/reviewers/{reviewer(world, 'bob').pk}")]
    paths.append(("bob", "/quality/mine"))
    before = [statements(*path) for path in paths]
    a_quarter(world, 12)
    after = [statements(*path) for path in paths]
    assert [b - a for a, b in zip(before, after, strict=True)] <= [0, 2, 2], "what there is to show is looked up once"
