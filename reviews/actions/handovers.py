"""Hand a review on instead of judging it: snooze, transfer, return, answer a question, step back for being too close.

The SLA's clock runs on through all of them; only escalation starts another (docs/queues.md).
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import db_now, rfc3339
from hitl.core.errors import Conflict, FieldProblem, InvalidInput, Refused
from hitl.core.rows import insert_rows, run_pipelined
from reviews.access import claim_for_actor
from reviews.actions.claims import close_claim, exclusion_statement, move_case
from reviews.actions.handover_notes import knows_answer, note_handover
from reviews.actions.heads import note_waiting
from reviews.chain import needs_approval
from reviews.history import case_history
from reviews.models import Case, Claim, Exclusion, Handover, Queue, Reviewer, ReviewTask
from reviews.panel_selectors import held_elsewhere
from reviews.people import Colleague, qualified
from routing.actions.configure import sign

Kind, Status = Handover.Kind, ReviewTask.Status
LONGEST_SNOOZE = timedelta(days=30)


@transaction.atomic
def snooze_claim(
    *, actor: Actor, claim_id: uuid.UUID, token: str, until: datetime, reason: str, to_me: bool = False
) -> Claim:
    """Put the review off: nobody is offered it until then, or until it is due. `to_me`: it then waits for me alone.

    Raises InvalidInput (`out_of_range`, `required`), Conflict `claim_lost`, `overdue`.
    """
    _given(reason, "reason")
    claim = claim_for_actor(actor, claim_id)
    knows = knows_answer(claim)
    at = close_claim(claim, token, Claim.Status.RELEASED)
    if not at < until <= at + LONGEST_SNOOZE:
        detail = f"Give a time in the future, at most {LONGEST_SNOOZE.days} days from now."
        raise InvalidInput(errors=[FieldProblem("/until", detail, "out_of_range")])
    review = claim.review
    if review.due_at <= at:
        raise Conflict("It is overdue: nothing overdue is put off. Hand it on or escalate it.", code="overdue")
    values = {"snoozed_until": until, "assigned_to_id": actor.user_id if to_me else None}
    ReviewTask.objects.filter(pk=review.pk).update(status=Status.SNOOZED, **values)
    _put_down(actor, review, at, "review.snoozed", {"status": "snoozed", "until": rfc3339(until)}, reason)
    note_handover(
        actor=actor, review=review, kind=Kind.SNOOZED, note=reason, at=at, informed=knows, until=until,
        queues=(review.queue_id, review.queue_id), to=actor.user_id if to_me else None,
    )  # fmt: skip
    return claim


@transaction.atomic
def transfer_claim(
    *, actor: Actor, claim_id: uuid.UUID, token: str, to: str = "", queue: str = "", note: str = ""
) -> Claim:
    """Hand the review to a qualified colleague, who sees it before anything else, or to another queue.

    Raises Refused (`not_qualified`, `queue_not_suitable`), InvalidInput, Conflict `claim_lost`.
    """
    _given(note, "note")
    if bool(to) == bool(queue):
        detail = "Name a colleague (`to`) or a queue (`queue`), one of them."
        raise InvalidInput(errors=[FieldProblem("/to", detail, "required")])
    claim = claim_for_actor(actor, claim_id)
    review, knows = claim.review, knows_answer(claim)
    person = _colleague(review, review.queue, to, actor) if to else None
    target = _suitable_queue(review, queue) if queue else review.queue
    at = close_claim(claim, token, Claim.Status.RELEASED)
    hand_to(actor, review, target, person.id if person else None, at)
    after = {"to": person.username} if person else {"queue": target.slug}
    _put_down(actor, review, at, "review.transferred", after, note)
    note_handover(
        actor=actor, review=review, kind=Kind.TRANSFERRED, note=note, at=at, informed=knows,
        queues=(review.queue_id, target.pk), to=person.id if person else None,
    )  # fmt: skip
    return claim


@transaction.atomic
def return_claim(*, actor: Actor, claim_id: uuid.UUID, token: str, reason: str) -> Claim:
    """Hand the review back to whom and where it came from; to that queue alone where the person may not judge it.

    A question that came with it is answered by the reason. Raises Conflict `nothing_to_return`, `claim_lost`.
    """
    _given(reason, "reason")
    claim = claim_for_actor(actor, claim_id)
    review, knows = claim.review, knows_answer(claim)
    came = came_from(review, actor.person_id)
    if came is None:
        raise Conflict("Nobody handed this case on to you; put it back or escalate it.", code="nothing_to_return")
    at = close_claim(claim, token, Claim.Status.RELEASED)
    if came.kind == Kind.ESCALATED:  # whoever asked gave it up only to ask
        Exclusion.objects.filter(case_id=review.case_id, user_id=came.by_id, reason=Exclusion.Reason.SKIPPED).delete()
        _answer(actor, review, came, reason, at)
    target = came.from_queue
    person = next(iter(qualified(review, target, user_id=came.by_id)), None)
    hand_to(actor, review, target, person.id if person else None, at)
    after = {"queue": target.slug, "to": person.username if person else None}
    _put_down(actor, review, at, "review.returned", after, reason)
    note_handover(
        actor=actor, review=review, kind=Kind.RETURNED, note=reason, at=at, informed=knows,
        queues=(review.queue_id, target.pk), to=person.id if person else None,
    )  # fmt: skip
    return claim


def came_from(review: ReviewTask, user_id: uuid.UUID) -> Handover | None:
    """The last time somebody else handed this review on; null where nobody did."""
    steps = Handover.objects.filter(review_id=review.pk).exclude(by_id=user_id).exclude(kind=Kind.SNOOZED)
    return steps.select_related("from_queue__tier", "by").order_by("-id").first()


@transaction.atomic
def answer_question(*, actor: Actor, claim_id: uuid.UUID, token: str, answer: str) -> Handover:
    """Answer what was asked when the review was escalated; it stays with me. Raises Conflict `no_question`."""
    _given(answer, "answer")
    claim = claim_for_actor(actor, claim_id)
    if claim.token is None or claim.token != token or claim.expires_at <= db_now():
        raise Conflict("This claim is lost; claim again to answer.", code="claim_lost")
    asked = open_question(claim.review_id)
    if asked is None:
        raise Conflict("No question waits for an answer here.", code="no_question")
    _answer(actor, claim.review, asked, answer, db_now())
    asked.refresh_from_db()
    return asked


def open_question(review_id: uuid.UUID) -> Handover | None:
    """The last question of a review that nobody has answered."""
    asked = Handover.objects.filter(review_id=review_id, kind=Kind.ESCALATED, answered_at__isnull=True).exclude(note="")
    return asked.order_by("-id").first()


def _answer(actor: Actor, review: ReviewTask, asked: Handover, answer: str, at: datetime) -> None:
    answered = Handover.objects.filter(pk=asked.pk, answered_at__isnull=True)
    if not answered.exclude(note="").update(answer=answer, answered_by=actor.user_id, answered_at=at):
        return
    insert_rows(_event(actor, review, "review.question_answered", {"question": asked.note}, answer, at))


@transaction.atomic
def declare_conflict(*, actor: Actor, claim_id: uuid.UUID, token: str, note: str = "", remember: bool = True) -> Claim:
    """I am too close to this subject: the review goes back to others, and I am not offered the case again.

    `remember`: nor any other case of this subject. Raises Conflict `claim_lost`.
    """
    claim = claim_for_actor(actor, claim_id)
    review = claim.review
    at = close_claim(claim, token, Claim.Status.SKIPPED)
    run_pipelined(exclusion_statement(claim, Exclusion.Reason.CONFLICT, at, note=note))
    mine = Exclusion.objects.filter(case_id=review.case_id, user_id=claim.user_id)
    mine.update(reason=Exclusion.Reason.CONFLICT)
    if remember and review.subject:
        _remember(actor, review.subject)
    ReviewTask.objects.filter(pk=review.pk).update(status=Status.WAITING, assigned_to=None)
    note_waiting(review.queue_id, review)
    _put_down(actor, review, at, "review.conflict_declared", {"status": "waiting", "remembered": remember}, note)
    return claim


def _remember(actor: Actor, subject: str) -> None:
    """Never a case of this subject again, and what is assigned to this person of it goes to all."""
    person = Reviewer.objects.select_for_update().get(workspace_id=actor.workspace_id, user_id=actor.person_id)
    if subject in person.subject_ids:
        return
    person.subject_ids = [*person.subject_ids, subject]
    sign(person, actor)
    person._change_reason = "conflict of interest declared"  # type: ignore[attr-defined]  # read by simple-history
    person.save(update_fields=["subject_ids"])
    kept = ReviewTask.objects.filter(assigned_to_id=actor.user_id, subject=subject, workspace_id=actor.workspace_id)
    kept.filter(status=Status.ASSIGNED).update(status=Status.WAITING, assigned_to=None)
    kept.filter(status=Status.SNOOZED).update(assigned_to=None)


_WAKE_SOME = 500


def wake_snoozed() -> int:
    """Put reviews whose time has come back into their queues. Returns how many; idempotent, safe in parallel."""
    total = 0
    while count := _wake_some():
        total += count
    return total


@transaction.atomic
def _wake_some() -> int:
    at = db_now()
    due = ReviewTask.objects.select_for_update(skip_locked=True).filter(status=Status.SNOOZED, snoozed_until__lte=at)
    reviews = list(due.order_by("snoozed_until")[:_WAKE_SOME])
    if not reviews:
        return 0
    keys = [r.pk for r in reviews]
    for_all = Q(assigned_to__isnull=True)
    ReviewTask.objects.filter(for_all, pk__in=keys).update(status=Status.WAITING, snoozed_until=None)
    ReviewTask.objects.filter(~for_all, pk__in=keys).update(status=Status.ASSIGNED, snoozed_until=None)
    for review in reviews:
        note_waiting(review.queue_id, review)
    insert_rows(*(_event(system_actor(r.workspace_id, "snooze"), r, "review.woken", {}, "", at) for r in reviews))
    return len(reviews)


def hand_to(actor: Actor, review: ReviewTask, queue: Queue, user_id: uuid.UUID | None, at: datetime) -> None:
    """Make an open review that nobody holds wait in `queue`, for one person alone if named. Due as before."""
    status = Status.WAITING if user_id is None else Status.ASSIGNED
    ReviewTask.objects.filter(pk=review.pk).update(
        status=status, assigned_to_id=user_id, queue_id=queue.pk, snoozed_until=None
    )
    note_waiting(queue.pk, review)
    if queue.pk != review.queue_id and not review.seat:  # a panel stays where it met
        Case.objects.filter(pk=review.case_id).update(queue_id=queue.pk)
        case = Case.objects.get(pk=review.case_id)
        insert_rows(case_history(case, actor=actor, at=at, reason=f"handed to {queue.slug}"))


def _put_down(actor: Actor, review: ReviewTask, at: datetime, action: str, after: dict[str, Any], reason: str) -> None:
    """What every way out of a claim but judging leaves behind: the case pending, an event."""
    if not (review.seat and held_elsewhere(review)):
        move_case(review.case_id, "in_review", "pending", actor=actor, at=at)
    insert_rows(_event(actor, review, action, after, reason, at))


def _event(actor: Actor, review: ReviewTask, action: str, after: dict[str, Any], reason: str, at: datetime) -> Any:
    subject = Subject("review", review.pk, review.case_id)
    return build_event(actor=actor, action=action, subject=subject, change=Change(after=after, reason=reason), at=at)


def _given(text: str, field: str) -> None:
    if not text.strip():
        raise InvalidInput(errors=[FieldProblem(f"/{field}", "Say why, for whoever has it next.", "required")])


def _colleague(review: ReviewTask, queue: Queue, username: str, actor: Actor) -> Colleague:
    """The person named. Raises Refused `not_qualified`: for whatever reason, since exclusions are private."""
    found = next(iter(qualified(review, queue, username=username)), None)
    if found is None or found.id == actor.user_id:
        detail = (
            f"“{username}” cannot be given this case in this queue; see /reviews/{review.pk}/colleagues for who can."
        )
        raise Refused(
            detail, code="not_qualified", errors=[FieldProblem("/to", "Name a qualified colleague.", "not_qualified")]
        )
    return found


def suitable_queues(review: ReviewTask) -> list[Queue]:
    """Other queues that may take a review: of people, for its task type, and open to see where an action waits.

    A seat stays in the queue its scheme gave it: another might show what its reviewer is not to see.
    """
    if review.seat:
        return []
    case = review.case
    rows = Queue.objects.filter(workspace_id=review.workspace_id, tier__automated=False, active_learning=False)
    rows = rows.filter(Q(task_type_id=case.task_type_id) | Q(task_type_id__isnull=True)).exclude(pk=review.queue_id)
    if needs_approval(case.content.proposed_action, reversible=case.task_type.reversible):
        rows = rows.filter(judge_first=False)
    return list(rows.select_related("tier").order_by(F("tier__rank"), "slug"))


def _suitable_queue(review: ReviewTask, slug: str) -> Queue:
    found = next((q for q in suitable_queues(review) if q.slug == slug), None)
    if found is None:
        detail = f"The queue “{slug}” does not take this case."
        raise Refused(detail, code="queue_not_suitable", errors=[FieldProblem("/queue", detail, "queue_not_suitable")])
    return found
