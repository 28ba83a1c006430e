"""Where the machine looked: spans of text and regions of images. Only for who may see the machine's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle as shares of the image, written for an SVG of size 1 × 1."""

    x: str
    y: str
    w: str
    h: str


@dataclass(frozen=True, slots=True)
class MachineMarks:
    """Spans and regions by pointer into the input; "" for those that name none."""

    spans: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    regions: Mapping[str, Sequence[Region]] = field(default_factory=dict)


NO_MARKS = MachineMarks()


def machine_marks(explanation: Mapping[str, Any] | None) -> MachineMarks:
    """What an explanation marks; pointers may start with /input."""
    said = explanation or {}
    spans: dict[str, list[tuple[int, int]]] = {}
    for span in said.get("spans", []):
        spans.setdefault(_pointer(span), []).append((span["start"], span["end"]))
    regions: dict[str, list[Region]] = {}
    for region in said.get("regions", []):
        sides = (f"{region[side]:.4f}" for side in ("x", "y", "w", "h"))
        regions.setdefault(_pointer(region), []).append(Region(*sides))
    return MachineMarks(spans, regions)


def _pointer(said: Mapping[str, Any]) -> str:
    return (said.get("pointer") or "").removeprefix("/input")


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    marked: bool


def highlight(shown: str, spans: Sequence[tuple[int, int]]) -> tuple[Segment, ...]:
    """Cuts a text at the machine's spans (start, end in characters; overlaps merge, others are clipped).

    Machine output: only for pages shown after the first judgement.
    """
    inside = sorted((max(0, start), min(len(shown), end)) for start, end in spans)
    inside = [(start, end) for start, end in inside if start < end]
    cuts = sorted({0, len(shown), *(edge for span in inside for edge in span)})
    segments: list[Segment] = []
    for start, end in pairwise(cuts):
        marked = any(low <= start and end <= high for low, high in inside)
        if segments and segments[-1].marked == marked:
            segments[-1] = Segment(segments[-1].text + shown[start:end], marked)
        else:
            segments.append(Segment(shown[start:end], marked))
    return tuple(segments)
