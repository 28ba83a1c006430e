"""Who is at work, for supervisors."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from hitl.core.clock import now
from reviews.duty import next_shift, on_duty, read_schedule, turn_of
from reviews.models import Claim, Reviewer, ReviewTask


@dataclass(frozen=True, slots=True)
class StaffRow:
    """`state`: on, off (by the schedule), away (marked). `own`: slugs of today's own queues."""

    reviewer_id: uuid.UUID
    username: str
    name: str
    tier: str
    state: str
    rotated: bool
    own: tuple[str, ...]
    held: int
    assigned: int
    next_shift_at: datetime | None


def staff_of(workspace_id: uuid.UUID) -> list[StaffRow]:
    """Everybody with a reviewer profile and an active membership, at most 500; four queries."""
    at = now()
    people = Reviewer.objects.filter(
        workspace_id=workspace_id,
        user__is_active=True,
        user__memberships__workspace_id=workspace_id,
        user__memberships__active=True,
    )
    rows = people.select_related("user", "tier").prefetch_related("queues").order_by("user__username")[:500]
    held = _counts(Claim.objects.filter(workspace_id=workspace_id, status="open"), "user_id")
    kept = _counts(ReviewTask.objects.filter(Q(workspace_id=workspace_id) & Q(status="assigned")), "assigned_to_id")
    return [_row(person, at, held, kept) for person in rows]


def _counts(rows: QuerySet[Any], by: str) -> dict[uuid.UUID, int]:
    return dict(rows.order_by().values_list(by).annotate(n=Count("pk")))


def _row(person: Reviewer, at: datetime, held: dict[uuid.UUID, int], kept: dict[uuid.UUID, int]) -> StaffRow:
    schedule = read_schedule(person.schedule)
    on = on_duty(schedule, at, available=person.available, on_call_until=person.on_call_until)
    turn = turn_of(schedule, at)
    return StaffRow(
        reviewer_id=person.pk,
        username=person.user.get_username(),
        name=person.user.get_full_name() or person.user.get_username(),
        tier=person.tier.title,
        state="on" if on else "off" if person.available else "away",
        rotated=turn is not None,
        own=tuple(turn) if turn is not None else tuple(sorted(q.slug for q in person.queues.all())),
        held=held.get(person.user_id, 0),
        assigned=kept.get(person.user_id, 0),
        next_shift_at=None if on else next_shift(schedule, at),
    )
