"""When an SLA passes: raise priority, escalate, decide the safest label, or send the model's answer as provisional."""

import uuid
from datetime import datetime

from django.db import transaction

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import db_now, rfc3339
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict
from hitl.core.rows import insert_rows
from reviews.actions.claims import move_review_up
from reviews.actions.decisions import decide_case, end_open_reviews, lock_leases
from reviews.actions.heads import note_waiting
from reviews.actions.opinions import give_up_opinion
from reviews.chain import needs_approval
from reviews.models import Case, Decision, ReviewTask
from routing.models import Risk, RoutingDecision, TaskType

_SWEEP = 100
_Fallback = TaskType.Fallback
TOP_PRIORITY = 1.0


def expire_slas() -> int:
    """Apply the fallback of every review whose due time has passed. Returns how many; idempotent, safe in parallel."""
    total = 0
    while key := _next_overdue():
        total += apply_fallback(review_id=key)
        if total >= 10_000:
            break
    return total


def _next_overdue() -> uuid.UUID | None:
    return (
        ReviewTask.objects.filter(status__in=ReviewTask.OPEN, sla_expired_at__isnull=True, due_at__lte=db_now())
        .order_by("due_at", "id")
        .values_list("pk", flat=True)
        .first()
    )


@transaction.atomic
def apply_fallback(*, review_id: uuid.UUID) -> int:
    """One review's fallback; 0 when somebody else was faster or the review was decided meanwhile."""
    at = db_now()
    case_id = ReviewTask.objects.values_list("case_id", flat=True).get(pk=review_id)
    lock_leases(case_id=case_id)  # before the review, as judging does
    won = ReviewTask.objects.filter(pk=review_id, sla_expired_at__isnull=True, due_at__lte=at).update(sla_expired_at=at)
    if not won:
        return 0
    review = (
        ReviewTask.objects.select_for_update(of=("self",))
        .select_related("case__task_type", "case__queue", "queue__tier")
        .get(pk=review_id)
    )
    if review.status not in ReviewTask.OPEN:
        return 0
    if review.kind in (ReviewTask.Kind.BLIND, ReviewTask.Kind.GOLD):
        return 0  # nobody waits for it; its own sweep ends it
    actor = system_actor(review.workspace_id, "SLA")
    if review.kind == ReviewTask.Kind.OPINION:
        give_up_opinion(actor, review, at)
        return 1
    fallback = permitted_fallback(review)
    _note(actor, review, fallback, at)
    open_to_all(review)
    match fallback:
        case _Fallback.ESCALATE:
            _escalate(actor, review, at)
        case _Fallback.SAFEST_LABEL:
            _decide_safest(actor, review.case, at)
        case _Fallback.MODEL_ANSWER:
            _send_model_answer(actor, review.case, at)
        case _:
            _raise_priority(review)
    return 1


def open_to_all(review: ReviewTask) -> None:
    """Nothing overdue is put off or kept for one person: whoever is free may take it."""
    if review.status in (ReviewTask.Status.SNOOZED, ReviewTask.Status.ASSIGNED):
        review.status = ReviewTask.Status.WAITING
        ReviewTask.objects.filter(pk=review.pk).update(status=review.status, assigned_to=None, snoozed_until=None)
        note_waiting(review.queue_id, review)


def permitted_fallback(review: ReviewTask) -> TaskType.Fallback:
    """The task type's fallback, or only “raise priority” where no machine may decide (mission C4).

    Critical, escalated and gated cases, and audits, never get an automatic answer; the model's answer also needs low or
    medium risk and a reversible decision.
    """
    case = review.case
    if review.kind == ReviewTask.Kind.APPEAL:
        return _Fallback.ESCALATE  # to a higher tier, else up in priority; never to the machine
    if review.case.appeals.exclude(outcome__isnull=False).exists() or _decided_on_appeal(case):
        return _Fallback.RAISE_PRIORITY
    wanted = TaskType.Fallback(case.task_type.fallback)
    kinds = (ReviewTask.Kind.AUDIT, ReviewTask.Kind.LEARNING, ReviewTask.Kind.REPORT, ReviewTask.Kind.OPINION)
    if review.kind in kinds:
        return _Fallback.RAISE_PRIORITY
    if review.panel_id is not None and wanted == _Fallback.ESCALATE:
        return _Fallback.RAISE_PRIORITY  # a panel's seats stay where they are
    if wanted in (_Fallback.RAISE_PRIORITY, _Fallback.ESCALATE):
        return wanted
    routing = RoutingDecision.objects.filter(workspace_id=case.workspace_id, case_id=case.pk).order_by("-id").first()
    if case.risk == Risk.CRITICAL or routing is None or routing.action in ("escalate", "gate"):
        return _Fallback.RAISE_PRIORITY
    if case.mode == "annotate" or needs_approval(case.content.proposed_action, reversible=case.task_type.reversible):
        return _Fallback.RAISE_PRIORITY
    if wanted == _Fallback.MODEL_ANSWER:
        safe = case.risk in (Risk.LOW, Risk.MEDIUM) and case.task_type.reversible and case.content.prediction
        stopped = case.task_type.machine_stopped or case.workspace.machine_stopped
        return wanted if safe and not stopped else _Fallback.RAISE_PRIORITY
    return wanted


def _decided_on_appeal(case: Case) -> bool:
    return Decision.objects.filter(case_id=case.pk, is_current=True, owner=Decision.Owner.APPEAL).exists()


def _note(actor: Actor, review: ReviewTask, fallback: str, at: datetime) -> None:
    payload = {
        "case_id": str(review.case_id),
        "external_id": review.case.external_id,
        "review_id": str(review.pk),
        "queue": review.queue.slug,
        "due_at": rfc3339(review.due_at),
        "fallback": str(fallback),
    }
    insert_rows(
        build_event(
            actor=actor,
            action="review.overdue",
            subject=Subject("review", review.pk, review.case_id),
            change=Change(after={"fallback": str(fallback)}, reason=f"due at {rfc3339(review.due_at)}"),
            at=at,
        ),
        build_message(actor=actor, type="review.overdue", payload=payload, case_id=review.case_id),
    )
    ring("delivery.relay_outbox")


def _raise_priority(review: ReviewTask) -> None:
    review.order_key = -TOP_PRIORITY
    ReviewTask.objects.filter(pk=review.pk).update(order_key=review.order_key)
    note_waiting(review.queue_id, review)


def _escalate(actor: Actor, review: ReviewTask, at: datetime) -> None:
    """A review somebody is working on stays theirs; at the top tier its priority rises instead."""
    if review.status == ReviewTask.Status.CLAIMED:
        _raise_priority(review)
        return
    try:
        move_review_up(actor=actor, review=review, at=at, reason="the SLA passed")
    except Conflict:
        _raise_priority(review)


def _decide_safest(actor: Actor, case: Case, at: datetime) -> None:
    end_open_reviews(actor=actor, case=case, at=at, reason="the SLA passed")
    label = case.task_type.safest_label
    decide_case(
        actor=actor, case=case, label=label, owner=Decision.Owner.FALLBACK, at=at, reason="SLA passed: safest label"
    )


def _send_model_answer(actor: Actor, case: Case, at: datetime) -> None:
    """Provisional: the review stays open and may revise it."""
    prediction = case.content.prediction
    if prediction is None or Decision.objects.filter(case_id=case.pk, is_current=True).exists():
        return
    decide_case(
        actor=actor,
        case=case,
        label=prediction["label"],
        owner=Decision.Owner.FALLBACK,
        at=at,
        reason="SLA passed: the model's answer, may be revised",
        provisional=True,
    )
