"""What several raters said of the same units, and the shape every agreement coefficient takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, sqrt
from statistics import NormalDist

from feedback.stats.bounds import clopper_pearson_upper

Rating = str | int | float

MIN_UNITS = 2
"""Fewer units than this give no coefficient: one unit shows no variation."""


class Level(StrEnum):
    """Level of measurement (Stevens 1946). ordinal, interval and ratio need numbers; ratio needs them >= 0."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One agreement coefficient: 1 perfect, 0 as by chance, below 0 worse than chance.

    n: units it rests on. value null: it does not apply or there is not enough data, and `reason` says which. low, high:
    its 95 % interval; null with a value only where no interval can be computed, `reason` then saying why.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class RatingTable:
    """Checked ratings: `rows[rater][unit]`, null where a rater gave none."""

    rows: tuple[tuple[Rating | None, ...], ...]
    units: int

    @property
    def missing(self) -> int:
        """Empty cells."""
        return sum(row.count(None) for row in self.rows)

    def pairable(self) -> Iterator[list[Rating]]:
        """The ratings of each unit that at least two raters rated; others carry no information on agreement."""
        for unit in self.rated():
            if len(unit) >= 2:
                yield unit

    def rated(self) -> Iterator[list[Rating]]:
        """The ratings of each unit that anyone rated."""
        for column in zip(*self.rows, strict=True):
            given = [rating for rating in column if rating is not None]
            if given:
                yield given


def rating_table(ratings: Sequence[Sequence[Rating | None]]) -> RatingTable:
    """Check ratings (rows raters, columns units). Rows of unequal length, NaN and infinity: ValueError.

    1 and 1.0 are the same rating, 1 and "1" are not.
    """
    rows = tuple(tuple(row) for row in ratings)
    units = len(rows[0]) if rows else 0
    for index, row in enumerate(rows):
        if len(row) != units:
            raise ValueError(f"rater {index} has {len(row)} ratings, rater 0 has {units}")
        if any(isinstance(rating, float) and not isfinite(rating) for rating in row):
            raise ValueError(f"rater {index}: a rating is not a finite number")
    return RatingTable(rows, units)


def as_numbers(values: Sequence[Rating]) -> list[float] | None:
    """The ratings as floats of at most 1 in size, so that squares stay finite; null if one is no number."""
    if any(isinstance(value, str) for value in values):
        return None
    largest = max((abs(value) for value in values if not isinstance(value, str)), default=0) or 1
    return [value / largest for value in values if not isinstance(value, str)]


def no_value(name: str, n: int, reason: str) -> Coefficient:
    """A coefficient that does not apply, with the reason in plain words."""
    return Coefficient(name, None, None, None, n, reason)


def too_few_units(name: str, n: int) -> Coefficient:
    """The answer where fewer than `MIN_UNITS` units can be compared."""
    return no_value(name, n, f"not enough data: needs at least {MIN_UNITS} units with two or more ratings, found {n}")


def one_category(name: str, n: int) -> Coefficient:
    """The answer where chance agreement is complete, and chance-corrected agreement therefore 0/0."""
    return no_value(name, n, "not enough data: every rating is the same, so agreement beyond chance cannot be told")


def with_normal_interval(
    name: str, value: float, variance: float, n: int, *, chance: float, unanimous: bool
) -> Coefficient:
    """value ± 1.96 standard errors, cut to -1..1.

    Where every unit was unanimous the published standard errors are 0, which is no knowledge: the lower end is then
    (1 - q - chance) / (1 - chance) with q the exact upper 97.5 % bound on the share of units with a disagreement.
    """
    if unanimous:
        return Coefficient(name, 1.0, max(-1.0, 1.0 - unseen_disagreement(n) / (1.0 - chance)), 1.0, n, None)
    half = NormalDist().inv_cdf(0.975) * sqrt(max(0.0, variance))
    return Coefficient(name, value, max(-1.0, value - half), min(1.0, value + half), n, None)


def unseen_disagreement(n: int) -> float:
    """The largest share of disputed units that n units without dispute leave possible (Clopper-Pearson, 97.5 %)."""
    return clopper_pearson_upper(0, n, 0.025)
