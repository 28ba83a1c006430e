"""The open reviews of a queue, in the order in which they are served, each with why it stands where it does.

Priority is made of what the machine said. Whoever may claim from a judge-first queue therefore sees only which reviews
are urgent, and the others by arrival (invariant 8).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from hitl.core.clock import now
from hitl.core.pagination import page_by_id
from reviews.models import Case, Queue, ReviewTask
from reviews.place import place_of

SHOWS = {
    "next": _("Served next"),
    "overdue": _("Overdue"),
    "assigned": _("Assigned"),
    "snoozed": _("Put off"),
    "claimed": _("Held"),
}
MOST = 50


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """`person`: who holds it, or whom it waits for."""

    id: uuid.UUID
    case: Case
    status: str
    due_at: datetime
    overdue: bool
    why: str
    person: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    rows: list[ReviewRow]
    next: str | None = None


def reviews_of_queue(
    queue: Queue, *, show: str, sealed: bool, viewer: uuid.UUID | None, cursor: str | None = None
) -> Listed:
    """At most 50. `next` in the order of service; the others newest first, by cursor."""
    rows = ReviewTask.objects.filter(queue=queue).select_related("case__task_type", "assigned_to")
    if show == "next":
        return Listed([_row(r, queue, sealed, viewer) for r in _served(rows.filter(status="waiting"), sealed)])
    at = now()
    chosen = {
        "overdue": rows.filter(status="waiting", urgent_at__lte=at, due_at__lte=at),
        "assigned": rows.filter(status="assigned"),
        "snoozed": rows.filter(status="snoozed"),
        "claimed": rows.filter(status="claimed"),
    }[show]
    page = page_by_id(chosen, limit=MOST, cursor=cursor)
    return Listed([_row(r, queue, sealed, viewer) for r in page.rows], page.next)


def _served(waiting: QuerySet[ReviewTask], sealed: bool) -> list[ReviewTask]:
    urgent = list(waiting.filter(urgent_at__lte=now()).order_by("urgent_at", "id")[:MOST])
    keys = [r.pk for r in urgent]
    order = ("id",) if sealed else ("order_key", "id")
    rest = waiting.exclude(pk__in=keys).order_by(*order)[: MOST - len(urgent)] if len(urgent) < MOST else []
    return [*urgent, *rest]


def _row(review: ReviewTask, queue: Queue, sealed: bool, viewer: uuid.UUID | None) -> ReviewRow:
    at = now()
    return ReviewRow(
        id=review.pk,
        case=review.case,
        status=review.get_status_display(),
        due_at=review.due_at,
        overdue=review.due_at <= at,
        why=place_of(review, queue, at=at, sealed=sealed, viewer=viewer) if review.status != "claimed" else "",
        person=review.assigned_to.get_username() if review.assigned_to else "",
        until=review.snoozed_until,
    )
