"""Counting records above each grid threshold, with and without equal selection probabilities."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

Number = TypeVar("Number", int, float)

GRID: tuple[float, ...] = tuple(round(0.5 + 0.005 * step, 3) for step in range(100))
"""The thresholds, fixed before any data is seen: 0.500, 0.505, … 0.995."""


class Record(NamedTuple):
    """One labelled case.

    confidence: 0-1, on the scale the threshold will be applied to. selection_probability: in (0, 1], the probability
    that this case came to have a label. draw: uniform in [0, 1), fixed per case and independent of the draw that
    selected it and of the label; needed only where selection probabilities differ. predicted, truth: what the machine
    said and what was right; needed only for thresholds per label and for costs that depend on them.
    """

    confidence: float
    correct: bool
    selection_probability: float = 1.0
    draw: float | None = None
    predicted: str | None = None
    truth: str | None = None


class Counts(NamedTuple):
    """What lies at or above one threshold. See `thresholds.CurvePoint` for the meaning of each."""

    automated: int
    review_share: float
    error: float | None
    tested: int
    tested_wrong: int


def count(records: Sequence[Record]) -> list[Counts]:
    """Counts for each grid threshold, in grid order. ValueError names the first bad record."""
    bins: list[int] = []
    labels, wrong = [0] * (len(GRID) + 1), [0] * (len(GRID) + 1)
    for index, (confidence, correct, probability, _, _, _) in enumerate(records):
        cell = cell_of(index, confidence, probability)
        bins.append(cell)
        labels[cell] += 1
        if not correct:
            wrong[cell] += 1
    if len({record[2] for record in records}) > 1:
        return _unequal(records, bins, from_above(labels))
    return [
        Counts(above, 1.0 - above / len(records) if records else 1.0, bad / above if above else None, above, bad)
        for above, bad in zip(from_above(labels), from_above(wrong), strict=True)
    ]


def cell_of(index: int, confidence: float, probability: float) -> int:
    """How many grid thresholds the record reaches. ValueError names it; written so that NaN fails too."""
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"record {index}: confidence must lie in 0..1, not {confidence!r}")
    if not 0.0 < probability <= 1.0:
        raise ValueError(f"record {index}: selection_probability must lie in (0, 1], not {probability!r}")
    return bisect_right(GRID, confidence)


def from_above(cells: list[Number]) -> list[Number]:
    """Sums over the records at or above each grid threshold; cell j holds those reaching exactly j thresholds."""
    return list(accumulate(reversed(cells[1:])))[::-1]


def _unequal(records: Sequence[Record], bins: Sequence[int], automated: list[int]) -> list[Counts]:
    """Weighted estimates, and a thinned sample that is uniform again at each threshold."""
    weights, wrong_weights = [0.0] * (len(GRID) + 1), [0.0] * (len(GRID) + 1)
    for cell, (_, correct, probability, _, _, _) in zip(bins, records, strict=True):
        weights[cell] += 1.0 / probability
        if not correct:
            wrong_weights[cell] += 1.0 / probability
    total = sum(weights)
    tested, tested_wrong = _thinned(records, bins)
    return [
        Counts(count_, max(0.0, 1.0 - above / total), bad / above if count_ else None, kept, kept_wrong)
        for count_, above, bad, kept, kept_wrong in zip(
            automated, from_above(weights), from_above(wrong_weights), tested, tested_wrong, strict=True
        )
    ]


def _thinned(records: Sequence[Record], bins: Sequence[int]) -> tuple[list[int], list[int]]:
    """Sizes and errors of the uniform subsample above each threshold (rejection sampling, von Neumann 1951).

    Above threshold t let m be the smallest selection probability. A record selected with probability p is kept iff
    draw < m / p, so each case of the population is in with probability p * m / p = m: an equal-probability sample, on
    which the binomial test is exact. m falls with t, so a record is kept for an interval of thresholds; two marks per
    record and a running sum count them all in one pass.
    """
    lowest = [1.0] * (len(GRID) + 1)
    for cell, record in zip(bins, records, strict=True):
        lowest[cell] = min(lowest[cell], record[2])
    floors = list(accumulate(reversed(lowest[1:]), min))[::-1]
    marks, wrong_marks = [0] * (len(GRID) + 1), [0] * (len(GRID) + 1)
    for index, (cell, (_, correct, probability, draw, _, _)) in enumerate(zip(bins, records, strict=True)):
        if draw is None or not 0.0 <= draw < 1.0:
            raise ValueError(
                f"record {index}: selection probabilities differ, so draw must lie in [0, 1), not {draw!r}"
            )
        first = bisect_right(floors, draw * probability)
        if first < cell:
            for target in (marks,) if correct else (marks, wrong_marks):
                target[first] += 1
                target[cell] -= 1
    return list(accumulate(marks))[:-1], list(accumulate(wrong_marks))[:-1]
