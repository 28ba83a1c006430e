"""Keep a forecast of the wait in every queue (mission B14, C6)."""

import uuid
from datetime import datetime
from math import isfinite

from feedback.models import QueueForecast
from feedback.queue_loads import ObservedLoad, observed_loads
from feedback.stats.queueing import QueueLoad, WaitForecast, arrivals_next_hour, expected_wait
from hitl.core.clock import now
from reviews.models import Queue

_FIELDS = [f.name for f in QueueForecast._meta.concrete_fields if not f.primary_key]


def forecast_queues(at: datetime | None = None) -> int:
    """Measure every queue and store what to expect; returns how many. Repeating it only refreshes the figures."""
    at = at or now()
    loads = observed_loads(at)
    workspaces = dict(Queue.objects.values_list("pk", "workspace_id"))
    rows = [_row(key, workspaces[key], load, at) for key, load in loads.items() if key in workspaces]
    QueueForecast.objects.bulk_create(rows, update_conflicts=True, unique_fields=["queue"], update_fields=_FIELDS)
    return len(rows)


def load_of(row: QueueForecast) -> QueueLoad | None:
    """The load the next hour brings; null while nobody works on the queue or nothing was judged for a day."""
    if not row.reviewers or not row.service_s:
        return None
    return QueueLoad(row.arrivals_next_hour, row.service_s, row.reviewers, row.waiting)


def _row(queue_id: uuid.UUID, workspace_id: uuid.UUID, seen: ObservedLoad, at: datetime) -> QueueForecast:
    row = QueueForecast(
        queue_id=queue_id,
        workspace_id=workspace_id,
        computed_at=at,
        waiting=seen.waiting,
        reviewers=seen.reviewers,
        service_s=seen.service_s,
        arrivals_per_hour=seen.last_hour,
        arrivals_next_hour=arrivals_next_hour(seen.last_hour, seen.weeks),
    )
    load = load_of(row)
    if load is not None:
        row.utilisation = load.utilisation
        wait: WaitForecast = expected_wait(load)
        row.wait_now_s, row.wait_hour_s = (s if isfinite(s) else None for s in (wait.now_s, wait.hour_s))
    return row
