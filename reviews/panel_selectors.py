"""Reads about panels: who sits where, and what was said."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from reviews.engine.declared import read_scheme
from reviews.engine.schemes import ADJUDICATOR, Kind, Scheme
from reviews.models import Claim, Judgement, Panel, ReviewTask


@dataclass(frozen=True, slots=True)
class SeatRow:
    """One seat. `title`: as people read it; what was said is null while the seat is open."""

    seat: str
    title: str
    kind: str
    status: str
    reviewer: str | None
    label: str | None
    reasoning: str
    confidence: float | None
    at: datetime | None
    judgement_id: uuid.UUID | None
    queue_id: uuid.UUID


def seats_of(panel: Panel) -> list[SeatRow]:
    """The seats of a panel in the order of opening. For those who may see what was said: the caller has checked."""
    scheme = read_scheme(panel.scheme)
    said = {
        j.review_id: j
        for j in Judgement.objects.filter(
            case_id=panel.case_id,
            review__panel_id=panel.pk,
            stage=Judgement.Stage.FINAL,
            undone_at__isnull=True,
        ).select_related("user")
    }
    reviews = ReviewTask.objects.filter(case_id=panel.case_id, panel_id=panel.pk).exclude(status="cancelled")
    return [_row(scheme, place, r, said.get(r.pk)) for place, r in enumerate(reviews.order_by("created_at", "pk"))]


def _row(scheme: Scheme, place: int, review: ReviewTask, said: Judgement | None) -> SeatRow:
    return SeatRow(
        seat=review.seat,
        title=title_of_seat(scheme, review.seat, place),
        kind=review.kind,
        status=review.status,
        reviewer=said.user.get_username() if said else None,
        label=said.label if said else None,
        reasoning=said.reasoning if said else "",
        confidence=said.confidence if said else None,
        at=said.created_at if said else None,
        judgement_id=said.pk if said else None,
        queue_id=review.queue_id,
    )


def title_of_seat(scheme: Scheme, seat: str, place: int) -> str:
    """A role by its title; reviewers as letters, so that nobody is weighed by name."""
    role = next((r for r in scheme.roles if r.name == seat), None)
    if role is not None:
        return role.title or role.name
    if seat == ADJUDICATOR:
        return _("Adjudicator")
    return _("Reviewer %(letter)s") % {"letter": chr(ord("A") + place)}


def is_blind(scheme: Scheme) -> bool:
    """Whether its reviewers are alike, so that nothing tells the second or third from the first."""
    return scheme.kind in (Kind.BLIND_DOUBLE, Kind.DYNAMIC_THIRD)


def panels_of(case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Panel]:
    """The newest panel of each case that has one."""
    rows = Panel.objects.filter(case_id__in=case_ids).order_by("id")
    return {panel.case_id: panel for panel in rows}


def panels_in_conflict(workspace_id: uuid.UUID) -> QuerySet[Panel]:
    """Panels that wait for an adjudicator or a supervisor, with their case and queue."""
    waiting = [Panel.Status.ADJUDICATION, Panel.Status.RETURNED]
    rows = Panel.objects.filter(workspace_id=workspace_id, status__in=waiting)
    return rows.select_related("case__task_type", "queue__tier")


def held_elsewhere(review: ReviewTask) -> bool:
    """Whether somebody holds another seat of the same case, which is then still in review."""
    others = Claim.objects.filter(review__case_id=review.case_id, status=Claim.Status.OPEN)
    return others.exclude(review_id=review.pk).exists()
