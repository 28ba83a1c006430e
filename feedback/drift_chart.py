"""The strongest evidence of each report as numbers for SVG: minus the logarithm of its smallest adjusted p. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10

from django.utils.formats import date_format

from hitl.core.numbers import plain

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 200, 60, 12, 12, 30
_MOST = 9.0
"""Beyond a p of 1e-9 nothing is drawn higher."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class DriftChart:
    """In the form of `feedback.monitor_charts.Chart`; limit: the height of alpha."""

    width: int
    height: int
    left: int
    right: int
    floor: int
    line: str
    band: str
    limit: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def drift_chart(reports: Sequence[tuple[datetime, float | None, float]]) -> DriftChart | None:
    """Each report's time, smallest adjusted p and alpha, oldest first; null where fewer than two tested anything."""
    known = [(at, p, alpha) for at, p, alpha in reports if p is not None]
    if len(known) < 2:
        return None
    step = (WIDTH - LEFT - RIGHT) / (len(known) - 1)
    line = " ".join(f"{LEFT + place * step:.1f},{_y(p)}" for place, (_, p, _) in enumerate(known))
    ends = ((0, known[0][0]), (len(known) - 1, known[-1][0]))
    x_ticks = tuple(Tick(round(LEFT + place * step, 1), date_format(at, "SHORT_DATE_FORMAT")) for place, at in ends)
    y_ticks = tuple(Tick(_y(p), plain(p)) for p in (1.0, 1e-3, 1e-6, 1e-9))
    limit = _y(known[-1][2])
    return DriftChart(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, line, "", limit, x_ticks, y_ticks)


def _y(p: float) -> float:
    share = min(-log10(max(p, 1e-300)), _MOST) / _MOST
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share), 1)
