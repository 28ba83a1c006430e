"""Routine cases: a drawn share of what the machine decided is judged once more by people, to keep their skills.

They are blind samples (`blind_samples`) of the machine: they look like any other work of a judge-first queue, change
nothing, and are marked as routine only afterwards.
"""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import system_actor
from hitl.core.clock import db_now
from hitl.core.rows import insert_rows
from reviews.actions.blind_samples import MAX_OPEN
from reviews.actions.decisions import lock_case
from reviews.actions.heads import note_waiting
from reviews.actions.lending import lend_case
from reviews.actions.opening import new_review
from reviews.models import Case, Decision, Queue, ReviewTask
from reviews.selectors import QueueChoice
from routing.engine.sampling import hash_draw

WINDOW = timedelta(days=1)
_LOOKED_AT = 5_000


def draw_routine_cases() -> int:
    """Give each drawn case its review. Returns how many; whether one is drawn is a hash of it."""
    queues = Queue.objects.filter(routine_share__gt=0.0, judge_first=True, task_type__isnull=False)
    return sum(_draw_for(queue) for queue in queues.select_related("tier").order_by("workspace_id", "slug"))


def _draw_for(queue: Queue) -> int:
    by_machine = Decision.objects.filter(case_id=OuterRef("pk"), is_current=True, owner=Decision.Owner.SYSTEM)
    cases = Case.objects.filter(
        Exists(by_machine),
        ~Exists(ReviewTask.objects.filter(case_id=OuterRef("pk"))),
        workspace_id=queue.workspace_id,
        task_type_id=queue.task_type_id,
        status=Case.Status.DECIDED,
        created_at__gte=db_now() - WINDOW,
        content__proposed_action__isnull=True,
    )
    keys = cases.order_by("-id").values_list("pk", flat=True)[:_LOOKED_AT]
    drawn = [key for key in keys if hash_draw(f"routine:{queue.pk}", str(key)) < queue.routine_share]
    return sum(_give(key, queue) for key in drawn)


@transaction.atomic
def _give(case_id: uuid.UUID, queue: Queue) -> int:
    case = lock_case(case_id)
    reviews = ReviewTask.objects.filter(case_id=case_id)
    waiting = ReviewTask.objects.filter(queue=queue, kind=ReviewTask.Kind.BLIND, status__in=ReviewTask.OPEN)
    if case is None or case.status != Case.Status.DECIDED or reviews.exists() or waiting.count() >= MAX_OPEN:
        return 0
    at = db_now()
    tier = queue.tier
    choice = QueueChoice(queue.pk, queue.slug, queue.near_due_share, tier.sla_s, tier.slug, tier.rank)
    review = new_review(case, choice, kind=ReviewTask.Kind.BLIND, at=at)
    review.due_at = at + timedelta(seconds=choice.sla_s)
    review.urgent_at = review.due_at - timedelta(seconds=choice.sla_s * choice.near_due_share)
    review.save(force_insert=True)
    note_waiting(queue.pk, review)
    actor = system_actor(case.workspace_id, "routine")
    change = Change(after={"queue": queue.slug, "selection_probability": queue.routine_share})
    subject = Subject("review", review.pk, case.pk)
    insert_rows(build_event(actor=actor, action="review.routine_sampled", subject=subject, change=change, at=at))
    lend_case(actor=actor, case=case, queue_id=queue.pk, at=at)
    return 1
