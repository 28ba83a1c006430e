"""The drawings of /ops as numbers for SVG: cases over time by who decides, and a small line per measure. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 200, 60, 12, 12, 30
SPARK_WIDTH, SPARK_HEIGHT = 120, 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: the machine's part below, people's above. `title` is what a pointer reads."""

    x: float
    width: float
    machine_y: float
    machine_height: float
    people_y: float
    people_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bars:
    """The whole drawing, in SVG units."""

    width: int
    height: int
    left: int
    right: int
    floor: int
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def volume_bars(steps: Sequence[tuple[str, int, int]]) -> Bars | None:
    """Each step: its label, cases, and of these how many the machine decides; null without a case."""
    top = max((cases for _, cases, _ in steps), default=0)
    if not top:
        return None
    floor, room = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    pitch = (WIDTH - LEFT - RIGHT) / len(steps)
    bars = []
    for place, (label, cases, machine) in enumerate(steps):
        low, high = room * machine / top, room * (cases - machine) / top
        bars.append(
            Bar(
                x=round(LEFT + place * pitch + pitch * 0.1, 1), width=round(pitch * 0.8, 1),
                machine_y=round(floor - low, 1), machine_height=round(low, 1),
                people_y=round(floor - low - high, 1), people_height=round(high, 1),
                title=f"{label}: {cases} ({machine})",
            )
        )  # fmt: skip
    marks = sorted({0, len(steps) // 2, len(steps) - 1})
    return Bars(
        WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, floor, tuple(bars),
        tuple(Tick(round(LEFT + (n + 0.5) * pitch, 1), steps[n][0]) for n in marks),
        tuple(Tick(round(floor - share * room, 1), f"{top * share:,.0f}") for share in (0.0, 0.5, 1.0)),
    )  # fmt: skip


def spark(values: Sequence[float | None]) -> str:
    """The points of a line through what is known, from 0 to the greatest; empty with fewer than two."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    top = max(value for _, value in known) or 1.0
    step = (SPARK_WIDTH - 4) / max(1, len(values) - 1)
    height = SPARK_HEIGHT - 6
    return " ".join(f"{2 + place * step:.1f},{SPARK_HEIGHT - 3 - value / top * height:.1f}" for place, value in known)
