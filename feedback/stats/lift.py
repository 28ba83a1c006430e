"""Does an event happen more often inside a group than outside it? Many groups at once, in plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt
from statistics import NormalDist

ALPHA = 0.05
"""False discovery rate among the groups that stand out, and 1 less the coverage of their intervals."""


@dataclass(frozen=True, slots=True)
class Table:
    """`inside` of `n_inside` cases of a group had the event, `outside` of `n_outside` of all others."""

    inside: int
    n_inside: int
    outside: int
    n_outside: int


@dataclass(frozen=True, slots=True)
class Lift:
    """How many times more often inside than outside.

    value: null where nothing outside had the event. low, high: interval of the lift. p: one-sided, that it is not
    more often inside. q: p corrected for all groups looked at. stands_out: q <= alpha.
    """

    value: float | None
    low: float
    high: float
    p: float
    q: float
    stands_out: bool


def lifts(tables: Sequence[Table], alpha: float = ALPHA) -> list[Lift]:
    """The relative risk of each table, with an interval and a corrected p-value, in the order given.

    p: Fisher's exact test, one-sided (1935). q: Benjamini & Hochberg 1995, which holds the share of false ones among
    those that stand out to alpha, for independent and positively dependent tests. Interval: Katz, Baptista, Azen & Pike
    1978 on the logarithm, with one half added to every cell where one is empty (Haldane 1956); where k of m stand out,
    theirs is at the level 1 - alpha * k / m, so that selection does not make them look too sure (Benjamini &
    Yekutieli 2005). ValueError for impossible counts; a table with an empty side says nothing: p = 1.
    """
    ps = [_fisher(table) for table in tables]
    qs = _benjamini_hochberg(ps)
    chosen = sum(q <= alpha for q in qs)
    found = []
    for table, p, q in zip(tables, ps, qs, strict=True):
        out = q <= alpha
        low, high = _katz(table, alpha * chosen / len(tables) if out else alpha)
        found.append(Lift(_ratio(table), low, high, p, q, out))
    return found


def _ratio(t: Table) -> float | None:
    if not (t.n_inside and t.outside):
        return None
    return (t.inside / t.n_inside) / (t.outside / t.n_outside)


def _fisher(t: Table) -> float:
    """P(X >= inside), X hypergeometric: all events drawn among all cases."""
    if not (0 <= t.inside <= t.n_inside and 0 <= t.outside <= t.n_outside):
        raise ValueError(f"impossible counts: {t!r}")
    events, n = t.inside + t.outside, t.n_inside + t.n_outside
    if not (t.n_inside and t.n_outside and events):
        return 1.0
    whole = _choose(n, events)
    most = min(events, t.n_inside)
    tail = (exp(_choose(t.n_inside, k) + _choose(t.n_outside, events - k) - whole) for k in range(t.inside, most + 1))
    return min(1.0, sum(tail))


def _choose(n: int, k: int) -> float:
    """The logarithm of n over k; minus infinity where there is no such choice."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -inf


def _benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    m, least = len(ps), 1.0
    qs = [1.0] * m
    for rank, place in sorted(enumerate(sorted(range(m), key=ps.__getitem__), start=1), reverse=True):
        least = min(least, ps[place] * m / rank)
        qs[place] = least
    return qs


def _katz(t: Table, alpha: float) -> tuple[float, float]:
    """(0, infinity) where a side has no cases."""
    if not (t.n_inside and t.n_outside):
        return 0.0, inf
    add = 0.5 if 0 in (t.inside, t.outside, t.n_inside - t.inside, t.n_outside - t.outside) else 0.0
    a, n, b, m = t.inside + add, t.n_inside + 2 * add, t.outside + add, t.n_outside + 2 * add
    spread = NormalDist().inv_cdf(1.0 - alpha / 2.0) * sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    centre = log((a / n) / (b / m))
    return exp(centre - spread), exp(centre + spread)
