"""The drawings of /ops/visibility as numbers for SVG: shares with intervals, and effects round zero. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from feedback.stats.reliance import ArmAccuracy, Share
from hitl.core.numbers import percent

WIDTH, LEFT, RIGHT, ROW, TOP = 640, 230, 24, 24, 22


@dataclass(frozen=True, slots=True)
class Dot:
    """A row of a drawing, in SVG units; `kind`: machine, human or combined."""

    label: str
    kind: str
    y: int
    x: float
    low: float
    high: float
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """`zero`: where no difference lies, null without such a line."""

    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    height: int
    zero: float | None = None
    width: int = WIDTH
    left: int = LEFT

    @property
    def bottom(self) -> int:
        return self.height - TOP


def arms_drawing(arms: Sequence[ArmAccuracy], words: dict[str, str]) -> Drawing | None:
    """Machine alone, people alone and both, per arm; null without any share. `words` titles arms and kinds."""
    rows: list[tuple[str, str, Share]] = [
        (f"{words[arm.arm]}: {words[kind]}", kind, share)
        for arm in arms
        for kind, share in (("machine", arm.machine), ("human", arm.human), ("combined", arm.combined))
        if share.value is not None
    ]
    if not rows:
        return None
    least = min(share.interval.low for _, _, share in rows if share.interval)
    start = max(0.0, int(least * 10) / 10)
    dots = []
    for place, (label, kind, share) in enumerate(rows):
        assert share.value is not None and share.interval is not None
        between = f"{percent(share.interval.low)}–{percent(share.interval.high)}"
        title = f"{label}: {percent(share.value)} ({between}), n = {share.n}"
        x, low, high = (_at(v, start, 1.0) for v in (share.value, *share.interval))
        dots.append(Dot(label, kind, place * ROW + ROW // 2, x, low, high, title))
    steps = [start + (1.0 - start) * k / 4 for k in range(5)]
    ticks = tuple(Tick(_at(v, start, 1.0), percent(v, 0)) for v in steps)
    return Drawing(tuple(dots), ticks, len(rows) * ROW + TOP)


class WithInterval(Protocol):
    """A difference; value, low and high null together."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def n(self) -> float: ...


def effects_drawing(effects: Sequence[tuple[str, WithInterval]]) -> Drawing | None:
    """Differences with their intervals round zero; null without any."""
    rows = [(label, e.value, e.low, e.high, e.n) for label, e in effects if e.value is not None]
    if not rows:
        return None
    reach = max(max(abs(low or 0.0), abs(high or 0.0)) for _, _, low, high, _ in rows) * 1.1 or 0.01
    dots = []
    for place, (label, value, low, high, n) in enumerate(rows):
        assert low is not None and high is not None
        title = f"{label}: {points(value, sign=True)} [{points(low)}, {points(high)}], n = {n}"
        x, start, end = (_at(v, -reach, reach) for v in (value, low, high))
        dots.append(Dot(label, "combined", place * ROW + ROW // 2, x, start, end, title))
    ticks = tuple(
        Tick(_at(v, -reach, reach), points(v, sign=True)) for v in (-reach, -reach / 2, 0.0, reach / 2, reach)
    )
    return Drawing(tuple(dots), ticks, len(rows) * ROW + TOP, zero=_at(0.0, -reach, reach))


def points(value: float, *, sign: bool = False) -> str:
    """A share in points with a proper minus, always with a sign where asked: “+2.1”, “−0.4”."""
    return f"{100 * value:{'+' if sign else ''}.1f}".replace("-", "\N{MINUS SIGN}")


def _at(value: float, start: float, end: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - start) / (end - start or 1.0), 1)
