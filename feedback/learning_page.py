"""What /ops/learning shows: where people's judgements lie among all cases, a fixed number of queries per task type."""

import uuid
from dataclasses import dataclass

from django.db.models import Count, Q

from feedback.models import LearningMap
from feedback.selectors import task_types_for_actor
from hitl.core.actors import Actor
from reviews.models import LearningScore, Queue, ReviewTask
from reviews.selectors import learning_queue
from routing.models import PolicyVersion, TaskType

WIDTH, LEFT, ROW = 640, 90, 22
_BAR = 12


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region: judged cases, lessons that wait, automated cases nobody asked about; and its bar in SVG units."""

    number: int
    judged: int
    waiting: int
    unasked: int
    rare: bool
    y: float
    bar: float

    @property
    def middle(self) -> float:
        return self.y + _BAR


@dataclass(frozen=True, slots=True)
class LearningSection:
    """One task type's part of the page. `learns`: its policy in force chooses cases to learn from."""

    task_type: TaskType
    learns: bool
    queue: Queue | None
    waiting: int
    map: LearningMap | None
    regions: tuple[RegionRow, ...]
    height: int
    fair: float
    """Where a fair share of all judgements would end, in SVG units."""


def learning_sections(actor: Actor) -> list[LearningSection]:
    """Every task type the actor may see."""
    task_types = list(task_types_for_actor(actor))
    maps = {row.pk: row for row in LearningMap.objects.filter(task_type__in=task_types)}
    active = PolicyVersion.objects.filter(policy__task_type__in=task_types, status="active")
    learning = active.filter(document__active_learning__isnull=False).exclude(document__active_learning=None)
    learns = set(learning.values_list("policy__task_type_id", flat=True))
    return [_section(t, maps.get(t.pk), t.pk in learns) for t in task_types]


def _section(task_type: TaskType, found: LearningMap | None, learns: bool) -> LearningSection:
    queue = learning_queue(workspace_id=task_type.workspace_id, task_type_id=task_type.pk)
    counts = _counts(task_type.pk)
    waiting = sum(w for w, _ in counts.values())
    if found is None:
        return LearningSection(task_type, learns, queue, waiting, None, (), 0, 0.0)
    judged = list(found.judged)
    fair = sum(judged) / len(judged)
    scale = (WIDTH - LEFT - 60) / max(*judged, fair, 1)
    rows = tuple(
        RegionRow(n, count, *counts.get(n, (0, 0)), count < fair / 2, n * ROW + 4, round(count * scale, 1))
        for n, count in enumerate(judged)
    )
    height = len(rows) * ROW + 8
    return LearningSection(task_type, learns, queue, waiting, found, rows, height, round(LEFT + fair * scale, 1))


def _counts(task_type_id: uuid.UUID) -> dict[int | None, tuple[int, int]]:
    """Region → lessons that wait, automated cases nobody asked about; null: cases without an embedding."""
    waits = Q(review__status__in=ReviewTask.OPEN, review__kind="learning")
    rows = LearningScore.objects.filter(task_type_id=task_type_id).values("region").order_by("region")
    found = rows.annotate(waiting=Count("pk", filter=waits), unasked=Count("pk", filter=Q(review__isnull=True)))
    return {row["region"]: (row["waiting"], row["unasked"]) for row in found}
