"""The reliability diagram as numbers for an SVG: stated confidence across, share that was right upwards. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from hitl.core.numbers import fixed, percent

SIZE = 260
MARGIN = 36
TOP = 10
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One bin: a dot, the ends of its 95 % interval, and its label for a pointer. In SVG units."""

    x: float
    y: float
    low: float
    high: float
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class BinRow:
    """One line of the table beside the diagram; cells are ready to read, an empty bin is left out."""

    range: str
    n: int
    stated: str
    right: str
    interval: str


@dataclass(frozen=True, slots=True)
class Series:
    """One scale, before or after calibration. `line`: the points of a polyline."""

    marks: tuple[Mark, ...]
    line: str
    rows: tuple[BinRow, ...]
    ece: str
    n: int


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One measure of honesty with its 95 % interval on each scale; `parent` empty where no slice has a map."""

    name: str
    before: str
    parent: str
    after: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """Both scales in one frame, and how honest each is. held_out_gain: of the slices' maps; empty without any."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    ticks: tuple[Tick, ...]
    before: Series
    after: Series
    measures: tuple[MetricRow, ...]
    held_out_gain: str


def reliability_diagram(metrics: Mapping[str, Any]) -> Diagram | None:
    """From `Calibration.metrics`; null where no measurement is stored."""
    if "before" not in metrics or "after" not in metrics:
        return None
    ticks = tuple(Tick(_x(t), _y(t), f"{t:g}") for t in TICKS)
    whole = SIZE + MARGIN + TOP
    before, after = _series(metrics["before"]), _series(metrics["after"])
    frame = (whole, whole, MARGIN, MARGIN + SIZE, TOP, TOP + SIZE)
    return Diagram(*frame, ticks, before, after, _measures(metrics), _held_out_gain(metrics.get("held_out_gain")))


def _measures(metrics: Mapping[str, Any]) -> tuple[MetricRow, ...]:
    names = (("ece", _("Expected calibration error")), ("brier", _("Brier score")), ("log_loss", _("Log loss")))
    return tuple(
        MetricRow(name, *(_with_interval(metrics.get(scale), key) for scale in ("before", "parent", "after")))
        for key, name in names
    )


def _with_interval(measured: Mapping[str, Any] | None, key: str) -> str:
    """A figure with its 95 % interval; calibrations of earlier releases have none."""
    if measured is None or measured[key] is None:
        return ""
    interval = measured.get("intervals", {}).get(key)
    figure = fixed(measured[key], 4)
    return figure if interval is None else f"{figure} ({fixed(interval[0], 4)} – {fixed(interval[1], 4)})"


def _held_out_gain(found: Mapping[str, float] | None) -> str:
    return "" if found is None else f"{fixed(found['gain'], 4)} ({fixed(found['low'], 4)} – {fixed(found['high'], 4)})"


def _series(measured: Mapping[str, Any]) -> Series:
    bins: Sequence[Mapping[str, Any]] = [b for b in measured["bins"] if b["n"]]
    marks = tuple(Mark(_x(b["confidence"]), _y(b["accuracy"]), _y(b["low"]), _y(b["high"]), _sentence(b)) for b in bins)
    rows = tuple(
        BinRow(
            f"{fixed(b['start'], 1)}–{fixed(b['end'], 1)}",
            b["n"],
            percent(b["confidence"]),
            percent(b["accuracy"]),
            f"{percent(b['low'])}–{percent(b['high'])}",
        )
        for b in bins
    )
    ece = "–" if measured["ece"] is None else fixed(measured["ece"], 3)
    return Series(marks, " ".join(f"{m.x},{m.y}" for m in marks), rows, ece, measured["n"])


def _sentence(found: Mapping[str, Any]) -> str:
    interval = f"{percent(found['low'])}–{percent(found['high'])}"
    return _("stated %(confidence)s, right %(accuracy)s (%(interval)s, n = %(n)s)") % {
        "confidence": percent(found["confidence"]),
        "accuracy": percent(found["accuracy"]),
        "interval": interval,
        "n": found["n"],
    }


def _x(share: float) -> float:
    return round(MARGIN + SIZE * share, 1)


def _y(share: float) -> float:
    return round(TOP + SIZE * (1.0 - share), 1)
