"""Cohen's kappa for two raters, plain and quadratically weighted."""

from collections import Counter
from collections.abc import Callable, Mapping

from feedback.stats.ratings import (
    MIN_UNITS,
    Coefficient,
    Level,
    Rating,
    RatingTable,
    as_numbers,
    no_value,
    one_category,
    too_few_units,
    with_normal_interval,
)


def cohen(table: RatingTable) -> Coefficient:
    """Cohen's kappa (Cohen 1960), the ratings taken as categories whatever their level.

    Needs exactly two raters; uses the units both rated. Interval: the asymptotic standard error of Fleiss, Cohen &
    Everitt 1969. Published check: a 3 x 3 table in SAS, 0.4842 (0.2137 to 0.7547).
    """
    return _kappa("cohen", table, _identity_weights)


def weighted_cohen(table: RatingTable, level: Level) -> Coefficient:
    """Weighted kappa (Cohen 1968) with quadratic weights 1 - (x - y)² / range², which Fleiss & Cohen 1973 tie to the
    ICC.

    x is the rank among the values seen at the ordinal level, the number itself at interval and ratio level. Interval:
    Fleiss, Cohen & Everitt 1969. Nominal ratings and texts have no distances: null with the reason.
    """
    if level is Level.NOMINAL:
        return no_value("weighted_cohen", 0, "weights need an order between ratings; nominal ratings have none")
    values = list({rating for row in table.rows for rating in row if rating is not None})
    numbers = as_numbers(values)
    if numbers is None:
        return no_value("weighted_cohen", 0, "weights need numbers, but some ratings are text")
    scores = dict(zip(values, numbers, strict=True))
    if level is Level.ORDINAL:
        ranks = {number: float(rank) for rank, number in enumerate(sorted(set(numbers)))}
        scores = {value: ranks[number] for value, number in scores.items()}
    return _kappa("weighted_cohen", table, lambda rows, columns: _quadratic_weights(scores, rows, columns))


Shares = Mapping[Rating, float]


class _Weights:
    """Agreement weights between two ratings, and their mean over one rater's marginal distribution."""

    def __init__(
        self,
        pair: Callable[[Rating, Rating], float],
        over_columns: Callable[[Rating], float],
        over_rows: Callable[[Rating], float],
    ) -> None:
        self.pair, self.over_columns, self.over_rows = pair, over_columns, over_rows


def _identity_weights(rows: Shares, columns: Shares) -> _Weights:
    return _Weights(lambda x, y: float(x == y), lambda x: columns.get(x, 0.0), lambda y: rows.get(y, 0.0))


def _quadratic_weights(scores: Mapping[Rating, float], rows: Shares, columns: Shares) -> _Weights:
    """Mean weights from two moments, so that thousands of different values need no square table."""
    seen = [scores[value] for value in {*rows, *columns}]
    squared_range = (max(seen) - min(seen)) ** 2 or 1.0

    def mean_weight(shares: Shares) -> Callable[[Rating], float]:
        mean = sum(share * scores[value] for value, share in shares.items())
        variance = sum(share * (scores[value] - mean) ** 2 for value, share in shares.items())
        return lambda x: 1.0 - ((scores[x] - mean) ** 2 + variance) / squared_range

    return _Weights(
        lambda x, y: 1.0 - (scores[x] - scores[y]) ** 2 / squared_range, mean_weight(columns), mean_weight(rows)
    )


def _kappa(name: str, table: RatingTable, weighting: Callable[[Shares, Shares], _Weights]) -> Coefficient:
    if len(table.rows) != 2:
        return no_value(name, 0, f"needs exactly two raters, found {len(table.rows)}")
    pairs = Counter((x, y) for x, y in zip(*table.rows, strict=True) if x is not None and y is not None)
    n = pairs.total()
    if n < MIN_UNITS:
        return too_few_units(name, n)
    rows, columns = Counter[Rating](), Counter[Rating]()
    for (x, y), times in pairs.items():
        rows[x] += times
        columns[y] += times
    if len(rows | columns) == 1:
        return one_category(name, n)
    row_shares = {value: times / n for value, times in rows.items()}
    weights = weighting(row_shares, {value: times / n for value, times in columns.items()})
    chance = sum(share * weights.over_columns(value) for value, share in row_shares.items())
    observed = sum(times * weights.pair(x, y) for (x, y), times in pairs.items()) / n
    kappa = (observed - chance) / (1.0 - chance)
    spread = sum(
        times * (weights.pair(x, y) - (weights.over_columns(x) + weights.over_rows(y)) * (1.0 - kappa)) ** 2
        for (x, y), times in pairs.items()
    )
    variance = (spread / n - (kappa - chance * (1.0 - kappa)) ** 2) / (n * (1.0 - chance) ** 2)
    return with_normal_interval(name, kappa, variance, n, chance=chance, unanimous=all(x == y for x, y in pairs))
