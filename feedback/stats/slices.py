"""Where all cases together cannot be certified: which slices of them certify by themselves already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from feedback.stats.threshold_counts import Record
from feedback.stats.thresholds import STARTS, ThresholdStudy, check_budget, labels_to_certify, study

MOST = 50
"""The largest slices are looked at, so many at most: each one more makes all of them harder to certify."""


class SliceKey(NamedTuple):
    """kind “label”: cases the machine gave the label `value`; “segment”: cases whose segment `name` is `value`."""

    kind: Literal["label", "segment"]
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SliceStudies:
    """The slices looked at, the largest first. delta_each: what each spends; null where none was looked at.
    too_small: slices left out, because they have fewer labels than certification needs without a single error.
    """

    delta_each: float | None
    slices: tuple[tuple[SliceKey, ThresholdStudy], ...]
    too_small: int


def slice_studies(
    groups: Mapping[SliceKey, Sequence[Record]], max_error: float = 0.02, delta: float = 0.05
) -> SliceStudies:
    """Study each slice by itself at delta / number looked at (union bound): with probability at least 1 - delta every
    certified threshold of every slice holds the budget within that slice. Slices may overlap.

    Which are looked at depends on their sizes alone, never on what was right in them, so choosing spends no risk.
    """
    check_budget(max_error, delta)
    floor = labels_to_certify(0, max_error, delta / len(STARTS))
    large = sorted(
        (key for key, rows in groups.items() if len(rows) >= floor), key=lambda key: (-len(groups[key]), key)
    )
    looked_at = large[:MOST]
    each = delta / len(looked_at) if looked_at else None
    found = tuple((key, study(groups[key], max_error, each)) for key in looked_at if each is not None)
    return SliceStudies(each, found, len(groups) - len(large))
