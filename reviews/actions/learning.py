"""Reviews for the sake of learning: opened, moved, withdrawn, and waiting ones ordered anew by diversity."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.rows import insert_rows
from reviews.actions.opening import new_review
from reviews.history import case_history
from reviews.models import Case, Decision, LearningScore, Queue, ReviewTask
from reviews.selectors import QueueChoice

Kind, Status = ReviewTask.Kind, ReviewTask.Status
_SCORED = ["review", "score", "factors", "region", "policy_version", "scored_at"]


@transaction.atomic
def open_learning_review(*, actor: Actor, case_id: uuid.UUID, queue: Queue, score: float, at: datetime) -> bool:
    """Ask people about a case the machine decided; false where it was looked at, corrected or withdrawn meanwhile.

    A score chose it, not chance: the review's kind says so, and its label never counts as a random sample.
    """
    case = Case.objects.select_for_update(of=("self",)).filter(pk=case_id, status=Case.Status.DECIDED).first()
    if case is None or ReviewTask.objects.filter(case_id=case_id).exists():
        return False
    if not Decision.objects.filter(case_id=case_id, is_current=True, owner=Decision.Owner.SYSTEM).exists():
        return False
    choice = QueueChoice(queue.pk, queue.slug, queue.near_due_share, queue.tier.sla_s, queue.tier.slug, queue.tier.rank)
    review = new_review(case, choice, kind=Kind.LEARNING, at=at)
    review.order_key = -score
    case.queue_id = queue.pk
    Case.objects.filter(pk=case_id).update(queue_id=queue.pk)
    after = {"kind": "learning", "queue": queue.slug, "score": score, "selected_by": "active_learning"}
    insert_rows(review, _event(actor, "review.opened", review, Change(after=after), at), _history(case, actor, at))
    LearningScore.objects.filter(pk=case_id).update(review_id=review.pk)
    return True


@transaction.atomic
def move_to_learning(*, actor: Actor, review_id: uuid.UUID, queue: Queue, score: float, at: datetime) -> bool:
    """Put a waiting review of a case that is only to be labelled into the learning queue; false if it was claimed."""
    review = ReviewTask.objects.select_for_update(of=("self",)).select_related("queue").filter(pk=review_id).first()
    if review is None or review.status != Status.WAITING or review.kind != Kind.FIRST:
        return False
    before = {"queue": review.queue.slug, "priority": review.priority}
    ReviewTask.objects.filter(pk=review_id).update(queue_id=queue.pk, kind=Kind.LEARNING, order_key=-score)
    case = Case.objects.select_for_update(of=("self",)).get(pk=review.case_id)
    case.queue_id = queue.pk
    Case.objects.filter(pk=case.pk).update(queue_id=queue.pk)
    change = Change(before, {"queue": queue.slug, "priority": score, "selected_by": "active_learning"})
    insert_rows(_event(actor, "review.moved", review, change, at), _history(case, actor, at))
    LearningScore.objects.filter(pk=case.pk).update(review_id=review_id)
    return True


@transaction.atomic
def withdraw_learning_review(*, actor: Actor, review_id: uuid.UUID, at: datetime, reason: str) -> bool:
    """Take a waiting lesson about a decided case back, to make room for a better one; false if somebody holds it."""
    review = ReviewTask.objects.select_for_update(of=("self",)).filter(pk=review_id, kind=Kind.LEARNING).first()
    if review is None or review.status != Status.WAITING:
        return False
    case = Case.objects.select_for_update(of=("self",)).get(pk=review.case_id)
    if case.status != Case.Status.DECIDED:
        return False
    ReviewTask.objects.filter(pk=review_id).update(status=Status.CANCELLED, done_at=at)
    case.queue_id = None
    Case.objects.filter(pk=case.pk).update(queue_id=None)
    change = Change({"status": "waiting"}, {"status": "cancelled"}, reason)
    insert_rows(_event(actor, "review.cancelled", review, change, at), _history(case, actor, at))
    return True


@dataclass(frozen=True, slots=True)
class Reordered:
    """A waiting review's new priority, 0-1, and the diversity (0-1) and weight that made it."""

    review_id: uuid.UUID
    priority: float
    diversity: float
    weight: float


@transaction.atomic
def reorder_reviews(*, actor: Actor, changes: Sequence[Reordered], at: datetime) -> int:
    """Give waiting reviews new priorities, with an event each; skips those no longer waiting or raised by their SLA."""
    wanted = {change.review_id: change for change in changes}
    found = ReviewTask.objects.select_for_update(of=("self",), skip_locked=True).filter(
        pk__in=list(wanted), status=Status.WAITING, sla_expired_at__isnull=True
    )
    reviews = list(found.order_by("pk"))
    if not reviews:
        return 0
    events = []
    for review in reviews:
        change = wanted[review.pk]
        after = {"priority": change.priority, "factor": "diversity", "value": change.diversity, "weight": change.weight}
        events.append(_event(actor, "review.reordered", review, Change({"priority": review.priority}, after), at))
        review.order_key = -change.priority
    ReviewTask.objects.bulk_update(reviews, ["order_key"])
    insert_rows(*events)
    return len(reviews)


def keep_scores(scores: Sequence[LearningScore], *, counted: bool = False) -> None:
    """Write the scores of these cases, over earlier ones. counted: their diversity now is in the review's priority."""
    fields = [*_SCORED, "diversity"] if counted else _SCORED
    LearningScore.objects.bulk_create(scores, update_conflicts=True, unique_fields=["case"], update_fields=fields)


def forget_scores(*, task_type_id: uuid.UUID, before: datetime) -> int:
    """Drop scores of automated cases that are too old to be asked about; returns how many."""
    old = uuid.UUID(int=int(before.timestamp() * 1000) << 80)
    gone, _ = LearningScore.objects.filter(task_type_id=task_type_id, review__isnull=True, case_id__lt=old).delete()
    return gone


def _event(actor: Actor, action: str, review: ReviewTask, change: Change, at: datetime) -> Any:
    subject = Subject("review", review.pk, review.case_id)
    return build_event(actor=actor, action=action, subject=subject, change=change, at=at)


def _history(case: Case, actor: Actor, at: datetime) -> Any:
    return case_history(case, actor=actor, at=at, reason="active learning")
