"""Fleiss' kappa and Gwet's AC1: any number of raters, ratings taken as categories, missing ratings allowed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from feedback.stats.ratings import (
    MIN_UNITS,
    Coefficient,
    Rating,
    RatingTable,
    one_category,
    too_few_units,
    with_normal_interval,
)


def fleiss(table: RatingTable) -> Coefficient:
    """Fleiss' kappa, generalised to units with unequal numbers of ratings (Gwet 2014, Handbook, 4th ed., ch. 2 and 5).

    With as many ratings on every unit it is exactly Fleiss 1971 (published check 0.430), with two raters Scott's pi.
    Interval: the linearised variance of Gwet 2008, units a sample, raters fixed; the variance of Fleiss, Nee & Landis
    1979 holds only where kappa is 0 and gives no interval. n counts units with two or more ratings; a unit with one
    rating informs the chance term only.
    """
    return _coefficient("fleiss", table, _fleiss_chance)


def gwet_ac1(table: RatingTable) -> Coefficient:
    """Gwet's AC1 (Gwet 2008, Br. J. Math. Stat. Psychol. 61), which does not collapse where one category dominates.

    The categories are those that occur. Interval: the linearised variance of the same paper. Published check: his table
    of 118, 5, 2 and 0 of 125 gives 0.941, where kappa is -0.023.
    """
    return _coefficient("gwet_ac1", table, _ac1_chance)


Shares = Mapping[Rating, float]


def _fleiss_chance(shares: Shares) -> Shares:
    """Chance agreement is the mean of these over all ratings: sum of squared shares."""
    return shares


def _ac1_chance(shares: Shares) -> Shares:
    """Chance agreement is the mean of these over all ratings: sum of share (1 - share), over categories - 1."""
    return {value: (1.0 - share) / (len(shares) - 1) for value, share in shares.items()}


def _coefficient(name: str, table: RatingTable, chance_weights: Callable[[Shares], Shares]) -> Coefficient:
    """Both coefficients are linear in each unit once their chance weights are known, and so is their variance."""
    units = [Counter(unit) for unit in table.rated()]
    n, pairable = len(units), sum(unit.total() >= 2 for unit in units)
    if pairable < MIN_UNITS:
        return too_few_units(name, pairable)
    shares = _shares(units)
    if len(shares) == 1:
        return one_category(name, pairable)
    weights = chance_weights(shares)
    chance = sum(share * weights[value] for value, share in shares.items())
    observed = sum(map(_agreement, units)) / pairable
    value = (observed - chance) / (1.0 - chance)
    spread = 0.0
    for unit in units:
        own = (_agreement(unit) - chance) * n / pairable if unit.total() >= 2 else 0.0
        own_chance = sum(times * weights[rating] for rating, times in unit.items()) / unit.total()
        spread += ((own - 2.0 * (1.0 - value) * (own_chance - chance)) / (1.0 - chance) - value) ** 2
    return with_normal_interval(
        name, value, spread / (n * (n - 1)), pairable, chance=chance, unanimous=all(len(unit) == 1 for unit in units)
    )


def _shares(units: Sequence[Counter[Rating]]) -> Shares:
    """Mean over units of the share of its raters that chose each category."""
    sums: defaultdict[Rating, float] = defaultdict(float)
    for unit in units:
        for rating, times in unit.items():
            sums[rating] += times / unit.total()
    return {rating: total / len(units) for rating, total in sums.items()}


def _agreement(unit: Counter[Rating]) -> float:
    """Share of the unit's pairs of raters who agree; 0 where there is no pair."""
    m = unit.total()
    return sum(times * (times - 1) for times in unit.values()) / (m * (m - 1)) if m >= 2 else 0.0
