"""Tests that hold one person against others, or a time against another. Pure, plain Python, checked against scipy."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, sqrt
from statistics import NormalDist, median, quantiles
from typing import NamedTuple

from feedback.stats.bounds import beta_cdf, binomial_tail, student_quantile


class TwoCounts(NamedTuple):
    """`k` of `n` on one side, `others_k` of `others_n` on the other, in one stratum."""

    k: int
    n: int
    others_k: int
    others_n: int


_NEGLIGIBLE = 1e-30


def exact_more(strata: Sequence[TwoCounts]) -> float:
    """One-sided p-value of "the share is no higher than the others'", strata apart; 1 where nothing can be compared.

    Conditional on each stratum's margins the count is hypergeometric; the sum over strata is their convolution (Gart
    1970, Biometrika 57:471). With one stratum it is Fisher's exact test (1935).
    """
    chances, least, seen = [1.0], 0, 0
    for k, n, others_k, others_n in strata:
        if not 0 <= k <= n or not 0 <= others_k <= others_n:
            raise ValueError("need 0 <= k <= n on both sides")
        start, own = _hypergeometric(n, others_n, k + others_k)
        if len(strata) > 1:
            start, own = _likely(start, own)
        least, chances = _likely(least + start, _convolved(chances, own))
        seen += k
    return min(1.0, sum(chances[max(0, seen - least) :]))


def _likely(least: int, chances: list[float]) -> tuple[int, list[float]]:
    """Without the ends that chance hardly ever reaches, or two wide strata would be multiplied out in full: thousands
    by thousands of products, for a p-value that only its 30th digit shows.
    """
    first = next(place for place, chance in enumerate(chances) if chance > _NEGLIGIBLE)
    last = next(place for place in reversed(range(len(chances))) if chances[place] > _NEGLIGIBLE)
    return least + first, chances[first : last + 1]


def _hypergeometric(n: int, others_n: int, total: int) -> tuple[int, list[float]]:
    """The least count possible, and the probability of it and each one above."""
    low, high = max(0, total - others_n), min(n, total)
    logs = [_choose(n, k) + _choose(others_n, total - k) for k in range(low, high + 1)]
    top = max(logs)
    weights = [exp(value - top) for value in logs]
    whole = sum(weights)
    return low, [weight / whole for weight in weights]


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _convolved(first: Sequence[float], second: Sequence[float]) -> list[float]:
    if len(first) == 1:
        return [first[0] * chance for chance in second]
    found = [0.0] * (len(first) + len(second) - 1)
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            found[i + j] += one * other
    return found


@dataclass(frozen=True, slots=True)
class Ranked:
    """Values of both sides with their mid-ranks; `ties`: sum of t³ - t over equal ones."""

    ranks: Mapping[float, float]
    size: int
    ties: int


def ranked(values: Iterable[float]) -> Ranked:
    """All the values there are, ranked once for everybody who is held against the others."""
    ranks, below, ties = dict[float, float](), 0, 0
    for value, times in sorted(Counter(values).items()):
        ranks[value] = below + (times + 1) / 2.0
        below += times
        ties += times**3 - times
    return Ranked(ranks, below, ties)


def smaller(mine: Sequence[float], others: Sequence[float]) -> float:
    """`smaller_among` of both sides together."""
    return smaller_among(mine, ranked([*mine, *others]))


def smaller_among(mine: Sequence[float], everybody: Ranked) -> float:
    """One-sided p-value of "mine are not smaller than the others'" (Mann & Whitney 1947), normal with ties and
    continuity correction; 1 with fewer than five on a side. everybody: mine and the others'.
    """
    size, n = everybody.size, len(mine)
    m = size - n
    if min(n, m) < 5:
        return 1.0
    u = sum(everybody.ranks[value] for value in mine) - n * (n + 1) / 2.0
    variance = n * m / 12.0 * (size + 1 - everybody.ties / (size * (size - 1)))
    if variance <= 0.0:
        return 1.0
    return NormalDist().cdf((u - n * m / 2.0 + 0.5) / sqrt(variance))


def trend(counts: Sequence[tuple[float, int, int]]) -> float | None:
    """Two-sided p-value of "the share does not rise or fall with the score", from (score, k, n) per group.

    Cochran 1954 and Armitage 1955, variance conditional on the margins. Null with one group or one kind of answer.
    """
    total, hits = sum(n for _, _, n in counts), sum(k for _, k, _ in counts)
    if total < 2 or hits in (0, total):
        return None
    share = hits / total
    moved = sum(score * (k - n * share) for score, k, n in counts)
    centre = sum(score * n for score, _, n in counts) / total
    spread = sum(n * (score - centre) ** 2 for score, _, n in counts)
    variance = share * (1.0 - share) * spread * total / (total - 1)
    return 2.0 * NormalDist().cdf(-abs(moved) / sqrt(variance)) if variance > 0.0 else None


@dataclass(frozen=True, slots=True)
class Slope:
    """Change per unit with its 95 % interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p: float
    n: int


def slope_within(rows: Sequence[tuple[Hashable, float, float]]) -> Slope | None:
    """Least squares of y on x within groups, from (group, x, y): what differs between groups is taken out first.

    The within (fixed-effects) estimator, Student's t at n - groups - 1 degrees (Wooldridge 2010, Econometric Analysis,
    10.5). Null without variation or degrees of freedom.
    """
    groups: dict[Hashable, list[tuple[float, float]]] = defaultdict(list)
    for group, x, y in rows:
        groups[group].append((x, y))
    pairs = []
    for members in groups.values():
        x_mean = sum(x for x, _ in members) / len(members)
        y_mean = sum(y for _, y in members) / len(members)
        pairs += [(x - x_mean, y - y_mean) for x, y in members]
    spread = sum(x * x for x, _ in pairs)
    degrees = len(pairs) - len(groups) - 1
    if degrees < 1 or spread <= 1e-12:
        return None
    value = sum(x * y for x, y in pairs) / spread
    error = sqrt(sum((y - value * x) ** 2 for x, y in pairs) / degrees / spread)
    if error <= 1e-12:  # no variation beside the line: rounding would decide
        return None
    reach = student_quantile(0.975, degrees) * error
    p = beta_cdf(degrees / (degrees + (value / error) ** 2), degrees / 2.0, 0.5)
    return Slope(value, value - reach, value + reach, p, len(pairs))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for looking at all of them at once (Holm 1979, Scandinavian Journal of Statistics 6:65)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = highest
    return adjusted


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of `n` values; `low`, `high`: the median's 95 % interval, null below six values."""

    median: float
    first_quartile: float
    third_quartile: float
    low: float | None
    high: float | None
    n: int


def spread_of(values: Sequence[float]) -> Spread | None:
    """Median with the exact interval between order statistics (Conover 1999, Practical Nonparametric Statistics, 3.2);
    null without two values.
    """
    n = len(values)
    if n < 2:
        return None
    ordered = sorted(values)
    first, _, third = quantiles(ordered, n=4, method="inclusive")
    cut, above = -1, n // 2  # the most values below the interval that still leave 97.5 % on each side
    while above - cut > 1:
        middle = (cut + above) // 2
        cut, above = (middle, above) if binomial_tail(middle, n, 0.5) <= 0.025 else (cut, middle)
    low, high = (ordered[cut], ordered[n - 1 - cut]) if cut >= 0 else (None, None)
    return Spread(median(ordered), first, third, low, high, n)
