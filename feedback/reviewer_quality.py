"""One person's stored figures and level per queue, and the cases they got wrong."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from django.db.models import F, OuterRef, QuerySet, Subquery

from feedback.access import seen_by
from feedback.models import ReviewerFigures, Signal, SkillLevel
from feedback.stats.reviewing import Figures
from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.access import kept_apart_ids
from reviews.models import Judgement
from reviews.views.shapes import title_of

MOST_ERRORS = 10


@dataclass(frozen=True, slots=True)
class InQueue:
    """What is stored of a person in one queue. `level` null: not rated yet."""

    row: ReviewerFigures
    figures: Figures
    level: SkillLevel | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A case whose outcome says otherwise than this person did; labels by their titles."""

    case_id: uuid.UUID
    queue: str
    said: str
    truth: str


def stored_figures(actor: Actor, users: Collection[uuid.UUID]) -> dict[uuid.UUID, list[InQueue]]:
    """These people's figures by person, the queue with most work first; two statements."""
    rows = ReviewerFigures.objects.filter(workspace_id=actor.workspace_id, user_id__in=users).select_related("queue")
    held = SkillLevel.objects.filter(workspace_id=actor.workspace_id, user_id__in=users)
    if actor.task_type_ids is not None:
        rows = rows.filter(queue__task_type_id__in=actor.task_type_ids)
    levels = {(level.queue_id, level.user_id): level for level in held}
    found: dict[uuid.UUID, list[InQueue]] = defaultdict(list)
    for row in rows.order_by("-judged", "queue__slug"):
        figures = msgspec.convert(row.figures, Figures)
        found[row.user_id].append(InQueue(row, figures, levels.get((row.queue_id, row.user_id))))
    return found


def mistakes_of(actor: Actor, user_id: uuid.UUID) -> list[Mistake]:
    """The newest cases this person judged for good and the outcome contradicts.

    Only of cases whose answer the actor may know (the seal holds), and whose panel does not sit any more.
    """
    outcomes = Signal.objects.filter(case_id=OuterRef("case_id"), source=Signal.Source.OUTCOME)
    rows: QuerySet[Judgement] = Judgement.objects.filter(
        workspace_id=actor.workspace_id, user_id=user_id, stage=Judgement.Stage.FINAL, undone_at=None,
        effects_at__lte=now(),
    )  # fmt: skip
    rows = rows.annotate(truth=Subquery(outcomes.order_by("-observed_at", "-pk").values("label")[:1]))
    wrong = seen_by(actor, rows.filter(truth__isnull=False).exclude(label=F("truth")))
    found = list(wrong.select_related("case__task_type", "review__queue").order_by("-pk")[:MOST_ERRORS])
    apart = kept_apart_ids(actor, [row.case_id for row in found])
    return [
        Mistake(
            row.case_id,
            row.review.queue.title,
            title_of(row.case.task_type, row.label),
            title_of(row.case.task_type, getattr(row, "truth", "")),
        )
        for row in found
        if row.case_id not in apart
    ]
