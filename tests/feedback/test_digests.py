"""The weekly digest: clusters of errors, what recurs, and drafts with their replay (mission F15)."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from feedback.actions.digests import make_digest, make_digests
from feedback.actions.labels import rebuild_labels
from feedback.digest_content import Cluster, DigestContent, JudgedRow, digest_of
from feedback.digest_data import week_of
from feedback.digest_drafts import condition_of
from feedback.models import Digest, ReplayJob
from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.core.errors import Refused
from reviews.models import Alert, Case, CaseContent, Judgement
from routing.engine.cel import compile_rule
from routing.engine.document import decode_document
from routing.models import PolicyVersion, RoutingDecision
from tests.api.support import get, post, problem
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge, observe

NEXT_WEEK = timedelta(days=7)


def row(
    overruled: bool, region: str, *, category: str = "", label: str = "approve", automated: bool = False
) -> JudgedRow:
    said = "reject" if overruled else label
    return JudgedRow(label, said, "credit-1", category if overruled else "", {"region": region}, automated, 0.8)


def a_week(eu: int = 30, elsewhere: int = 5, *, category: str = "") -> list[JudgedRow]:
    """100 cases in the EU and 300 elsewhere, so many of them overruled."""
    rows = [row(n < eu, "EU", category=category) for n in range(100)]
    return rows + [row(n < elsewhere, "US") for n in range(300)]


def next_monday() -> datetime:
    """When this week is the last whole one."""
    return now() + NEXT_WEEK


def judged(world: World, *, region: str, n: int, wrong: int, zone: str = "queue", **how: Any) -> list[Case]:
    """Cases of one region judged by Bob before the reveal; `wrong` of them overruled for missed evidence."""
    cases = add_cases(world, [0.8] * n, zone=zone, **how)
    CaseContent.objects.filter(case__in=cases).update(context={"segments": {"region": region}})
    for place, case in enumerate(cases):
        label = "reject" if place < wrong else "approve"
        judge(world, case, "bob", label, first=label)
    return cases


def a_bad_region(world: World, zone: str = "decided") -> None:
    judged(world, region="EU", n=30, wrong=15, zone=zone)
    judged(world, region="US", n=60, wrong=2)
    rebuild_labels()


def made(world: World) -> Digest:
    assert make_digests(next_monday()) == 1
    return Digest.objects.get()


def test_a_group_that_people_overrule_more_often_stands_out_with_its_lift() -> None:
    found = digest_of(a_week())
    worst = found.clusters[0]
    assert (worst.by, worst.name, worst.value, worst.errors, worst.n) == ("segment", "region", "EU", 30, 100)
    assert worst.stands_out
    assert worst.lift == pytest.approx((30 / 100) / (5 / 300))
    assert worst.high is not None
    assert worst.low < worst.lift < worst.high
    assert found.share == pytest.approx(35 / 400)
    assert found.low < 35 / 400 < found.high


def test_errors_are_clustered_by_the_category_that_people_named() -> None:
    found = digest_of(a_week(category="evidence_missed"))
    assert ("evidence_missed", "segment", "region", "EU") in {c.key for c in found.clusters if c.stands_out}
    assert (found.named, found.categories) == (30, {"evidence_missed": 30})


def test_what_stood_out_before_is_said_to_recur() -> None:
    first = digest_of(a_week())
    again = digest_of(a_week(), [first, first, digest_of(a_week(0, 0))])
    assert again.clusters[0].weeks == 2
    assert again.patterns[0].weeks == 2


def test_pure_chance_and_small_groups_stand_out_nowhere() -> None:
    rng = random.Random(5)
    rows = [row(rng.random() < 0.1, rng.choice(["EU", "US", "JP"])) for _ in range(300)]
    assert not [c for c in digest_of(rows).clusters if c.stands_out]
    assert digest_of([row(True, "EU")] * 19 + [row(False, "US")] * 19).clusters == ()
    assert digest_of([]) == DigestContent(0, 0, None, 0.0, 1.0, 0, {}, 0, (), ())


@pytest.mark.parametrize("value", ["EU", 'a "quoted" one', "back\\slash", "ünïcode \n", "smile \U0001f600"])
def test_a_group_s_condition_is_a_rule_that_compiles(value: str) -> None:
    cluster = Cluster("", "segment", 'odd "name"', value, 1, 1, 1, 1, 1.0, 1.0, 1.0, 0.0, True, 1, 1.0)
    assert compile_rule(condition_of(cluster))


def test_the_digest_proposes_a_rule_as_a_draft_with_its_replay(world: World) -> None:
    a_bad_region(world)

    digest = made(world)

    [proposal] = [p for p in digest.proposals if p["kind"] == "rule"]
    version = PolicyVersion.objects.get(number=proposal["version"])
    assert version.status == "draft"
    assert version.document["rules"][-1]["when"] == '"region" in context.segments && context.segments["region"] == "EU"'
    job = ReplayJob.objects.get()
    assert (str(job.pk), job.version_id, job.status) == (proposal["replay"], version.pk, "waiting")
    assert "15 of 30" in proposal["reason"]
    assert Event.objects.filter(action="digest.made").count() == 1


def test_a_rule_is_not_proposed_for_what_people_see_anyway(world: World) -> None:
    a_bad_region(world, zone="queue")
    [proposal] = made(world).proposals
    assert proposal["version"] is None
    assert "people see these already" in proposal["reason"]


def test_a_rule_is_proposed_for_what_only_exploration_shows(world: World) -> None:
    drawn = judged(world, region="EU", n=30, wrong=15, zone="auto", sampled=True, selection_probability=0.02)
    RoutingDecision.objects.filter(case_id__in=[case.pk for case in drawn]).update(action="review")
    judged(world, region="US", n=60, wrong=2)
    rebuild_labels()

    [proposal] = made(world).proposals

    assert proposal["version"] is not None, "without the draw the machine would have decided them alone"
    assert "15" in proposal["reason"]


def test_it_is_made_once_a_week_and_the_same_draft_is_not_proposed_again(world: World) -> None:
    a_bad_region(world)
    made(world)
    assert make_digests(next_monday()) == 0
    Digest.objects.update(week=Digest.objects.get().week - timedelta(weeks=1))

    assert make_digests(next_monday()) == 1

    newer = Digest.objects.order_by("-week")[0]
    assert "already says so" in newer.proposals[0]["reason"]
    assert PolicyVersion.objects.filter(status="draft").count() == 1
    assert newer.content["clusters"][0]["weeks"] == 1


def test_supervisors_are_alerted_and_the_week_before_is_over(world: World) -> None:
    a_bad_region(world)
    made(world)
    Digest.objects.update(week=Digest.objects.get().week - timedelta(weeks=1))
    make_digests(next_monday())

    first, second = Alert.objects.filter(kind="weekly_digest").order_by("id")
    assert first.resolved_at is not None
    assert second.resolved_at is None
    assert "overruled 17 of 90" in second.said


def test_without_a_judgement_made_unaided_there_is_no_digest(world: World) -> None:
    for case in add_cases(world, [0.8] * 5):
        judge(world, case, "bob", "reject", visibility="before")
    rebuild_labels()
    assert make_digests(next_monday()) == 0


def freed(world: World, wrong: int, n: int = 60) -> None:
    """1,200 labels certify less than the 0.9 in force; so many of `n` judged between are overruled."""
    rng = random.Random(2)
    observe(world, [(case, "approve") for case in add_cases(world, [rng.uniform(0.5, 1.0) for _ in range(1_200)])])
    judged(world, region="EU", n=n, wrong=wrong)
    rebuild_labels()


def test_a_lower_threshold_is_proposed_where_it_is_certified_and_people_surely_approve(world: World) -> None:
    freed(world, 0)

    [proposal] = made(world).proposals

    version = PolicyVersion.objects.get(number=proposal["version"])
    [entry] = [e for e in version.document["thresholds"]["entries"] if e["model_version"] == "credit-1"]
    assert entry["threshold"] < 0.9
    assert proposal["kind"] == "threshold"
    assert "people approved 60 of 60" in proposal["reason"]
    assert ReplayJob.objects.filter(version=version).exists()
    before = decode_document(PolicyVersion.objects.get(number=1).document)
    assert decode_document(version.document).calibrations == before.calibrations


@pytest.mark.parametrize(("wrong", "n", "why"), [(3, 60, "surely more than 90%"), (0, 20, "50 are needed")])
def test_no_lower_threshold_where_approval_is_not_sure(world: World, wrong: int, n: int, why: str) -> None:
    freed(world, wrong, n)
    [proposal] = made(world).proposals
    assert (proposal["version"], why in proposal["reason"]) == (None, True)


def test_agreeing_after_the_answer_was_shown_is_no_approval(world: World) -> None:
    freed(world, 0, n=1)
    for case in add_cases(world, [0.8] * 80):
        judge(world, case, "bob", "approve", visibility="before")
    rebuild_labels()
    [proposal] = made(world).proposals
    assert "only 1 unaided" in proposal["reason"]


def test_no_lower_threshold_without_a_study_that_certifies_it(world: World) -> None:
    judged(world, region="EU", n=80, wrong=0)
    rebuild_labels()
    assert made(world).proposals == []


def test_people_make_a_past_week_s_digest_by_hand_which_proposes_nothing(world: World) -> None:
    a_bad_region(world)
    this = week_of(next_monday())
    actor = world.actor("alice")
    for wrong in (this + timedelta(days=1), this, date(2000, 1, 3)):
        with pytest.raises(Refused):
            make_digest(actor=actor, task_type=world.task_type, week=wrong)
    past = make_digest(actor=actor, task_type=world.task_type, week=this, at=next_monday() + timedelta(weeks=3))
    assert past is not None
    assert past.proposals == []


def test_the_api_lists_digests_and_refuses_what_is_no_week(world: World) -> None:
    a_bad_region(world)
    made(world)
    [told] = get(world, "alice", "digests?task_type=loan").json()["results"]
    assert told["content"]["clusters"][0]["value"] == "EU"
    body = {"task_type": "loan", "week": told["week"]}
    problem(post(world, "alice", "digests", body), 422, "not_a_week")  # it has not passed yet
    problem(post(world, "alice", "digests", body | {"week": "soon"}), 400, "invalid_input")
    problem(post(world, "alice", "digests", body | {"task_type": "none"}), 422, "unknown_task_type")
    empty = {"task_type": "loan", "week": week_of(now()).isoformat()}
    problem(post(world, "alice", "digests", empty), 422, "nothing_judged")
    assert get(make_world("globex"), "alice", "digests").json()["results"] == []


def test_the_page_shows_clusters_drafts_and_replays_for_the_same_price_however_many(world: World) -> None:
    a_bad_region(world)
    digest = made(world)
    alice = world.browser("alice")
    page = alice.get("/ops/digest?task_type=loan").content.decode()
    assert "region: EU" in page
    assert f"/replays/{digest.proposals[0]['replay']}" in page
    with CaptureQueriesContext(connection) as one:
        alice.get("/ops/digest")
    for weeks in (1, 2, 3):
        Digest.objects.create(
            workspace=world.workspace, task_type=world.task_type, week=digest.week - timedelta(weeks=weeks),
            content=digest.content, created_at=now(),
        )  # fmt: skip
    with CaptureQueriesContext(connection) as four:
        alice.get("/ops/digest")
    assert len(one) == len(four) <= 12
    assert alice.post("/ops/digest/loan").status_code == 302


def test_judgements_of_other_weeks_and_of_gold_and_appeals_are_left_out(world: World) -> None:
    judged(world, region="EU", n=3, wrong=1)
    for kind in ("gold", "blind", "appeal", "report", "learning"):
        [case] = add_cases(world, [0.8])
        observe(world, [(case, "reject")])
        judge(world, case, "bob", "reject", first="reject", kind=kind)
    rebuild_labels()
    assert made(world).content["judged"] == 3
    actor = system_actor(world.workspace.pk, "digest")
    assert make_digest(actor=actor, task_type=world.task_type, week=week_of(now()), at=next_monday()) is None
    assert Judgement.objects.count() > 3
    assert RoutingDecision.objects.count() == 8
