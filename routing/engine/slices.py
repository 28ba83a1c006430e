"""Slices of cases with a calibration map of their own (mission F5): a predicted label, or one value of one segment.

Nothing deeper: a slice of a slice would rest on too few labels. A case of no slice is on its model's map (back-off).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from routing.engine.calibration import CalibrationMap
from routing.engine.strict import Name, Strict

_Value = Annotated[str, Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Slice:
    """The cases with this predicted label, or with this (key, value) among their segments; exactly one is given."""

    label: str | None = None
    segment: tuple[str, str] | None = None

    def holds(self, label: str | None, segments: Mapping[str, str]) -> bool:
        """Whether a case with this predicted label and these segments belongs to it."""
        if self.segment is not None:
            key, value = self.segment
            return segments.get(key) == value
        return label == self.label

    def to_json(self) -> dict[str, Any]:
        """As threshold studies and stored calibrations name a slice: `{"label": …}` or `{"segment": {key: value}}`."""
        return {"label": self.label} if self.segment is None else {"segment": dict([self.segment])}

    def __str__(self) -> str:
        return f"label “{self.label}”" if self.segment is None else f"{self.segment[0]} “{self.segment[1]}”"


def slice_of(value: Mapping[str, Any]) -> Slice | None:
    """Read what `Slice.to_json` wrote; null for an empty object, which stands for all of a model's cases."""
    return Slice(value.get("label"), next(iter(value.get("segment", {}).items()), None)) if value else None


class SliceRef(Strict, frozen=True):
    """The fitted map of one slice: by `label`, or by the one key and value in `segment`."""

    version: Annotated[int, Meta(ge=1)]
    label: Name | None = None
    segment: Annotated[dict[Name, _Value], Meta(max_length=1)] | None = None

    @property
    def slice(self) -> Slice:
        """Which cases it is for."""
        return Slice(self.label, next(iter((self.segment or {}).items()), None))


def slice_problems(slices: Sequence[SliceRef]) -> Iterator[tuple[str, str, str]]:
    """Pointer, code and detail of what names no slice, or one twice."""
    seen: set[Slice] = set()
    for place, ref in enumerate(slices):
        if (ref.label is None) == (not ref.segment):
            yield f"/slices/{place}", "invalid", "Name a label, or one segment with its value."
        elif ref.slice in seen:
            yield f"/slices/{place}", "duplicate", "This slice already has a version."
        seen.add(ref.slice)


@dataclass(frozen=True, slots=True)
class SlicedMap:
    """A model's map and those of its slices in the order they are tried; null: named by the policy and missing."""

    parent: CalibrationMap
    slices: tuple[tuple[Slice, CalibrationMap | None], ...] = ()

    def for_case(self, label: str | None, segments: Mapping[str, str]) -> tuple[CalibrationMap | None, Slice | None]:
        """The first slice that holds the case with its map, else the parent's map and null."""
        for own, mapping in self.slices:
            if own.holds(label, segments):
                return mapping, own
        return self.parent, None
