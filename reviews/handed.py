"""What earlier hands left for whoever has a review now, and what came back to those who asked."""

import uuid

import msgspec
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from hitl.core.clock import rfc3339
from reviews.models import Handover, Panel, ReviewTask


class HandoverOut(msgspec.Struct, frozen=True):
    """`note` and `answer` null while sealed: their author had seen the machine's answer, the reader has not."""

    id: str
    review: str
    kind: str
    by: str
    to: str | None
    from_queue: str
    to_queue: str
    note: str | None
    until: str | None
    answer: str | None
    answered_by: str | None
    answered_at: str | None
    created_at: str

    @property
    def kind_title(self) -> str:
        """For people."""
        return str(Handover.Kind(self.kind).label)

    @property
    def asks(self) -> bool:
        """A question nobody has answered yet."""
        return self.kind == Handover.Kind.ESCALATED and bool(self.note) and self.answered_at is None


def _rows(viewer: uuid.UUID | None = None) -> QuerySet[Handover]:
    rows = Handover.objects.select_related("by", "to", "from_queue", "to_queue", "answered_by")
    # Until a panel has ended, a note on one seat may tell what is to be said on another.
    sits = Q(review__panel__status__in=[Panel.Status.OPEN, Panel.Status.ADJUDICATION])
    return rows.annotate(apart=ExpressionWrapper(sits & ~Q(by_id=viewer), output_field=BooleanField()))


def handovers_of(review: ReviewTask, *, sealed: bool) -> list[HandoverOut]:
    """The steps of a review, oldest first; for one that never changed hands no query."""
    if not review.handed_over:
        return []
    return [handover_out(row, sealed=sealed) for row in _rows().filter(review_id=review.pk).order_by("id")[:100]]


def handovers_with(workspace_id: uuid.UUID, user_id: uuid.UUID) -> QuerySet[Handover]:
    """What this person handed on or was handed."""
    return _rows(user_id).filter(Q(by_id=user_id) | Q(to_id=user_id), workspace_id=workspace_id)


def handover_out(row: Handover, *, sealed: bool) -> HandoverOut:
    """One step; `sealed`: the reader may not see the machine's answer, so nothing that may betray it."""
    apart = getattr(row, "apart", False)
    hidden = apart or (sealed and row.informed)
    answered = row.answered_by.username if row.answered_by else None
    return HandoverOut(
        id=str(row.pk),
        review=str(row.review_id),
        kind=row.kind,
        by=row.by.username,
        to=row.to.username if row.to else None,
        from_queue=row.from_queue.slug,
        to_queue=row.to_queue.slug,
        note=None if hidden else row.note,
        until=rfc3339(row.until),
        answer=None if sealed or apart else row.answer or None,
        answered_by=answered,
        answered_at=rfc3339(row.answered_at),
        created_at=rfc3339(row.created_at) or "",
    )
