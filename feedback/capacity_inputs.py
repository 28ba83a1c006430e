"""The queues and people of a workspace as a simulation takes them: arrivals, service, what waits, who works when."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from feedback.queue_loads import HOUR
from feedback.stats.simulation import HOUR_S, Kind, Person, Waiting
from reviews.duty import Schedule, on_shift, read_schedule

_SAMPLE = 300
_MOST_WAITING = 5_000
_WEEK = timedelta(days=7)
_HALF = 0.5
_UNKNOWN = Kind(120.0, 86_400.0, 0.5)

_SERVED = """
SELECT q.id, s.service_s, s.sla_s, s.priority
FROM unnest(%(queues)s::uuid[]) AS q(id)
CROSS JOIN LATERAL (
  SELECT extract(epoch FROM c.closed_at - c.claimed_at)::float8 AS service_s,
         extract(epoch FROM r.due_at - r.created_at)::float8 AS sla_s, -r.order_key AS priority
  FROM (SELECT * FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'done'
        ORDER BY r.done_at DESC LIMIT %(sample)s) r
  JOIN reviews_claim c ON c.review_id = r.id AND c.status = 'submitted'
) s
"""
_WAITING = """
SELECT q.id, r.due_in_s, r.sla_s, r.priority
FROM unnest(%(queues)s::uuid[]) AS q(id)
CROSS JOIN LATERAL (
  SELECT extract(epoch FROM r.due_at - %(at)s)::float8 AS due_in_s,
         extract(epoch FROM r.due_at - r.created_at)::float8 AS sla_s, -r.order_key AS priority
  FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
  ORDER BY r.urgent_at, r.id LIMIT %(most)s
) r
"""
_ARRIVALS = """
SELECT queue_id, hour, arrived FROM feedback_queuehour WHERE queue_id = ANY(%(queues)s::uuid[]) AND hour >= %(since)s
"""
_RIGHTS = """
SELECT r.user_id, q.id,
  EXISTS (SELECT 1 FROM reviews_reviewer_queues o WHERE o.reviewer_id = r.id AND o.queue_id = q.id),
  q.task_type_id IS NULL, r.schedule
FROM reviews_reviewer r JOIN routing_tier mine ON mine.id = r.tier_id
JOIN accounts_user u ON u.id = r.user_id AND u.is_active
JOIN reviews_queue q ON q.workspace_id = r.workspace_id
JOIN routing_tier t ON t.id = q.tier_id AND t.rank <= mine.rank
LEFT JOIN reviews_queuestanding s ON s.queue_id = q.id AND s.user_id = r.user_id
WHERE r.workspace_id = %(workspace)s AND r.available AND q.id = ANY(%(queues)s::uuid[])
AND s.paused_at IS NULL AND EXISTS (
  SELECT 1 FROM auth_permission c WHERE c.codename = 'claim_queue' AND (
    EXISTS (SELECT 1 FROM reviews_queueuserobjectpermission p
            WHERE p.user_id = r.user_id AND p.content_object_id = q.id AND p.permission_id = c.id)
    OR EXISTS (SELECT 1 FROM reviews_queuegroupobjectpermission g
               JOIN accounts_user_groups m ON m.group_id = g.group_id AND m.user_id = r.user_id
               WHERE g.content_object_id = q.id AND g.permission_id = c.id)
  )
)
ORDER BY r.user_id
"""
_HOURS = "SELECT user_id, hour FROM feedback_personhour WHERE workspace_id = %(workspace)s AND hour >= %(since)s"


@dataclass(frozen=True, slots=True)
class QueueInputs:
    """One queue as found. arrivals: expected in each of the coming hours; kinds: as its last reviews were.

    `experience`: how many of those; with none, the kinds are those of all queues, or two minutes each.
    """

    id: uuid.UUID
    arrivals: tuple[float, ...]
    kinds: tuple[Kind, ...]
    experience: int
    waiting: tuple[Waiting, ...]
    waiting_cut: bool

    @property
    def service_s(self) -> float:
        """Mean seconds from claim to judgement."""
        return sum(kind.service_s for kind in self.kinds) / len(self.kinds)


@dataclass(frozen=True, slots=True)
class Inputs:
    """`since` null: no whole hour was counted yet. People's groups index `queues`."""

    at: datetime
    since: datetime | None
    queues: tuple[QueueInputs, ...]
    people: tuple[Person, ...]


