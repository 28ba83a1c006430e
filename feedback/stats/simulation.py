"""A working day of reviewers and queues, event by event: arrivals, shifts, stealing, the order of claims. Pure.

A discrete-event simulation (Law, "Simulation Modeling and Analysis", 5th ed., ch. 1): what Erlang's formulas leave out,
such as shifts, changing arrivals, people who serve several queues, and reviews that come first because they are nearly
late. Checked against M/M/c, M/D/1 and Cobham's priority queue.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from random import Random

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What one review of a queue may be like; each arrival draws one. service_s > 0, sla_s > 0, priority 0–1."""

    service_s: float
    sla_s: float
    priority: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A review that waits already: seconds until it is due (negative: overdue), and what it is like."""

    due_in_s: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Line:
    """One queue. arrivals: expected per hour, for each hour simulated. kinds: drawn from with equal chances."""

    arrivals: tuple[float, ...]
    kinds: tuple[Kind, ...]
    waiting: tuple[Waiting, ...] = ()
    near_due_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Person:
    """Who claims. groups: indexes of lines, first group first (own, qualified, general). on: (from, until) seconds."""

    groups: tuple[tuple[int, ...], ...]
    on: tuple[tuple[float, float], ...]


@dataclass(slots=True)
class Outcome:
    """One line after the last hour. waits: seconds from arrival to claim; depth: waiting at the end of each hour.

    `late` of `due` reviews were not judged by their due time; those due after the last hour are in neither.
    """

    arrived: int = 0
    done: int = 0
    due: int = 0
    late: int = 0
    waits: list[float] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Review:
    line: int
    at: float
    due: float
    kind: Kind
    taken: bool = False


class _Queue:
    """The two orders of one line; what was taken through one is dropped from the other when it surfaces."""

    def __init__(self) -> None:
        self.depth = 0
        self._urgent: list[tuple[float, int, _Review]] = []
        self._ranked: list[tuple[float, int, _Review]] = []

    def add(self, review: _Review, number: int, near_due_share: float) -> None:
        self.depth += 1
        heappush(self._urgent, (review.due - near_due_share * review.kind.sla_s, number, review))
        heappush(self._ranked, (-review.kind.priority, number, review))

    def first(self, now: float) -> tuple[tuple[float, float, int], _Review] | None:
        """The best with its rank; smaller comes first."""
        for heap in (self._urgent, self._ranked):
            while heap and heap[0][2].taken:
                heappop(heap)
        if not self._ranked:
            return None
        urgent_at, number, review = self._urgent[0]
        if urgent_at <= now:
            return (0.0, review.due, number), review
        rank, number, review = self._ranked[0]
        return (1.0, rank, number), review

    def late(self, now: float) -> int:
        """How many still wait although they are due."""
        return sum(review.due <= now for _, _, review in self._ranked if not review.taken)


def simulate(lines: Sequence[Line], people: Sequence[Person], hours: int, seed: int) -> list[Outcome]:
    """One possible course of the next `hours`, an outcome per line; the same seed gives the same course."""
    return _Day(lines, people, hours, Random(seed)).run()  # noqa: S311 - a simulation


class _Day:
    def __init__(self, lines: Sequence[Line], people: Sequence[Person], hours: int, random: Random) -> None:
        self._lines, self._people, self._random = lines, people, random
        self._hours, self._end = hours, hours * HOUR_S
        self._queues = [_Queue() for _ in lines]
        self._outcomes = [Outcome() for _ in lines]
        self._ends = [[until for _, until in person.on] for person in people]
        self._free: list[tuple[float, int]] = [(start, i) for i, p in enumerate(people) for start, _ in p.on]
        heapify(self._free)
        self._busy_until = [0.0] * len(people)
        self._idle: dict[int, None] = {}  # in the order they became idle
        self._numbers = 0

    def run(self) -> list[Outcome]:
        for index, line in enumerate(self._lines):
            for one in line.waiting:
                self._arrive(index, 0.0, one.due_in_s, one.kind)
        arrivals = sorted(self._arrivals(), key=lambda a: a[0])
        place = 0
        for hour in range(1, self._hours + 1):
            while place < len(arrivals) and arrivals[place][0] < hour * HOUR_S:
                at, index = arrivals[place]
                self._serve_until(at)
                kind = self._random.choice(self._lines[index].kinds)
                self._outcomes[index].arrived += 1
                self._arrive(index, at, at + kind.sla_s, kind)
                self._wake(index, at)
                place += 1
            self._serve_until(hour * HOUR_S)
            for queue, outcome in zip(self._queues, self._outcomes, strict=True):
                outcome.depth.append(queue.depth)
        self._count_left()
        return self._outcomes

    def _arrivals(self) -> Iterator[tuple[float, int]]:
        """A Poisson process with a rate per hour: exponential gaps within each hour."""
        for index, line in enumerate(self._lines):
            for hour, rate in enumerate(line.arrivals[: self._hours]):
                if rate <= 0.0 or not line.kinds:
                    continue
                at = self._random.expovariate(rate)
                while at < 1.0:
                    yield (hour + at) * HOUR_S, index
                    at += self._random.expovariate(rate)

    def _arrive(self, index: int, at: float, due: float, kind: Kind) -> None:
        self._numbers += 1
        review = _Review(index, at, due, kind)
        self._queues[index].add(review, self._numbers, self._lines[index].near_due_share)

    def _wake(self, index: int, at: float) -> None:
        """The idle person for whom this line comes earliest takes the arrival; among equals who is idle longest."""
        best: tuple[int, int] | None = None
        for who in self._idle:
            place = next((n for n, group in enumerate(self._people[who].groups) if index in group), None)
            if place is not None and self._is_on(who, at) and (best is None or place < best[0]):
                best = (place, who)
                if place == 0:
                    break
        if best is not None:
            del self._idle[best[1]]
            self._claim(best[1], at)

    def _serve_until(self, until: float) -> None:
        """Everybody who becomes free before then claims what is first."""
        while self._free and self._free[0][0] < until:
            at, who = heappop(self._free)
            self._idle.pop(who, None)
            if self._is_on(who, at) and self._busy_until[who] <= at:
                self._claim(who, at)

    def _is_on(self, who: int, at: float) -> bool:
        place = bisect_right(self._ends[who], at)
        return place < len(self._ends[who]) and self._people[who].on[place][0] <= at

    def _claim(self, who: int, at: float) -> None:
        for group in self._people[who].groups:
            found = [best for index in group if (best := self._queues[index].first(at)) is not None]
            if found:
                self._judge(who, at, min(found, key=lambda f: f[0])[1])
                return
        self._idle[who] = None

    def _judge(self, who: int, at: float, review: _Review) -> None:
        review.taken = True
        self._queues[review.line].depth -= 1
        ended = at + review.kind.service_s
        outcome = self._outcomes[review.line]
        outcome.waits.append(at - review.at)
        if ended <= self._end:
            outcome.done += 1
        if review.due <= self._end:
            outcome.due += 1
            outcome.late += ended > review.due
        self._busy_until[who] = ended
        heappush(self._free, (ended, who))

    def _count_left(self) -> None:
        for queue, outcome in zip(self._queues, self._outcomes, strict=True):
            late = queue.late(self._end)
            outcome.due += late
            outcome.late += late
