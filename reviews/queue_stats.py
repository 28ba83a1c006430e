"""How queues stand, for lists: bounded counts, never a scan of everything."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from reviews.selectors import estimated_wait_s

_MOST = 10_000
_STATS = """
SELECT q.id,
  (SELECT count(*) FROM (SELECT 1 FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
                         LIMIT %(most)s) w),
  (SELECT count(*) FROM (SELECT 1 FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
                         AND r.urgent_at <= now() AND r.due_at <= now() LIMIT %(most)s) o),
  (SELECT r.created_at FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
   ORDER BY r.urgent_at, r.id LIMIT 1),
  (SELECT r.due_at FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
   ORDER BY r.urgent_at, r.id LIMIT 1)
FROM unnest(%(ids)s::uuid[]) AS q(id)
"""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """`depth` and `overdue` count at most 10,000; `oldest` is the arrival of the one that is due first."""

    depth: int
    overdue: int
    oldest_at: datetime | None
    next_due_at: datetime | None
    estimated_wait_s: int | None


def stats_of(queue_ids: Sequence[uuid.UUID], *, waits: bool = True) -> dict[uuid.UUID, QueueStats]:
    """One query for all queues, and, where `waits`, one per queue whose waiting time is not fresh."""
    if not queue_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_STATS, {"ids": list(queue_ids), "most": _MOST})
        rows = cursor.fetchall()
    return {
        key: QueueStats(depth, overdue, oldest, due, estimated_wait_s(key) if waits else None)
        for key, depth, overdue, oldest, due in rows
    }
