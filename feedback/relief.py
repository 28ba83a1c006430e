"""What a threshold would change in the queues: the forecast wait as a function of the threshold."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from feedback.actions.queue_forecasts import load_of
from feedback.models import QueueForecast
from feedback.queue_loads import HOUR, first_id
from feedback.stats.queueing import QueueLoad, expected_wait
from routing.engine.controller import Forecast

FRESH = timedelta(minutes=10)
"""An older forecast says nothing about now."""

# Reviews of the last hour by queue: all, and those of one model version that are there because they missed a threshold
# that load may move. Only these become fewer.
_MISSED = """
SELECT t.queue_id, count(*),
       count(*) FILTER (WHERE c.task_type_id = %(task_type)s AND c.model_version = %(model)s
                        AND r.threshold IS NOT NULL AND r.risk IN ('low', 'medium')
                        AND r.action IN ('review', 'automate_and_review') AND r.zone = 'queue')
FROM reviews_reviewtask t JOIN reviews_case c ON c.id = t.case_id
LEFT JOIN LATERAL (
  SELECT d.action, d.zone, d.threshold, d.risk FROM routing_routingdecision d
  WHERE d.workspace_id = c.workspace_id AND d.case_id = c.id ORDER BY d.id DESC LIMIT 1
) r ON true
WHERE t.id >= %(since)s AND t.queue_id = ANY(%(queues)s)
GROUP BY t.queue_id
"""


@dataclass(frozen=True, slots=True)
class Relievable:
    """A queue's load, and the share of its arrivals that a threshold decides, 0-1."""

    load: QueueLoad
    share: float


def relievable_queues(
    workspace_id: uuid.UUID, task_type_id: uuid.UUID, model_version: str, at: datetime
) -> list[Relievable] | None:
    """The queues where cases of this model wait that missed their threshold in the last hour; null: no forecast."""
    rows = QueueForecast.objects.filter(workspace_id=workspace_id, computed_at__gte=at - FRESH)
    loads = {row.queue_id: load for row in rows if (load := load_of(row)) is not None}
    shares = _shares(task_type_id, model_version, loads.keys(), at)
    return [Relievable(loads[key], share) for key, share in shares.items() if share > 0] or None


def forecast_of(queues: Collection[Relievable], present: float, review_share: Mapping[float, float]) -> Forecast:
    """The longest expected wait of these queues under another threshold than `present`.

    review_share: share of the model's cases below each threshold; arrivals that a threshold decides scale with it.
    """
    below = review_share.get(present, 0.0)

    def wait(threshold: float) -> float:
        change = review_share.get(threshold, below) / below if below > 0.0 else 1.0
        return max(_wait(queue, change) for queue in queues)

    return wait


def _wait(queue: Relievable, change: float) -> float:
    arrivals = queue.load.arrivals_per_hour * (1.0 - queue.share + queue.share * change)
    return expected_wait(queue.load.with_arrivals(arrivals)).hour_s


def _shares(
    task_type_id: uuid.UUID, model_version: str, queues: Collection[uuid.UUID], at: datetime
) -> dict[uuid.UUID, float]:
    values: dict[str, Any] = {
        "task_type": task_type_id,
        "model": model_version,
        "since": first_id(at - HOUR),
        "queues": list(queues),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MISSED, values)
        return {key: missed / total for key, total, missed in cursor.fetchall()}
