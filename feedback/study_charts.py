"""A study's cost curve as numbers for an SVG: the threshold across, the expected cost per case upwards. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from feedback.stats.threshold_counts import GRID
from hitl.core.numbers import fixed, plain

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 260, 64, 626, 14, 226
_EVERY = 5
"""The table shows every fifth threshold, as the one beside the frontier does."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold drawn on the curve; `hollow`: it carries no guarantee."""

    x: float
    y: float
    label: str
    hollow: bool


@dataclass(frozen=True, slots=True)
class CostRow:
    threshold: str
    cost: str
    interval: str


@dataclass(frozen=True, slots=True)
class CostChart:
    """`line`: a polyline's points; `band`: a polygon's, cut at the top; `review_all_y`: every case to a person."""

    line: str
    band: str
    review_all_y: float
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[CostRow, ...]


def cost_chart(cost: Mapping[str, Any]) -> CostChart | None:
    """From the `cost` of a stored study; null without records."""
    curve: Sequence[Mapping[str, Any]] = cost["curve"]
    if not curve:
        return None
    top = 1.1 * max([cost["review_all"]["cost"], *(point["cost"] for point in curve)]) or 1.0
    upper = [_point(p["threshold"], p["high"], top) for p in curve]
    lower = [_point(p["threshold"], p["low"], top) for p in curve]
    return CostChart(
        line=_points([_point(p["threshold"], p["cost"], top) for p in curve]),
        band=_points([*upper, *reversed(lower)]),
        review_all_y=_y(cost["review_all"]["cost"], top),
        marks=_marks(cost, top),
        x_ticks=tuple(Tick(_x(t), plain(t)) for t in (0.5, 0.6, 0.7, 0.8, 0.9, 0.995)),
        y_ticks=tuple(Tick(_y(top * part, top), money(top * part)) for part in (0.0, 0.5, 1.0)),
        rows=tuple(CostRow(plain(p["threshold"]), money(p["cost"]), money_range(p)) for p in curve[::_EVERY]),
    )


def money(cost: float) -> str:
    """With as many digits as tell costs apart."""
    return fixed(cost, 0 if cost >= 1000 or not cost else 2 if cost >= 1 else 4)


def money_range(point: Mapping[str, Any]) -> str:
    """The interval of a point of the curve."""
    return f"{money(point['low'])}–{money(point['high'])}"


def _marks(cost: Mapping[str, Any], top: float) -> tuple[Mark, ...]:
    marks = []
    cheapest, certified = cost["cheapest"], cost["certified"]
    if cheapest and cheapest["threshold"] is not None and not cost["cheapest_is_certified"]:
        marks.append(_mark(_("cheapest, not certified"), cheapest, top, hollow=True))
    if certified:
        marks.append(_mark(_("cheapest certified"), certified, top, hollow=False))
    return tuple(marks)


def _mark(name: str, point: Mapping[str, Any], top: float, *, hollow: bool) -> Mark:
    at = point["threshold"]
    return Mark(_x(at), _y(point["cost"], top), f"{name} {plain(at)}", hollow)


def _x(threshold: float) -> float:
    return round(LEFT + (threshold - GRID[0]) / (GRID[-1] - GRID[0]) * (RIGHT - LEFT), 1)


def _y(cost: float, top: float) -> float:
    return round(BOTTOM - min(cost / top, 1.0) * (BOTTOM - TOP), 1)


def _point(threshold: float, cost: float, top: float) -> tuple[float, float]:
    return _x(threshold), _y(cost, top)


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
