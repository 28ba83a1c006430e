"""Which slices a recalibration looked at and what became of them, ready to read: for proposals and for calibrations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hitl.core.numbers import fixed
from routing.engine.slices import slice_of

_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice. gain: in log loss with its 95 % interval; empty where it was not measured."""

    name: str
    used: bool
    reason: str
    n: int
    effective_n: int
    gain: str


def slice_rows(found: Sequence[Mapping[str, Any]]) -> tuple[SliceRow, ...]:
    """From the findings a recalibration stored, in their order: first those used."""
    return tuple(
        SliceRow(
            str(slice_of(each["slice"])),
            each["used"],
            each["reason"],
            each["n"],
            round(each["effective_n"]),
            _gain(each),
        )
        for each in found
    )


def _gain(found: Mapping[str, Any]) -> str:
    gain, error = found["gain"], found["error"]
    if gain is None:
        return ""
    return f"{fixed(gain, 4)} ({fixed(gain - _Z95 * error, 4)} – {fixed(gain + _Z95 * error, 4)})"
