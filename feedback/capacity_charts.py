"""The depth of a queue over the coming hours as numbers for SVG: the mean of all courses and where nine in ten lie."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.capacity import Span

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 240, 60, 12, 12, 30


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class DepthChart:
    """`line`: a polyline's points; `band`: a polygon's."""

    width: int
    height: int
    left: int
    right: int
    floor: int
    line: str
    band: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def depth_chart(start: int, depth: Sequence[Span], labels: Sequence[str]) -> DepthChart:
    """start: waiting now; depth: at the end of each hour; labels: of now and of each hour's end."""
    spans = [Span(start, start, start), *depth]
    top = max(1.0, *(span.high for span in spans))
    floor = HEIGHT - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / (len(spans) - 1)

    def point(place: int, value: float) -> str:
        return f"{LEFT + place * step:.1f},{floor - value / top * (floor - TOP):.1f}"

    upper = [point(i, span.high) for i, span in enumerate(spans)]
    lower = [point(i, span.low) for i, span in enumerate(spans)]
    marks = sorted({0, len(depth) // 4, len(depth) // 2, 3 * len(depth) // 4, len(depth)})
    return DepthChart(
        WIDTH,
        HEIGHT,
        LEFT,
        WIDTH - RIGHT,
        floor,
        " ".join(point(i, span.mean) for i, span in enumerate(spans)),
        " ".join([*upper, *reversed(lower)]),
        tuple(Tick(round(LEFT + n * step, 1), labels[n]) for n in marks),
        tuple(Tick(round(floor - share * (floor - TOP), 1), f"{top * share:,.0f}") for share in (0.0, 0.5, 1.0)),
    )
