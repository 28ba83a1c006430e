"""What the layers of cascades and the adapters did in a window: outcomes, cost, time."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from reviews.models import PendingAsk

_REPORT = """
SELECT t.slug, v.layer, v.kind, count(*),
       count(*) FILTER (WHERE v.outcome = 'pass'), count(*) FILTER (WHERE v.outcome = 'fail'),
       count(*) FILTER (WHERE v.outcome = 'error'),
       avg(v.cost), coalesce(sum(v.cost), 0), percentile_disc(0.95) WITHIN GROUP (ORDER BY v.latency_ms),
       avg(v.attempts)::float
FROM reviews_validationresult v JOIN routing_tasktype t ON t.id = v.task_type_id
WHERE v.workspace_id = %(workspace)s AND v.created_at >= %(since)s
  AND (%(task_types)s::uuid[] IS NULL OR v.task_type_id = ANY(%(task_types)s::uuid[]))
GROUP BY t.slug, v.layer, v.kind ORDER BY t.slug, v.kind, v.layer LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class LayerReport:
    """`mean_cost` null where no cost is known; `p95_ms` of the call that answered; `attempts` on average."""

    task_type: str
    layer: str
    kind: str
    runs: int
    passed: int
    failed: int
    errors: int
    mean_cost: float | None
    total_cost: float
    p95_ms: float
    attempts: float


def layer_reports(
    workspace_id: uuid.UUID, since: datetime, task_type_ids: Sequence[uuid.UUID] | None = None
) -> list[LayerReport]:
    """One row per task type and layer that ran since then; `task_type_ids` null: all."""
    values: dict[str, Any] = {
        "workspace": workspace_id,
        "since": since,
        "task_types": None if task_type_ids is None else list(task_type_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, values)
        return [LayerReport(*row) for row in cursor.fetchall()]


def asks_waiting(workspace_id: uuid.UUID) -> int:
    """Cases that wait for a model right now."""
    return PendingAsk.objects.filter(workspace_id=workspace_id).count()
