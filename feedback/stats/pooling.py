"""Partial pooling of shares: what one person's count says, held against everybody's. Pure, plain Python."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

from feedback.stats.bounds import beta_cdf

MIN_GROUPS = 3
"""Fewer people do not show how people differ."""
_ROUNDS, _STEPS = 30, 60
_LOGIT, _STRENGTH = (-9.0, 9.0), (log(0.1), log(1e5))
_GOLDEN = 0.6180339887498949
_ROWS, _COLUMNS, _WIDEST = 25, 21, (-12.0, 12.0)
_Cell = tuple[float, float, float]
"""Weight, mean and strength."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """One person's share: `k` of `n`; `share` shrunk towards the mean, `low`, `high` its 95 % interval."""

    k: int
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pool:
    """`mean`: of people; `strength`: the mean weighs as much as so many observations (large: people hardly differ)."""

    mean: float
    strength: float
    groups: tuple[Pooled, ...]


def pool(counts: Sequence[tuple[int, int]]) -> Pool | None:
    """Empirical Bayes with the beta-binomial model: each (k, n) is Bin(n, p), each p is Beta(mean, strength).

    Mean and strength by maximum likelihood over all people; a person's share is the posterior mean (k + mean x
    strength) / (n + strength). Its interval averages the posterior over the means and strengths that the counts allow
    (Deely & Lindley 1981, "Bayes empirical Bayes", JASA 76:833; uniform in the mean and in strength ** -1/2 as in
    Gelman et al. 2013, Bayesian Data Analysis, 5.3), as the central 95 % of a Beta with the same mean and variance: a
    team of six hardly shows how people differ, and to take both as known would cover a third of the time. Of labels
    given a handful of times in all it covers about nine in ten. Source: Griffin & Krutchkoff 1971 (Biometrika 58:217);
    Carlin & Louis 2000, Bayes and Empirical Bayes Methods, sections 3.3 and 3.5. Null with fewer than `MIN_GROUPS`
    people who have observations. ValueError unless 0 <= k <= n.
    """
    if any(not 0 <= k <= n for k, n in counts):
        raise ValueError("need 0 <= k <= n")
    told = [(k, n) for k, n in counts if n]
    if len(told) < MIN_GROUPS:
        return None
    logit, strength = 0.0, log(10.0)
    total = sum(k for k, _ in told) / sum(n for _, n in told)
    logit = log(max(total, 1e-4) / max(1.0 - total, 1e-4))
    for _ in range(_ROUNDS):
        before = logit, strength
        at = strength
        logit = _highest(lambda x, at=at: likelihood(told, _mean(x), exp(at)), _LOGIT)  # type: ignore[misc]
        mean = _mean(logit)
        strength = _highest(lambda x, mean=mean: likelihood(told, mean, exp(x)), _STRENGTH)  # type: ignore[misc]
        if abs(logit - before[0]) + abs(strength - before[1]) < 1e-7:
            break
    mean, weight = _mean(logit), exp(strength)
    allowed = _allowed(told, logit)
    return Pool(mean, weight, tuple(_posterior(k, n, mean, weight, allowed) for k, n in counts))


def likelihood(counts: Sequence[tuple[int, int]], mean: float, strength: float) -> float:
    """The beta-binomial log-likelihood, without the terms that depend on the counts alone."""
    a, b = mean * strength, (1.0 - mean) * strength
    start = lgamma(strength) - lgamma(a) - lgamma(b)
    return sum(start + lgamma(k + a) + lgamma(n - k + b) - lgamma(n + strength) for k, n in counts)


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x below which Beta(a, b) has probability `p`; by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _allowed(told: Sequence[tuple[int, int]], logit: float) -> list[_Cell]:
    """Means and strengths with the weight that the counts and the prior give them, on a grid round the likeliest mean
    as wide as the counts leave it at each strength; what weighs nothing is left out.
    """
    spread = max(_mean(logit) * (1.0 - _mean(logit)), 1e-4)
    logs = []
    for row in range(_ROWS):
        at = _STRENGTH[0] + (_STRENGTH[1] - _STRENGTH[0]) * row / (_ROWS - 1)
        strength = exp(at)
        told_n = sum(n / (1.0 + (n - 1.0) / (strength + 1.0)) for _, n in told)  # at the design effect of the strength
        reach = 4.0 / sqrt(spread * told_n)
        low, high = max(_WIDEST[0], logit - reach), min(_WIDEST[1], logit + reach)
        for column in range(_COLUMNS):
            mean = _mean(low + (high - low) * column / (_COLUMNS - 1))
            prior = log(mean * (1.0 - mean)) - 0.5 * at + log(high - low)  # in logit and log strength
            logs.append((likelihood(told, mean, strength) + prior, mean, strength))
    top = max(value for value, _, _ in logs)
    cells = [(exp(value - top), mean, strength) for value, mean, strength in logs if value - top > -8.0]
    total = sum(weight for weight, _, _ in cells)
    return [(weight / total, mean, strength) for weight, mean, strength in cells]


def _posterior(k: int, n: int, mean: float, strength: float, allowed: Sequence[_Cell]) -> Pooled:
    share = (k + mean * strength) / (n + strength)
    first = second = 0.0
    for weight, m, s in allowed:
        own = (k + m * s) / (n + s)
        first += weight * own
        second += weight * (own * own + own * (1.0 - own) / (n + s + 1.0))
    size = first * (1.0 - first) / max(second - first * first, 1e-12) - 1.0
    a, b = max(first * size, 1e-3), max((1.0 - first) * size, 1e-3)
    return Pooled(k, n, share, min(share, beta_quantile(0.025, a, b)), max(share, beta_quantile(0.975, a, b)))


def _mean(logit: float) -> float:
    return 1.0 / (1.0 + exp(-logit))


def _highest(function: Callable[[float], float], between: tuple[float, float]) -> float:
    """Where `function`, which has one top there, is highest: golden-section search (Kiefer 1953)."""
    low, high = between
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_STEPS):
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
        else:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
    return (low + high) / 2.0
