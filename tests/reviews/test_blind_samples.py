"""Blind samples: tier 1 judges again what an expert decided; it notices nothing and nothing changes."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import Event, OutboxMessage
from feedback.actions.labels import rebuild_labels
from feedback.models import TrainingLabel
from hitl.core.actors import system_actor
from hitl.core.clock import now
from reviews.actions.blind_samples import MAX_OPEN, draw_blind_samples
from reviews.actions.decisions import correct_decision
from reviews.actions.sla import expire_slas
from reviews.models import Case, Decision, Judgement, ReviewTask
from routing.models import Tier
from tests.api.support import claim, judge, post
from tests.factories import World


def decided_by_expert(world: World, number: int = 0, label: str = "reject") -> dict[str, Any]:
    """A case too complex for tier 1, decided by Dave."""
    case = world.submit(world.case_body(context={"complexity": 0.9}, external_id=f"hard-{number}"))
    judge(world, "dave", claim(world, "dave", queue="loans-expert"), label)
    return case


@pytest.fixture
def sampled(world: World) -> World:
    """Every expert case is drawn."""
    Tier.objects.filter(slug="expert").update(blind_sample_rate=1.0)
    return world


def test_a_drawn_case_waits_in_the_lowest_tiers_queue_and_its_decision_stands(sampled: World) -> None:
    case = decided_by_expert(sampled)
    assert draw_blind_samples() == 1 and draw_blind_samples() == 0
    review = ReviewTask.objects.get(kind="blind")
    assert review.queue.slug == "loans" and review.due_at > now() + timedelta(minutes=1)
    shown = sampled.api().get(f"/api/v1/cases/{case['id']}").json()
    assert shown["status"] == "decided" and shown["review"] is None, "partners hear nothing of it"
    event = Event.objects.get(action="review.blind_sampled")
    assert event.after["selection_probability"] == 1.0


def masked(lease: dict[str, Any]) -> dict[str, Any]:
    """A lease without ids and times."""
    held = {"id", "token", "expires_at"}
    case = {k: v for k, v in lease["case"].items() if k not in {"id", "created_at", "external_id"}}
    review = {k: v for k, v in lease["review"].items() if k not in {"id", "due_at"}}
    return {k: v for k, v in lease.items() if k not in held} | {"case": case, "review": review}


def test_the_reviewer_cannot_tell_it_from_other_work(sampled: World) -> None:
    decided_by_expert(sampled)
    draw_blind_samples()
    blind = claim(sampled, "bob")
    sampled.submit(sampled.case_body(external_id="easy"))
    usual = claim(sampled, "bob")
    assert masked(blind) == masked(usual)
    bob = sampled.api("bob")
    first, second = (bob.get(f"/api/v1/cases/{lease['case']['id']}") for lease in (blind, usual))
    assert first.status_code == second.status_code == 200 and first.json().keys() == second.json().keys()
    pages = [sampled.browser("bob").get(f"/cases/{lease['case']['id']}").content.decode() for lease in (blind, usual)]
    assert "decided" not in pages[0].lower().replace("data-decided", "") or "decided" in pages[1].lower()
    trace = bob.get(f"/api/v1/cases/{blind['case']['id']}/trace").json()
    assert "decisions" not in trace and "routing" not in trace


def test_its_answer_changes_no_decision_no_label_and_tells_no_partner(sampled: World) -> None:
    case = decided_by_expert(sampled)
    messages = OutboxMessage.objects.count()
    draw_blind_samples()
    judge(sampled, "bob", claim(sampled, "bob"), "approve")
    assert Decision.objects.get(case_id=case["id"], is_current=True).label == "reject"
    assert OutboxMessage.objects.count() == messages
    assert Judgement.objects.filter(review__kind="blind", stage="final", label="approve").exists()
    assert Case.objects.get(pk=case["id"]).queue.slug == "loans-expert", "it goes home"
    rebuild_labels(everything=True)
    assert TrainingLabel.objects.get(case_id=case["id"]).label == "reject"


def test_undoing_a_blind_judgement_opens_it_again_as_it_was(sampled: World) -> None:
    case = decided_by_expert(sampled)
    draw_blind_samples()
    judge(sampled, "bob", claim(sampled, "bob"), "approve", "?undo_seconds=60")
    said = Judgement.objects.get(review__kind="blind", stage="final")
    assert post(sampled, "bob", f"judgements/{said.pk}/undo", {}).status_code == 200
    assert Case.objects.get(pk=case["id"]).queue.slug == "loans"
    assert Decision.objects.get(case_id=case["id"], is_current=True).label == "reject"


def test_escalating_a_blind_sample_ends_it(sampled: World) -> None:
    case = decided_by_expert(sampled)
    draw_blind_samples()
    lease = claim(sampled, "bob")
    body = {"token": lease["token"], "reason": "too hard"}
    assert post(sampled, "bob", f"claims/{lease['id']}/escalate", body).status_code == 200
    assert ReviewTask.objects.get(kind="blind").status == "done"
    assert Case.objects.get(pk=case["id"]).queue.slug == "loans-expert"
    assert not OutboxMessage.objects.filter(
        type="case.escalated", created_at__gte=ReviewTask.objects.get(kind="blind").created_at
    ).exists()


def test_the_expert_who_decided_is_never_offered_it(sampled: World) -> None:
    decided_by_expert(sampled)
    draw_blind_samples()
    assert post(sampled, "dave", "reviews/claim", {"queue": "loans"}).status_code == 204


def test_a_correction_ends_it_and_overdue_ones_end_quietly(sampled: World) -> None:
    first, second = decided_by_expert(sampled, 1), decided_by_expert(sampled, 2)
    draw_blind_samples()
    correct_decision(actor=system_actor(sampled.workspace.pk), case_id=first["id"], label="approve", reason="audit")
    assert Case.objects.get(pk=first["id"]).queue.slug == "loans-expert"
    ReviewTask.objects.filter(kind="blind", status="waiting").update(due_at=now() - timedelta(hours=1))
    messages = OutboxMessage.objects.count()
    expire_slas()
    draw_blind_samples()
    assert OutboxMessage.objects.count() == messages, "nobody is alarmed"
    assert set(ReviewTask.objects.filter(kind="blind").values_list("status", flat=True)) == {"cancelled"}
    assert Case.objects.get(pk=second["id"]).queue.slug == "loans-expert"


def test_it_stays_within_capacity_and_is_off_at_zero(sampled: World) -> None:
    for number in range(MAX_OPEN + 2):
        decided_by_expert(sampled, number)
    assert draw_blind_samples() == MAX_OPEN
    ReviewTask.objects.filter(kind="blind").delete()
    Tier.objects.filter(slug="expert").update(blind_sample_rate=0.0)
    assert draw_blind_samples() == 0


def test_a_pending_case_a_machine_decision_and_one_that_may_be_undone_are_left_alone(sampled: World) -> None:
    sampled.submit(sampled.case_body(context={"complexity": 0.9}))
    sampled.submit(sampled.sure_case_body())
    Tier.objects.filter(slug="tier-1").update(blind_sample_rate=1.0)
    assert draw_blind_samples() == 0
    judge(sampled, "dave", claim(sampled, "dave", queue="loans-expert"), "reject", "?undo_seconds=60")
    assert draw_blind_samples() == 0


def test_two_per_cent_are_drawn_by_default(world: World) -> None:
    assert Tier.objects.get(slug="expert").blind_sample_rate == 0.02
