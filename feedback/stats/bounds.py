"""Exact and approximate bounds on a binomial proportion, in plain Python.

The web process computes threshold studies, so nothing here may import numpy or scipy. The incomplete beta function is
Lentz's continued fraction (Numerical Recipes 3rd ed., 6.4; DLMF 8.17.22); tests hold it to 1e-9 of scipy.
"""

from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import NamedTuple

_TINY = 1e-300
_PRECISION = 1e-15
_MAX_TERMS = 100_000


class Interval(NamedTuple):
    """A closed interval of proportions, both ends in [0, 1]."""

    low: float
    high: float


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(Bin(n, p) <= k), exactly: the p-value of "the error rate is at least p" after k errors in n.

    Source: Clopper & Pearson 1934; P(Bin(n, p) <= k) = I_{1-p}(n-k, k+1), DLMF 8.17.5. `0 <= k <= n`, `0 <= p <= 1`,
    otherwise ValueError. n = 0 gives 1.0: no evidence.
    """
    _check(k, n)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p must lie in 0..1, not {p!r}")
    if k == n or p == 0.0:
        return 1.0
    if p == 1.0:
        return 0.0
    return _incomplete_beta(n - k, k + 1, p)


def clopper_pearson_upper(k: int, n: int, delta: float) -> float:
    """One-sided exact upper bound: the p at which P(Bin(n, p) <= k) = delta; covers with probability >= 1 - delta.

    Source: Clopper & Pearson 1934. `0 < delta < 1`. 1.0 when n = 0 or k = n: nothing is excluded.
    """
    _check(k, n)
    _check_share(delta, "delta")
    if k == n:
        return 1.0
    if k == 0:
        return 1.0 - exp(log(delta) / n)
    return _solve_tail(k, n, delta)


def clopper_pearson_lower(k: int, n: int, delta: float) -> float:
    """One-sided exact lower bound, the mirror image of `clopper_pearson_upper`; 0.0 when n = 0 or k = 0."""
    _check(k, n)
    return 1.0 - clopper_pearson_upper(n - k, n, delta)


def clopper_pearson_interval(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Two-sided exact interval with equal tails. n = 0 gives (0, 1).

    Source: Clopper & Pearson 1934; published check: 81 of 263 at 95 % gives 0.2527 to 0.3676.
    """
    _check_share(confidence, "confidence")
    delta = (1.0 - confidence) / 2.0
    return Interval(clopper_pearson_lower(k, n, delta), clopper_pearson_upper(k, n, delta))


def wilson_interval(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Two-sided score interval of Wilson 1927 (Brown, Cai & DasGupta 2001). n = 0 gives (0, 1).

    k and n may be fractional: weighted counts scaled to the effective sample size.
    """
    if not 0.0 <= k <= n < inf:
        raise ValueError(f"need 0 <= k <= n, not k={k!r}, n={n!r}")
    _check_share(confidence, "confidence")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    rate, shrink = k / n, 1.0 + z * z / n
    centre = (rate + z * z / (2.0 * n)) / shrink
    half = z * sqrt(rate * (1.0 - rate) / n + z * z / (4.0 * n * n)) / shrink
    return Interval(0.0 if k == 0 else max(0.0, centre - half), 1.0 if k == n else min(1.0, centre + half))


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"need 0 <= k <= n, not k={k!r}, n={n!r}")


def _check_share(value: float, name: str) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must lie strictly between 0 and 1, not {value!r}")


def _incomplete_beta(a: float, b: float, y: float) -> float:
    """I_{1-y}(a, b) for 0 < y < 1; takes y so that small error rates lose no digits."""
    x = 1.0 - y
    log_front = a * log1p(-y) + b * log(y) + lgamma(a + b) - lgamma(a) - lgamma(b)
    if x < (a + 1.0) / (a + b + 2.0):
        value = exp(log_front) * _continued_fraction(a, b, x) / a
    else:
        value = 1.0 - exp(log_front) * _continued_fraction(b, a, y) / b
    return min(1.0, max(0.0, value))


def _continued_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of I_x(a, b) by modified Lentz; needs about sqrt(max(a, b)) terms where it is used."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        value *= d * c
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1.0) < _PRECISION:
            return value
    raise ArithmeticError(f"incomplete beta did not converge for a={a}, b={b}, x={x}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _solve_tail(k: int, n: int, delta: float) -> float:
    """The p with P(Bin(n, p) <= k) = delta, 0 < k < n.

    Newton on the logarithm of the tail, which is concave in p, so it cannot run away; bisection catches what leaves
    the bracket.
    """
    low, high = 0.0, 1.0
    p = wilson_interval(k, n, max(1e-9, abs(1.0 - 2.0 * delta))).high if delta < 0.5 else (k + 1.0) / (n + 1.0)
    log_scale = lgamma(n + 1) - lgamma(n - k) - lgamma(k + 1)
    for _ in range(200):
        tail = binomial_tail(k, n, p)
        if tail > delta:
            low = p
        else:
            high = p
        density = exp(log_scale + (n - k - 1) * log1p(-p) + k * log(p))
        step = tail * log(tail / delta) / density if tail > 0.0 and density > 0.0 else inf
        proposal = p + step
        if not low < proposal < high:
            proposal = (low + high) / 2.0
        if abs(proposal - p) <= 1e-15 + 1e-14 * p or high - low <= 1e-15:
            return proposal
        p = proposal
    return p


def student_quantile(p: float, degrees: int) -> float:
    """The t below which Student's distribution has probability `p`, 0.5 <= p < 1; degrees >= 1.

    Source: P(T > t) = I_{v/(v+t^2)}(v/2, 1/2) / 2 (DLMF 8.17, Abramowitz & Stegun 26.7.1), solved by bisection.
    """
    if not 0.5 <= p < 1.0 or degrees < 1:
        raise ValueError(f"need 0.5 <= p < 1 and degrees >= 1, not {p!r}, {degrees!r}")
    tail = 2.0 * (1.0 - p)
    low, high = 0.0, 1.0  # of y = t^2 / (v + t^2), with which the tail falls
    for _ in range(100):
        y = (low + high) / 2.0
        if _incomplete_beta(degrees / 2.0, 0.5, y) > tail:
            low = y
        else:
            high = y
    y = (low + high) / 2.0
    return sqrt(degrees * y / (1.0 - y)) if y < 1.0 else inf


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X <= x) for X ~ Beta(a, b), a and b > 0: the regularised incomplete beta function (DLMF 8.17)."""
    if not a > 0.0 or not b > 0.0:
        raise ValueError(f"a and b must be above 0, not {a!r}, {b!r}")
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x < 1e-12:  # 1 - x would be 1
        return 1.0 - _incomplete_beta(b, a, x)
    return _incomplete_beta(a, b, 1.0 - x)
