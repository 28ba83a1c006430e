"""The next day in the queues, and what would change it: load times ten or a hundred, more people, another policy.

Reviews arrive, wait and are judged as `feedback.stats.simulation` plays them, many times over; the steady state by
Erlang says how many people the busiest hour needs (mission C6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median

from django.db.models import Q, QuerySet

from feedback.capacity_inputs import QueueInputs, inputs_for_forecast
from feedback.stats.queueing import QueueLoad
from feedback.stats.simulation import HOUR_S, Line, Outcome, Person, simulate
from feedback.stats.staffing import people_needed
from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.models import Queue

HOURS = 24
FACTORS = (0.5, 1.0, 2.0, 10.0, 100.0)
IN_TIME = 0.95
"""The share of reviews that should be claimed within their SLA: what `people_needed` aims at."""
_EVENTS = 60_000
_RUNS = 40
_MOST_QUEUES = 50


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Arrivals times `factor`; `more`: people added (or taken away) per queue slug; `share`: arrivals per queue slug
    times that, as a replay of another policy says."""

    factor: float = 1.0
    more: Mapping[str, int] | None = None
    share: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Mean over the simulated courses with the range of nine in ten of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QueueForecastRow:
    """One queue over the hours simulated. `late`: share of the reviews due in that time that are not judged by then;
    null while none is due. `wait_s`: median and 95th percentile from arrival to claim; null where nobody claims.
    `load`: hours of work arriving ÷ hours of people who may do it (shared people count in each queue).
    `people`: how many the busiest hour needs; null above 10,000. `experience`: reviews of it behind all this.
    """

    slug: str
    title: str
    waiting: int
    waiting_cut: bool
    arrivals: Span
    done: Span
    late: Span | None
    wait_s: tuple[float, float] | None
    depth: tuple[Span, ...]
    service_s: float
    load: float | None
    people_now: int
    people: int | None
    experience: int


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """`hours` simulated of `HOURS`, fewer where the load is too large to play a whole day; `runs` courses.

    `work_hours` arrive in that time, `people_hours` are there to do it.
    """

    at: datetime
    since: datetime | None
    hours: int
    runs: int
    what_if: WhatIf
    queues: tuple[QueueForecastRow, ...]
    work_hours: float
    people_hours: float

    @property
    def overloaded(self) -> bool:
        """More work arrives than all people together can do: no order of work helps."""
        return self.work_hours > self.people_hours


def metered_queues(actor: Actor) -> QuerySet[Queue]:
    """Those whose totals a reader of metrics gets: the workspace's, less task types that the key is not for."""
    queues = Queue.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is None:
        return queues
    return queues.filter(Q(task_type=None) | Q(task_type_id__in=actor.task_type_ids))


def capacity_report(actor: Actor, what_if: WhatIf, at: datetime | None = None) -> CapacityReport:
    """Simulate the coming day in the queues of `metered_queues`; whoever calls has checked that metrics may be read."""
    at = at or now()
    queues = list(metered_queues(actor)[:_MOST_QUEUES])
    inputs = inputs_for_forecast(actor.workspace_id, [q.pk for q in queues], at, HOURS)
    lines = [_line(queue, found, what_if) for queue, found in zip(queues, inputs.queues, strict=True)]
    people = _staff(queues, inputs.people, what_if)
    hours, runs = _size(lines)
    courses = [simulate(lines, people, hours, seed) for seed in range(runs)] if lines else []
    rows = tuple(
        _row(queue, found, line, people, index, [course[index] for course in courses], hours)
        for index, (queue, found, line) in enumerate(zip(queues, inputs.queues, lines, strict=True))
    )
    work = sum(_work_s(found, line, hours) for found, line in zip(inputs.queues, lines, strict=True)) / HOUR_S
    return CapacityReport(at, inputs.since, hours, runs, what_if, rows, work, _hours_on(people, hours))


def _line(queue: Queue, found: QueueInputs, what_if: WhatIf) -> Line:
    factor = what_if.factor * (what_if.share or {}).get(queue.slug, 1.0)
    return Line(tuple(a * factor for a in found.arrivals), found.kinds, found.waiting, queue.near_due_share)


def _staff(queues: Sequence[Queue], people: Sequence[Person], what_if: WhatIf) -> list[Person]:
    """Added people serve that queue alone, whenever anybody serves it, else always; the last ones go first."""
    staff = list(people)
    for index, queue in enumerate(queues):
        more = (what_if.more or {}).get(queue.slug, 0)
        serving = [p for p in staff if any(index in group for group in p.groups)]
        if more < 0:
            staff = [p for p in staff if not any(p is gone for gone in serving[more:])]
        elif more > 0:
            on = max(
                (p.on for p in serving), key=lambda on: sum(b - a for a, b in on), default=((0.0, HOURS * HOUR_S),)
            )
            staff += [Person(((index,),), on)] * more
    return staff


def _size(lines: Sequence[Line]) -> tuple[int, int]:
    """Hours and courses that can be played in about a second."""
    waiting = sum(len(line.waiting) for line in lines)
    for hours in (HOURS, 12, 6, 3, 1):
        events = waiting + sum(sum(line.arrivals[:hours]) for line in lines)
        if events <= _EVENTS or hours == 1:
            return hours, max(1, min(_RUNS, int(_EVENTS / max(events, 1.0))))
    raise AssertionError("one hour is always played")


def _row(
    queue: Queue,
    found: QueueInputs,
    line: Line,
    people: Sequence[Person],
    index: int,
    courses: Sequence[Outcome],
    hours: int,
) -> QueueForecastRow:
    serving = [p for p in people if any(index in group for group in p.groups)]
    there, work = _hours_on(serving, hours), _work_s(found, line, hours) / HOUR_S
    late = [course.late / course.due for course in courses if course.due]
    waits = sorted(w for course in courses for w in course.waits)
    return QueueForecastRow(
        queue.slug,
        queue.title,
        len(found.waiting),
        found.waiting_cut,
        _span([c.arrived for c in courses]),
        _span([c.done for c in courses]),
        _span(late) if late else None,
        (median(waits), waits[int(0.95 * (len(waits) - 1))]) if waits else None,
        tuple(_span([c.depth[hour] for c in courses]) for hour in range(hours)),
        found.service_s,
        work / there if there else None,
        len(serving),
        _needed(found, line, hours),
        found.experience,
    )


def _needed(found: QueueInputs, line: Line, hours: int) -> int | None:
    """For the busiest hour, as if it went on: Erlang's tail against the median SLA."""
    busiest = max(line.arrivals[:hours], default=0.0)
    return people_needed(QueueLoad(busiest, found.service_s, 0, 0), median(kind.sla_s for kind in found.kinds), IN_TIME)


def _work_s(found: QueueInputs, line: Line, hours: int) -> float:
    return sum(line.arrivals[:hours]) * found.service_s


def _hours_on(people: Sequence[Person], hours: int) -> float:
    end = hours * HOUR_S
    return sum(max(0.0, min(until, end) - start) for p in people for start, until in p.on) / HOUR_S


def _span(values: Sequence[float]) -> Span:
    ordered = sorted(values)
    if not ordered:
        return Span(0.0, 0.0, 0.0)
    edge = int(0.05 * (len(ordered) - 1))
    return Span(mean(ordered), ordered[edge], ordered[len(ordered) - 1 - edge])
