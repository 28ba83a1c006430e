"""How busy each queue is: what the forecast of its wait is made of. Times are read from UUIDv7 keys: index ranges."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
WEEKS = 4
ACTIVE = timedelta(minutes=30)
SERVED = timedelta(days=1)
_MOST = 10_000

_ARRIVALS = """
SELECT s.span, t.queue_id, count(*)
FROM unnest(%(spans)s::int[], %(lows)s::uuid[], %(highs)s::uuid[]) AS s(span, low, high)
JOIN reviews_reviewtask t ON t.id >= s.low AND t.id < s.high
GROUP BY s.span, t.queue_id
"""
_WAITING = """
SELECT q.id, (SELECT count(*) FROM (SELECT 1 FROM reviews_reviewtask r
                                    WHERE r.queue_id = q.id AND r.status = 'waiting' LIMIT %(most)s) w)
FROM reviews_queue q
"""
_SERVICE = """
SELECT t.queue_id,
       count(DISTINCT c.user_id) FILTER (WHERE c.status = 'open'
                                         OR (c.status = 'submitted' AND c.closed_at > %(active)s)),
       avg(extract(epoch FROM c.closed_at - c.claimed_at)) FILTER (WHERE c.status = 'submitted')
FROM reviews_claim c JOIN reviews_reviewtask t ON t.id = c.review_id
WHERE c.id >= %(served)s
GROUP BY t.queue_id
"""


@dataclass(frozen=True, slots=True)
class ObservedLoad:
    """One queue as observed. weeks: arrivals in this hour of past weeks and in the one after. service_s null: idle."""

    waiting: int
    reviewers: int
    service_s: float | None
    last_hour: int
    weeks: tuple[tuple[int, int], ...]


def observed_loads(at: datetime) -> dict[uuid.UUID, ObservedLoad]:
    """Every queue of every workspace, in three queries. Weeks without any arrival in the product are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"most": _MOST})
        waiting = dict(cursor.fetchall())
        cursor.execute(_SERVICE, {"active": at - ACTIVE, "served": first_id(at - SERVED)})
        service = {key: (reviewers, mean) for key, reviewers, mean in cursor.fetchall()}
        arrivals = _arrivals(at, cursor)
    recorded = [week for week in range(1, WEEKS + 1) if any(key[0] == week for key in arrivals)]
    loads = {}
    for key, count in waiting.items():
        reviewers, mean = service.get(key, (0, None))
        weeks = tuple((arrivals[week, 0, key], arrivals[week, 1, key]) for week in recorded)
        loads[key] = ObservedLoad(count, reviewers, float(mean) if mean else None, arrivals[0, 0, key], weeks)
    return loads


def first_id(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond (RFC 9562)."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _arrivals(at: datetime, cursor: CursorWrapper) -> dict[tuple[int, int, uuid.UUID], int]:
    """Counts by (weeks ago, 0 for the hour before that moment and 1 for the one after, queue)."""
    spans: Sequence[tuple[int, int]] = [(0, 0), *((w, after) for w in range(1, WEEKS + 1) for after in (0, 1))]
    starts = [at - week * WEEK - (0 if after else 1) * HOUR for week, after in spans]
    values: dict[str, Any] = {
        "spans": list(range(len(spans))),
        "lows": [first_id(start) for start in starts],
        "highs": [first_id(start + HOUR) for start in starts],
    }
    cursor.execute(_ARRIVALS, values)
    found: dict[tuple[int, int, uuid.UUID], int] = defaultdict(int)
    for span, queue_id, count in cursor.fetchall():
        found[(*spans[span], queue_id)] = count
    return found
