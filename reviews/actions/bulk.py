"""Decide several reviews of one kind at once, where nothing is lost by it (mission C7).

Never in judge-first queues, never gated or above medium risk, at most 25, and only by whoever typed how many.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.errors import Conflict, DomainError, FieldProblem, Forbidden, InvalidInput, NotFound, Refused
from hitl.core.ids import new_id
from hitl.core.rows import insert_rows
from reviews.access import queue_for_actor
from reviews.actions.claims import claim_review, release_claim
from reviews.actions.judgements import Said, record_judgement
from reviews.chain import needs_approval
from reviews.models import Queue, ReviewTask
from reviews.payloads import CaseOut
from routing.models import Risk, TaskType

MOST = 25


@dataclass(frozen=True, slots=True)
class BulkItem:
    """What became of one review: its case, or why not."""

    review_id: uuid.UUID
    case: CaseOut | None
    error: DomainError | None


@dataclass(frozen=True, slots=True)
class BulkJudgement:
    """One kind: a queue, a task type, a label. `count` is what the person typed."""

    queue: str
    task_type: str
    label: str
    reasoning: str
    review_ids: Sequence[uuid.UUID]
    count: int


def judge_in_bulk(*, actor: Actor, asked: BulkJudgement, hold: timedelta = timedelta(0)) -> list[BulkItem]:
    """Claim and judge each review by itself; one refused leaves the others as they are. In the order asked.

    Raises InvalidInput (`out_of_range`, `count_mismatch`), Refused (`bulk_not_allowed`, `unknown_label`), NotFound.
    """
    keys = list(dict.fromkeys(asked.review_ids))
    if not 1 <= len(keys) <= MOST:
        raise InvalidInput(errors=[FieldProblem("/reviews", f"Name 1 to {MOST} reviews.", "out_of_range")])
    if asked.count != len(keys):
        detail = f"You chose {len(keys)}; type that number to confirm."
        raise InvalidInput(errors=[FieldProblem("/count", detail, "count_mismatch")])
    queue = queue_for_actor(actor, asked.queue)
    check_bulk_queue(queue)
    task_type = TaskType.objects.filter(workspace_id=actor.workspace_id, slug=asked.task_type).first()
    if task_type is None or asked.label not in task_type.label_values:
        detail = f"“{asked.label}” is not a label of this task type."
        raise Refused(detail, code="unknown_label", errors=[FieldProblem("/label", detail, "unknown_label")])
    batch = new_id()
    return [_judge(actor, key, queue, task_type, asked, batch, len(keys), hold) for key in keys]


def check_bulk_queue(queue: Queue) -> None:
    """Raises Refused `bulk_not_allowed` for a queue where each case is to be judged by itself."""
    if queue.may_seal or not queue.allow_pick:
        why = "people judge here before they see the machine's answer" if queue.may_seal else "the server picks here"
        raise Refused(f"Several at once are not possible in this queue: {why}.", code="bulk_not_allowed")


def bulk_problem(review: ReviewTask, queue: Queue, task_type: TaskType) -> str:
    """Why a review may not be decided together with others; empty where it may. With case and content."""
    case = review.case
    if review.kind in (ReviewTask.Kind.APPEAL, ReviewTask.Kind.REPORT):
        return "Somebody contests it: it is judged by itself."
    if review.seat:
        return "Several people judge it, each by themselves."
    if review.queue_id != queue.pk or case.task_type_id != task_type.pk:
        return "It is of another kind than the others."
    if case.risk not in (Risk.LOW, Risk.MEDIUM):
        return "Its risk is too high to be decided together with others."
    if needs_approval(case.content.proposed_action, reversible=task_type.reversible):
        return "It asks for an action that must be approved by itself."
    return ""


def _judge(
    actor: Actor,
    key: uuid.UUID,
    queue: Queue,
    task_type: TaskType,
    asked: BulkJudgement,
    batch: uuid.UUID,
    size: int,
    hold: timedelta,
) -> BulkItem:
    rows = ReviewTask.objects.select_related("case__content").filter(pk=key, workspace_id=actor.workspace_id)
    review = rows.filter(queue=queue).first()
    try:
        if review is None:
            raise NotFound()
        if problem := bulk_problem(review, queue, task_type):
            raise Forbidden(problem, code="bulk_not_allowed")
        return BulkItem(key, _judge_one(actor, review, asked, batch, size, hold), None)
    except DomainError as error:
        return BulkItem(key, None, error)


def _judge_one(
    actor: Actor, review: ReviewTask, asked: BulkJudgement, batch: uuid.UUID, size: int, hold: timedelta
) -> CaseOut:
    """Both or neither: a claim that could not be judged is given back."""
    claim = claim_review(actor=actor, review_id=review.pk).claim
    assert claim.token is not None
    try:
        with transaction.atomic():
            said = Said(label=asked.label, reasoning=asked.reasoning)
            judged = record_judgement(actor=actor, claim_id=claim.pk, token=claim.token, said=said, hold=hold)
            change = Change(after={"batch": str(batch), "size": size, "label": asked.label})
            subject = Subject("judgement", judged.judgement.pk, review.case_id)
            insert_rows(build_event(actor=actor, action="judgement.in_bulk", subject=subject, change=change))
    except DomainError as error:
        if not (isinstance(error, Conflict) and error.code == "claim_lost"):
            release_claim(actor=actor, claim_id=claim.pk, token=claim.token, reason="bulk")
        raise
    return judged.case
