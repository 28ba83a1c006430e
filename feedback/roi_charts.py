"""Curves with their band as numbers for SVG. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 240, 64, 16, 12, 30


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class CurveChart:
    """`line`: a polyline's points; `band`: a polygon's; `mark`: where a dotted upright line stands, null without."""

    line: str
    band: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    mark: float | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    floor: int = HEIGHT - BOTTOM


def curve_chart(
    points: Sequence[tuple[float, float, float, float]],
    x_label: Callable[[float], str],
    y_label: Callable[[float], str],
    mark: float | None = None,
) -> CurveChart | None:
    """points: (x, value, low, high), x rising; null with fewer than two. The band is drawn from low to high."""
    if len(points) < 2:
        return None
    floor = HEIGHT - BOTTOM
    start, end = points[0][0], points[-1][0]
    least, most = min(p[2] for p in points), max(p[3] for p in points)
    reach = (most - least) or max(abs(most), 1.0) * 0.1
    least, most = least - 0.05 * reach, most + 0.05 * reach

    def across(x: float) -> float:
        return round(LEFT + (x - start) / (end - start) * (WIDTH - LEFT - RIGHT), 1)

    def up(y: float) -> float:
        return round(floor - (y - least) / (most - least) * (floor - TOP), 1)

    upper = [f"{across(x)},{up(high)}" for x, _, _, high in points]
    lower = [f"{across(x)},{up(low)}" for x, _, low, _ in points]
    steps = [start + (end - start) * k / 4 for k in range(5)]
    heights = [least + (most - least) * k / 4 for k in range(5)]
    return CurveChart(
        line=" ".join(f"{across(x)},{up(y)}" for x, y, _, _ in points),
        band=" ".join([*upper, *reversed(lower)]),
        x_ticks=tuple(Tick(across(x), x_label(x)) for x in steps),
        y_ticks=tuple(Tick(up(y), y_label(y)) for y in heights),
        mark=None if mark is None else across(mark),
    )
