"""What a person is told of the scheme their review belongs to, and the panels a supervisor sees."""

import msgspec
from django.utils.translation import gettext as _

from hitl.core.clock import rfc3339
from reviews.engine.declared import read_scheme
from reviews.engine.schemes import ADJUDICATOR
from reviews.models import Judgement, Panel, ReviewTask
from reviews.panel_selectors import SeatRow, is_blind, seats_of, title_of_seat
from reviews.payloads import SchemeStepOut, VoiceOut


class PanelOut(msgspec.Struct, frozen=True):
    """A panel whose people disagree. `voices` null for whoever may yet sit on it."""

    id: str
    case: str
    external_id: str | None
    task_type: str
    queue: str
    scheme: str
    status: str
    explanation: str | None
    opened_at: str | None
    conflict_at: str | None
    voices: list[VoiceOut] | None


def step_out(review: ReviewTask, panel: Panel) -> SchemeStepOut:
    """The seat of a review, in words that betray nothing of the others."""
    scheme = read_scheme(panel.scheme)
    if review.seat != ADJUDICATOR and is_blind(scheme):
        return SchemeStepOut(scheme.kind.value, "reviewer", _("Blind review"))
    return SchemeStepOut(scheme.kind.value, review.seat, title_of_seat(scheme, review.seat, 0))


def others_out(review: ReviewTask, panel: Panel) -> list[VoiceOut] | None:
    """What the others said, for the adjudicator; null for everybody else."""
    if review.kind != ReviewTask.Kind.ADJUDICATION:
        return None
    return [_voice(row) for row in seats_of(panel) if row.seat != ADJUDICATOR and row.label is not None]


def _voice(row: SeatRow, *, named: bool = False) -> VoiceOut:
    assert row.label is not None
    return VoiceOut(row.title, row.label, row.reasoning, row.confidence, row.reviewer if named else None)


def opinion_out(given: Judgement) -> VoiceOut:
    """A second opinion, for whoever asked for it."""
    return VoiceOut(_("Second opinion"), given.label, given.reasoning, given.confidence)


def panel_out(panel: Panel, *, apart: bool) -> PanelOut:
    """`apart`: this person may yet have a seat on it, so what was said is missing."""
    voices = None if apart else [_voice(row, named=True) for row in seats_of(panel) if row.label is not None]
    return PanelOut(
        id=str(panel.pk),
        case=str(panel.case_id),
        external_id=panel.case.external_id,
        task_type=panel.case.task_type.slug,
        queue=panel.queue.slug,
        scheme=read_scheme(panel.scheme).kind.value,
        status=panel.status,
        explanation=None if apart else panel.explanation,
        opened_at=rfc3339(panel.opened_at),
        conflict_at=rfc3339(panel.conflict_at),
        voices=voices,
    )


def panel_of(review: ReviewTask) -> Panel | None:
    """The panel a review has a seat on; no query where it has none."""
    return None if review.panel_id is None else Panel.objects.get(pk=review.panel_id)
