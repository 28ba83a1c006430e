"""What the active-learning sweep reads: cases that could be asked about, what was judged, the map of regions.

Worker only: imports numpy.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Exists, OuterRef, Q

from feedback.diversity import Vectors, unit_vectors
from feedback.models import LearningMap
from reviews.models import Case, CaseEmbedding, LearningScore, ReviewTask
from routing.engine.features import Features
from routing.models import RoutingDecision, TaskType

MAX_JUDGED = 100_000
"""Judged embeddings that distances are taken to, the newest."""
MAX_CASES = 2_000
"""Cases scored in one sweep; the next one goes on from there."""
POOL = 500
"""Automated cases of earlier sweeps that are scored again against what was judged since."""
SAMPLE = 20_000
"""Embeddings, judged or not, that regions are found in."""
_OVERLAP = timedelta(hours=1)
_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """Embeddings of the cases people judged last, as unit vectors of one dimension; `rows` without a direction left
    out."""

    dim: int
    vectors: Vectors


def first_id_at(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond (RFC 9562)."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def judged_embeddings(task_type: TaskType) -> Judged | None:
    """What was judged, in the dimension of the newest embedding; null where no case came with one."""
    rows = CaseEmbedding.objects.filter(task_type=task_type)
    dim = rows.order_by("-case_id").values_list("dim", flat=True).first()
    if dim is None:
        return None
    judged = rows.filter(judged_at__isnull=False, dim=dim).order_by("-judged_at").values_list("vector", flat=True)
    return Judged(dim, _directed(list(judged[:MAX_JUDGED]), dim))


def sample_embeddings(task_type: TaskType, dim: int) -> Vectors:
    """The newest embeddings of a task type, whether judged or not."""
    rows = CaseEmbedding.objects.filter(task_type=task_type, dim=dim).order_by("-case_id")
    return _directed(list(rows.values_list("vector", flat=True)[:SAMPLE]), dim)


def embeddings_of(case_ids: Collection[uuid.UUID], dim: int) -> dict[uuid.UUID, Vectors]:
    """Unit vectors of these cases; absent where a case has none of this dimension, or one without a direction."""
    rows = list(CaseEmbedding.objects.filter(pk__in=case_ids, dim=dim).values_list("pk", "vector"))
    vectors, usable = unit_vectors([vector for _, vector in rows], dim)
    return {pk: vectors[n] for n, (pk, _) in enumerate(rows) if usable[n]}


def new_automated_cases(task_type: TaskType, since: datetime) -> list[uuid.UUID]:
    """Cases the machine decided since then that nobody looked at and no sweep has scored, oldest first."""
    scored = LearningScore.objects.filter(task_type=task_type, review__isnull=True).order_by("-case_id")
    last = scored.values_list("pk", flat=True).first()
    start = first_id_at(since)
    if last is not None:
        # A case becomes visible up to a transaction's length after its id was made.
        start = max(start, uuid.UUID(int=max(0, (last.int >> 80) - int(_OVERLAP.total_seconds() * 1000)) << 80))
    cases = Case.objects.filter(
        ~Exists(LearningScore.objects.filter(pk=OuterRef("pk"))),
        ~Exists(ReviewTask.objects.filter(case_id=OuterRef("pk"))),
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        pk__gte=start,
        status=Case.Status.DECIDED,
    )
    return list(cases.order_by("pk").values_list("pk", flat=True)[:MAX_CASES])


def best_of_pool(task_type: TaskType) -> list[uuid.UUID]:
    """The automated cases that scored highest when they were last scored."""
    pool = LearningScore.objects.filter(task_type=task_type, review__isnull=True).order_by("-score")
    return list(pool.values_list("pk", flat=True)[:POOL])


def reviews_to_label(task_type: TaskType) -> dict[uuid.UUID, uuid.UUID]:
    """Case → waiting review of the cases that are only to be labelled and wait in an ordinary queue."""
    rows = ReviewTask.objects.filter(
        status="waiting", kind="first", queue__active_learning=False, case__mode="annotate", case__task_type=task_type
    )
    return dict(rows.order_by("pk").values_list("case_id", "pk")[:MAX_CASES])


def reviews_to_reorder(task_type: TaskType, at: datetime) -> list[ReviewTask]:
    """Waiting reviews with an embedding whose diversity was never counted, or not for an hour."""
    rows = ReviewTask.objects.filter(
        Q(case__learning_score__diversity__isnull=True) | Q(case__learning_score__scored_at__lt=at - _AGAIN),
        status="waiting",
        sla_expired_at__isnull=True,
        kind__in=["first", "audit"],
        case__task_type=task_type,
        case__embedding__isnull=False,
    )
    return list(rows.select_related("case__learning_score").order_by("pk")[:MAX_CASES])


def features_of_cases(task_type: TaskType, case_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Features]:
    """The features each case was routed on, the newest where it was routed twice."""
    rows = RoutingDecision.objects.filter(workspace_id=task_type.workspace_id, case_id__in=case_ids).order_by("pk")
    return {case_id: Features.from_json(features) for case_id, features in rows.values_list("case_id", "features")}


def stored_centres(row: LearningMap | None, dim: int) -> Vectors | None:
    """The centres of a stored map; null without one of this dimension."""
    if row is None or row.dim != dim:
        return None
    return np.frombuffer(bytes(row.centres), dtype="<f4").reshape(-1, dim).astype(np.float32)


def _directed(rows: Sequence[bytes | memoryview], dim: int) -> Vectors:
    vectors, usable = unit_vectors(rows, dim)
    return vectors if usable.all() else vectors[usable]
