"""Blind samples (mission B8): what would tier 1 have said of a case that a higher tier decided?

A drawn share of decided cases gets one more review in the lowest tier's judge-first queue. It looks like any other
work there: for as long as it is open the case belongs to that queue, so that everything which seals a case seals this
one. Its answer changes no decision; only the tier report reads it.
"""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import system_actor
from hitl.core.clock import db_now
from hitl.core.rows import insert_rows
from reviews.actions.decisions import lock_case
from reviews.actions.heads import note_waiting
from reviews.actions.lending import lend_case, return_case
from reviews.actions.opening import new_review
from reviews.models import Case, Decision, Queue, ReviewTask
from reviews.selectors import QueueChoice, choose_queue
from routing.engine.sampling import hash_draw
from routing.models import Tier

WINDOW = timedelta(days=7)
MAX_OPEN = 10
"""Open blind samples per queue: the work of real cases comes first."""
_LOOKED_AT = 5_000


def draw_blind_samples() -> int:
    """Give each drawn case its blind review, and end those nobody took in time. Returns how many were given.

    Whether a case is drawn is a hash of it, so sweeping twice draws the same ones.
    """
    _end_overdue()
    tiers = Tier.objects.filter(automated=False, blind_sample_rate__gt=0.0).order_by("workspace_id", "rank")
    return sum(_draw_for(tier) for tier in tiers)


def _draw_for(tier: Tier) -> int:
    lowest = Tier.objects.filter(workspace_id=tier.workspace_id, automated=False).order_by("rank").first()
    if lowest is None or lowest.pk == tier.pk:
        return 0
    sampled = ReviewTask.objects.filter(case_id=OuterRef("case_id"), kind=ReviewTask.Kind.BLIND)
    done = ReviewTask.objects.filter(
        queue__in=Queue.objects.filter(workspace_id=tier.workspace_id, tier=tier),
        kind=ReviewTask.Kind.FIRST,
        status=ReviewTask.Status.DONE,
        done_at__gte=db_now() - WINDOW,
    ).exclude(Exists(sampled))
    draws = {
        key: hash_draw(f"blind:{tier.pk}", str(key)) for key in done.values_list("case_id", flat=True)[:_LOOKED_AT]
    }
    drawn = sorted((key for key, draw in draws.items() if draw < tier.blind_sample_rate), key=lambda key: draws[key])
    return sum(_give(case_id, tier, lowest) for case_id in drawn)


@transaction.atomic
def _give(case_id: uuid.UUID, tier: Tier, lowest: Tier) -> int:
    """One case's blind review; 0 where it may not have one now."""
    case = lock_case(case_id)
    if case is None or case.status != Case.Status.DECIDED:
        return 0
    at = db_now()
    stands = Decision.objects.filter(
        case_id=case_id, is_current=True, owner=Decision.Owner.REVIEWER, effects_at__lte=at
    )
    reviewed = ReviewTask.objects.filter(case_id=case_id)
    if (
        not stands.exists()
        or reviewed.filter(kind=ReviewTask.Kind.BLIND).exists()
        or reviewed.filter(status__in=ReviewTask.OPEN).exists()
    ):
        return 0
    choice = choose_queue(workspace_id=case.workspace_id, task_type_id=case.task_type_id, tier_slug=lowest.slug)
    if choice is None or not _has_room(choice, tier):
        return 0
    review = new_review(case, choice, kind=ReviewTask.Kind.BLIND, at=at)
    review.due_at = at + timedelta(seconds=choice.sla_s)  # required-by is long past
    review.urgent_at = review.due_at - timedelta(seconds=choice.sla_s * choice.near_due_share)
    review.save(force_insert=True)
    note_waiting(choice.id, review)
    actor = system_actor(case.workspace_id, "blind sample")
    change = Change(after={"queue": choice.slug, "tier": tier.slug, "selection_probability": tier.blind_sample_rate})
    subject = Subject("review", review.pk, case.pk)
    insert_rows(build_event(actor=actor, action="review.blind_sampled", subject=subject, change=change, at=at))
    lend_case(actor=actor, case=case, queue_id=choice.id, at=at)
    return 1


def _has_room(choice: QueueChoice, tier: Tier) -> bool:
    if choice.tier_rank >= tier.rank or not Queue.objects.filter(pk=choice.id, judge_first=True).exists():
        return False
    return (
        ReviewTask.objects.filter(queue_id=choice.id, kind=ReviewTask.Kind.BLIND, status__in=ReviewTask.OPEN).count()
        < MAX_OPEN
    )


def _end_overdue() -> None:
    overdue = ReviewTask.objects.filter(kind=ReviewTask.Kind.BLIND, status__in=ReviewTask.IDLE, due_at__lte=db_now())
    for review_id, case_id in overdue.values_list("pk", "case_id")[:1_000]:
        _end(review_id, case_id)


@transaction.atomic
def _end(review_id: uuid.UUID, case_id: uuid.UUID) -> None:
    case = lock_case(case_id)
    at = db_now()
    waiting = ReviewTask.objects.filter(pk=review_id, status__in=ReviewTask.IDLE)
    if case is None or not waiting.update(status=ReviewTask.Status.CANCELLED, done_at=at):
        return
    actor = system_actor(case.workspace_id, "blind sample")
    change = Change({"status": "waiting"}, {"status": "cancelled"}, "nobody took it in time")
    subject = Subject("review", review_id, case_id)
    insert_rows(build_event(actor=actor, action="review.cancelled", subject=subject, change=change, at=at))
    return_case(actor=actor, case=case, at=at)
