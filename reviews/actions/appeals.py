"""An appeal: filed by the subject through a partner, judged by a person who had no part in the decision (E6)."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec
from django.db import IntegrityError, connection, transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now, rfc3339
from hitl.core.errors import Conflict, NotFound
from hitl.core.rows import insert_rows, new_row
from reviews.actions.decisions import lock_case
from reviews.actions.heads import note_waiting
from reviews.actions.idempotency import Answer, IdempotencyClaim, first_answer, in_flight, remembered
from reviews.actions.opening import new_review
from reviews.appeals import appeal_out, recourse_of
from reviews.models import Appeal, Case, Decision, Exclusion, Judgement, Recourse, Reviewer, ReviewTask
from reviews.selectors import QueueChoice, choose_queue

APPEAL_BONUS = 0.2  # as in B18's formula of priority: how much an appeal adds
_Kind = ReviewTask.Kind


@transaction.atomic
def once(actor: Actor, claim: IdempotencyClaim | None, work: Callable[[], bytes]) -> Answer:
    """Answer 201 with what `work` makes, or the first answer to the same Idempotency-Key again."""
    if claim is not None:
        if first := first_answer(claim):
            return first
        with connection.cursor() as cursor:
            name = f"key:{claim.owner_id}:{claim.key}"
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
            if not cursor.fetchone()[0]:
                raise in_flight()
        if first := first_answer(claim):  # committed while the lock was not ours
            return first
    body = work()
    if claim is not None:
        insert_rows(remembered(actor, claim, 201, body))
    return Answer(201, body)


@transaction.atomic
def file_appeal(*, actor: Actor, case_id: uuid.UUID, reason: str, submitted_by: str) -> Appeal:
    """Contest the case's standing decision; opens a review that nobody who had a part in it may claim.

    Raises NotFound, Conflict `not_decided` (also while the decision can still be undone), `appeal_open`,
    `appeals_closed` (its window is over, or the task type takes none).
    """
    case = lock_case(case_id)
    if case is None or case.workspace_id != actor.workspace_id:
        raise NotFound()
    at = db_now()
    decision = Decision.objects.filter(case_id=case.pk, is_current=True).first()
    rules = recourse_of(case.task_type)
    _check(case, decision, rules, at)
    assert decision is not None
    review = open_review(case, decision, rules, at)
    appeal = Appeal(
        workspace_id=case.workspace_id,
        task_type=case.task_type,
        case=case,
        decision=decision,
        review=review,
        reason=reason,
        submitted_by=submitted_by,
        created_at=at,
    )
    try:
        with transaction.atomic():
            appeal.save(force_insert=True)
    except IntegrityError:
        raise _open_already() from None
    exclude_all_before(case, at)
    after = {
        "appeal": str(appeal.pk),
        "decision": str(decision.pk),
        "review": str(review.pk) if review else None,
        "priority": review.priority if review else None,
        "has_appeal": True,
        "due_at": rfc3339(review.due_at) if review else None,
    }
    insert_rows(
        build_event(
            actor=actor,
            action="appeal.filed",
            subject=Subject("appeal", appeal.pk, case.pk),
            change=Change(after=after, reason=reason[:2000], versions={"policy": case.policy_version}),
            at=at,
        )
    )
    return appeal


def _check(case: Case, decision: Decision | None, rules: Recourse, at: datetime) -> None:
    decided = case.status in (Case.Status.DECIDED, Case.Status.PROVISIONAL)
    if not decided or decision is None or decision.effects_at > at:
        raise Conflict("There is no decision yet that could be appealed against.", code="not_decided")
    if not rules.appeals_allowed:
        raise Conflict("Decisions of this kind cannot be appealed against here.", code="appeals_closed")
    if decision.created_at + timedelta(days=rules.window_days) < at:
        raise Conflict("The time for an appeal against this decision is over.", code="appeals_closed")
    if Appeal.objects.filter(case_id=case.pk, resolved_at__isnull=True).exists():
        raise _open_already()


def _open_already() -> Conflict:
    return Conflict("An appeal against this case's decision is open already.", code="appeal_open")


def open_review(case: Case, decision: Decision, rules: Recourse, at: datetime) -> ReviewTask | None:
    """The waiting review of an appeal, in its declared queue or the tier above the one that decided; null: no queue.

    Its SLA is the task type's for appeals, whatever the queue's tier has; it comes before equals by `APPEAL_BONUS`.
    """
    choice = _queue(case, decision, rules)
    if choice is None:
        return None
    review = new_review(case, choice, kind=_Kind.APPEAL, at=at)
    review.due_at = at + timedelta(hours=rules.sla_hours)
    review.urgent_at = review.due_at - (review.due_at - at) * choice.near_due_share
    review.order_key = -min(1.0, case.priority + APPEAL_BONUS)
    review.save(force_insert=True)
    note_waiting(choice.id, review)
    return review


def _queue(case: Case, decision: Decision, rules: Recourse) -> QueueChoice | None:
    if rules.queue is not None:
        q = rules.queue
        return QueueChoice(q.pk, q.slug, q.near_due_share, q.tier.sla_s, q.tier.slug, q.tier.rank)
    return queue_above(case, decision)


def queue_above(case: Case, decision: Decision) -> QueueChoice | None:
    """A queue of the tier above the one that decided, or of that tier where it is the highest."""
    rank = rank_that_decided(decision)
    choose = partial(choose_queue, workspace_id=case.workspace_id, task_type_id=case.task_type_id, tier_slug="")
    return choose(min_rank=rank + 1) or choose(min_rank=rank)


def rank_that_decided(decision: Decision) -> int:
    """The tier of the queue in which the deciding person judged, else that person's own (a supervisor corrected); 0,
    the machine's, where nobody decided.
    """
    if decision.decided_by_id is None:
        return 0
    judged = Judgement.objects.filter(
        case_id=decision.case_id, user_id=decision.decided_by_id, stage=Judgement.Stage.FINAL, undone_at__isnull=True
    )
    rank = judged.order_by("-id").values_list("review__queue__tier__rank", flat=True).first()
    own = Reviewer.objects.filter(workspace_id=decision.workspace_id, user_id=decision.decided_by_id)
    return (own.values_list("tier__rank", flat=True).first() or 0) if rank is None else rank


def exclude_all_before(case: Case, at: datetime) -> None:
    """Nobody who judged, decided or corrected this case is offered its appeal; whoever audits it later neither."""
    judges = Judgement.objects.filter(case_id=case.pk).values_list("user_id", flat=True)
    owners = Decision.objects.filter(case_id=case.pk, decided_by__isnull=False).values_list("decided_by_id", flat=True)
    Exclusion.objects.bulk_create(
        [
            new_row(
                Exclusion,
                workspace_id=case.workspace_id,
                case_id=case.pk,
                user_id=user_id,
                reason=Exclusion.Reason.CONFLICT.value,
                note="had a part in the decision appealed against",
                created_at=at,
            )
            for user_id in sorted(set(judges) | set(owners), key=str)
            if user_id is not None
        ],
        ignore_conflicts=True,
    )


def file_appeal_once(
    *, actor: Actor, case_id: uuid.UUID, reason: str, submitted_by: str, claim: IdempotencyClaim | None
) -> Answer:
    """`file_appeal`, idempotent by Idempotency-Key."""

    def work() -> bytes:
        filed = file_appeal(actor=actor, case_id=case_id, reason=reason, submitted_by=submitted_by)
        return msgspec.json.encode(appeal_out(filed))

    return once(actor, claim, work)
