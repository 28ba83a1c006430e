"""A replay's figures as numbers for SVG: arrivals over time, and shares with their intervals before and after. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback.replay_result import Load, ReplayResult
from feedback.replay_words import percent
from feedback.stats.replay_estimates import Estimate, Share

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 44, 12, 12, 30
MOST_POINTS = 240
ROW, NAME = 44, 176
LOAD_WIDTH = 900
_ENDS = (0.01, 0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where an axis of shares may end, so that its half is a round number too."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LoadChart:
    """Polylines' points; with many steps each point is the busiest of several, so that no peak is lost."""

    width: int
    height: int
    left: int
    right: int
    floor: int
    before: str
    after: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A dot with its interval."""

    x: float
    low: float
    high: float
    y: float
    before: bool
    text: str


@dataclass(frozen=True, slots=True)
class IntervalRow:
    label: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class IntervalChart:
    title: str
    width: int
    height: int
    left: int
    right: int
    floor: int
    rows: tuple[IntervalRow, ...]
    ticks: tuple[Tick, ...]


def load_chart(load: Load) -> LoadChart | None:
    """Reviews arriving per step, before and after; null with fewer than two steps."""
    if len(load.steps) < 2:
        return None
    times = [datetime.fromisoformat(step.at).timestamp() for step in load.steps]
    span = (times[-1] - times[0]) or 1.0
    top = max(1, *(max(step.before, step.after) for step in load.steps))
    xs = [LEFT + (at - times[0]) / span * (LOAD_WIDTH - LEFT - RIGHT) for at in times]
    floor = HEIGHT - BOTTOM

    def line(values: Sequence[int]) -> str:
        size = -(-len(values) // MOST_POINTS)
        points = []
        for start in range(0, len(values), size):
            place = max(range(start, min(start + size, len(values))), key=lambda n: values[n])
            points.append(f"{xs[place]:.1f},{floor - values[place] / top * (floor - TOP):.1f}")
        return " ".join(points)

    marks = sorted({0, len(xs) // 2, len(xs) - 1})
    return LoadChart(
        width=LOAD_WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=LOAD_WIDTH - RIGHT,
        floor=floor,
        before=line([step.before for step in load.steps]),
        after=line([step.after for step in load.steps]),
        x_ticks=tuple(Tick(round(xs[n], 1), load.steps[n].at[:10]) for n in marks),
        y_ticks=tuple(Tick(round(floor - v / top * (floor - TOP), 1), str(v)) for v in sorted({0, top // 2, top})),
    )


def automation_chart(result: ReplayResult, title: str, everything: str) -> IntervalChart | None:
    """Share automated of all and of each segment's values, before and after."""
    rows = [(everything, result.automated.before, result.automated.after)]
    rows += [(f"{s.name}: {s.value}", s.automated.before, s.automated.after) for s in result.segments]
    return _intervals(title, rows)


def error_chart(result: ReplayResult, title: str, everything: str) -> IntervalChart | None:
    """Error of automated decisions of all and of each segment's values; null where no estimate is given."""
    rows = [(everything, result.error.before, result.error.after)]
    rows += [(f"{s.name}: {s.value}", s.error.before, s.error.after) for s in result.segments]
    return _intervals(title, rows)


def _intervals(title: str, rows: Sequence[tuple[str, Share | Estimate, Share | Estimate]]) -> IntervalChart | None:
    rows = [row for row in rows if row[1].value is not None or row[2].value is not None]
    if not rows:
        return None
    highest = max(found.high or 0.0 for row in rows for found in row[1:])
    top = next(end for end in _ENDS if end >= highest)
    floor = TOP + ROW * len(rows)

    def x(value: float) -> float:
        return round(NAME + value / top * (WIDTH - NAME - RIGHT), 1)

    def bar(found: Share | Estimate, y: float, *, before: bool) -> Bar | None:
        if found.value is None or found.low is None or found.high is None:
            return None
        text = f"{percent(found.value)} [{percent(found.low)}–{percent(found.high)}], n = {found.n}"
        return Bar(x(found.value), x(found.low), x(min(found.high, top)), y, before, text)

    drawn = []
    for place, (label, before, after) in enumerate(rows):
        y = TOP + ROW * place + ROW / 2
        bars = (bar(before, y - 8, before=True), bar(after, y + 8, before=False))
        drawn.append(IntervalRow(_short(label), y, tuple(b for b in bars if b is not None)))
    ticks = tuple(Tick(x(top * part), percent(top * part)) for part in (0.0, 0.5, 1.0))
    return IntervalChart(title, WIDTH, floor + BOTTOM, NAME, WIDTH - RIGHT, floor, tuple(drawn), ticks)


def _short(label: str) -> str:
    return label if len(label) <= 26 else f"{label[:25]}…"
