"""Why a review stands where it does in its queue, in words; nothing the machine said where that is sealed."""

import uuid
from datetime import datetime

from django.utils.translation import gettext as _

from hitl.core.numbers import fixed, percent
from reviews.models import Queue, ReviewTask


def place_of(review: ReviewTask, queue: Queue, *, at: datetime, sealed: bool, viewer: uuid.UUID | None = None) -> str:
    """One sentence. `sealed`: the reader may not see the machine's answer, and priority is made of it."""
    if review.assigned_to_id is not None:
        mine = review.assigned_to_id == viewer
        return _("It comes first: it was given to you.") if mine else _("It waits for one person.")
    if review.status == ReviewTask.Status.SNOOZED:
        return _("It is put off; its time runs on.")
    if review.due_at <= at:
        return _("It comes first because it is overdue.")
    if review.urgent_at <= at:
        if _brought_forward(review):
            return _("It comes first because it was brought forward when it arrived: somebody waits, or it spreads.")
        left, limit = percent(share_left(review, queue, at), 0), percent(queue.near_due_share, 0)
        text = _("It comes first because %(left)s of its time is left, less than %(limit)s.")
        return text % {"left": left, "limit": limit}
    if sealed:
        return _("It stands in the order of its queue: priority, then arrival.")
    return _("It stands by its priority of %(priority)s, then by arrival.") % {"priority": fixed(review.priority, 2)}


def _brought_forward(review: ReviewTask) -> bool:
    """Urgent from its arrival on, not since its time ran short."""
    return (review.due_at - review.urgent_at) >= (review.due_at - review.created_at) * 0.999


def share_left(review: ReviewTask, queue: Queue, at: datetime) -> float:
    """Share of its time that is left, 0–1: `urgent_at` is where `near_due_share` of it was."""
    span = (review.due_at - review.urgent_at).total_seconds()
    left = (review.due_at - at).total_seconds()
    return max(0.0, min(1.0, queue.near_due_share * left / span)) if span > 0 else 0.0
