"""An error monitor over its drawn cases as numbers for SVG: the error with its band, and the evidence. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from hitl.core.numbers import percent, plain

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 240, 60, 12, 12, 30
Points = Sequence[Mapping[str, Any]]
_LEAST, _MOST = -3.0, 6.0
"""The powers of ten between which evidence is drawn."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """line: a polyline's points; band: a polygon's, empty without; limit: the height of the dashed line."""

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


def error_chart(points: Points, budget: float) -> Chart:
    """The estimated error and its confidence sequence; the dashed line is the budget. At least one point."""
    known = [p for p in points if p["estimate"] is not None]
    top = min(1.0, max([3.0 * budget, *(1.5 * p["estimate"] for p in known)]))

    def height(error: float) -> float:
        return _y(min(error, top) / top)

    x = _across(points)
    upper = [f"{x(p)},{height(p['high'])}" for p in known]
    lower = [f"{x(p)},{height(p['low'])}" for p in known]
    ticks = tuple(Tick(height(top * share), percent(top * share)) for share in (0.0, 0.5, 1.0))
    line = " ".join(f"{x(p)},{height(p['estimate'])}" for p in known)
    return _chart(points, line, " ".join([*upper, *reversed(lower)]), height(budget), ticks)


def evidence_chart(points: Points, limit: float) -> Chart:
    """The e-value on a scale of powers of ten; the dashed line is where the budget is refuted. At least one point."""

    def height(value: float) -> float:
        power = min(max(log10(max(value, 1e-300)), _LEAST), _MOST)
        return _y((power - _LEAST) / (_MOST - _LEAST))

    x = _across(points)
    ticks = tuple(Tick(height(10.0**power), plain(10.0**power)) for power in (-3, 0, 3, 6))
    return _chart(points, " ".join(f"{x(p)},{height(p['e_value'])}" for p in points), "", height(limit), ticks)


def _across(points: Points) -> Callable[[Mapping[str, Any]], float]:
    last = points[-1]["draws"]
    return lambda point: round(LEFT + (WIDTH - LEFT - RIGHT) * point["draws"] / last, 1)


def _y(share: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share), 1)


def _chart(points: Points, line: str, band: str, limit: float, y_ticks: tuple[Tick, ...]) -> Chart:
    x, last = _across(points), points[-1]["draws"]
    shown = sorted({0, last // 2, last})
    ticks = tuple(Tick(x({"draws": draws}), str(draws)) for draws in shown)
    return Chart(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, line, band, limit, ticks, y_ticks)