def inputs_for_forecast(workspace_id: uuid.UUID, queues: Sequence[uuid.UUID], at: datetime, hours: int) -> Inputs:
    """Read in five queries what a forecast from `at` on needs.

    An hour's arrivals are the mean of that hour of the week in past weeks; before two weeks are known, of that hour of
    the day; before two days are known, of all hours. A person works by their shifts; without any in an hour of the week
    in which they judged in at least half of the weeks (likewise days) known, and if they judged nothing yet, always.
    Absences count for all.
    """
    values = {"queues": list(queues), "workspace": workspace_id, "since": at - 4 * _WEEK, "at": at}
    values |= {"sample": _SAMPLE, "most": _MOST_WAITING}
    arrived: dict[uuid.UUID, dict[datetime, int]] = defaultdict(dict)
    for queue, hour, count in _rows(_ARRIVALS, values):
        arrived[queue][hour] = count
    worked: dict[uuid.UUID, set[datetime]] = defaultdict(set)
    for user, hour in _rows(_HOURS, values):
        worked[user].add(hour)
    since = min((h for known in (*arrived.values(), *worked.values()) for h in known), default=None)
    season = _Season(at, since, hours)
    seen: dict[uuid.UUID, list[Kind]] = defaultdict(list)
    for queue, service, sla, priority in _rows(_SERVED, values):
        seen[queue].append(Kind(max(service, 1.0), max(sla, 1.0), priority))
    anywhere = [kind for kinds in seen.values() for kind in kinds[: _SAMPLE // max(len(seen), 1)]] or [_UNKNOWN]
    waiting: dict[uuid.UUID, list[Waiting]] = defaultdict(list)
    for queue, due_in_s, sla, priority in _rows(_WAITING, values):
        alike = seen[queue] or anywhere
        service = alike[len(waiting[queue]) % len(alike)].service_s
        waiting[queue].append(Waiting(due_in_s, Kind(service, max(sla, 1.0), priority)))
    found = tuple(
        QueueInputs(
            queue,
            season.arrivals(arrived[queue]),
            tuple(seen[queue] or anywhere),
            len(seen[queue]),
            tuple(waiting[queue]),
            len(waiting[queue]) == _MOST_WAITING,
        )
        for queue in queues
    )
    people = _people(_rows(_RIGHTS, values), list(queues), season, worked)
    return Inputs(at, since, found, tuple(people))


class _Season:
    """Which past hours speak for each coming one."""

    def __init__(self, at: datetime, since: datetime | None, hours: int) -> None:
        start = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        known = (start - since) / HOUR if since else 0
        period = 168 if known >= 336 else 24 if known >= 48 else 1
        self._start = start
        self._past = [
            [start + timedelta(hours=ahead - back) for back in range(period, int(known) + ahead + 1, period)
             if back > ahead]
            for ahead in range(hours)
        ]  # fmt: skip

    def arrivals(self, known: dict[datetime, int]) -> tuple[float, ...]:
        return tuple(sum(known.get(h, 0) for h in past) / len(past) if past else 0.0 for past in self._past)

    def shifts(self, schedule: Schedule, worked: set[datetime]) -> tuple[tuple[float, float], ...]:
        habit = not schedule.shifts and bool(worked)
        return _joined([
            ahead
            for ahead, past in enumerate(self._past)
            if on_shift(schedule, self._start + timedelta(hours=ahead + 0.5))
            and (not habit or (past and sum(h in worked for h in past) >= _HALF * len(past)))
        ])  # fmt: skip


def _joined(hours: Sequence[int]) -> tuple[tuple[float, float], ...]:
    """Hours as spans of seconds; neighbours become one."""
    spans: list[list[int]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return tuple((start * HOUR_S, end * HOUR_S) for start, end in spans)


def _people(
    rights: Sequence[tuple[uuid.UUID, uuid.UUID, bool, bool, str]],
    queues: list[uuid.UUID],
    season: _Season,
    worked: dict[uuid.UUID, set[datetime]],
) -> list[Person]:
    """Own, then qualified, then general, as `reviews.actions.claims` offers them."""
    groups: dict[uuid.UUID, tuple[list[int], list[int], list[int]]] = {}
    schedules: dict[uuid.UUID, Schedule] = {}
    for user, queue, own, general, schedule in rights:
        schedules[user] = read_schedule(schedule)
        mine = groups.setdefault(user, ([], [], []))
        mine[0 if own else 2 if general else 1].append(queues.index(queue))
    return [
        Person(tuple(tuple(g) for g in mine if g), season.shifts(schedules[user], worked.get(user, set())))
        for user, mine in groups.items()
    ]


def _rows(sql: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
