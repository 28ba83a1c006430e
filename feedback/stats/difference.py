"""Two proportions compared: the difference with an interval, in plain Python for the web process."""

from dataclasses import dataclass
from math import sqrt

from feedback.stats.bounds import Interval, wilson_interval

Measured = tuple[float, float, float]
"""A value and the low and high end of its interval."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share, possibly weighted: `share` of an effective `n` observations; null without any."""

    share: float | None
    n: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Difference:
    """First less second, -1 to 1, with its interval; null where either has no observations."""

    value: float | None
    low: float
    high: float


def proportion(pairs: list[tuple[bool, float]], confidence: float = 0.95) -> Proportion:
    """The weighted share of true ones. Each pair: the observation and its weight > 0.

    Hájek's ratio estimate; the effective size is Kish's 1965 (sum w)^2 / sum w^2, the interval Wilson's at that size.
    """
    total = sum(weight for _, weight in pairs)
    if total <= 0.0:
        return Proportion(None, 0.0, Interval(0.0, 1.0))
    share = sum(weight for true, weight in pairs if true) / total
    n = total * total / sum(weight * weight for _, weight in pairs)
    return Proportion(share, n, wilson_interval(min(share * n, n), n, confidence))


def difference(first: Proportion, second: Proportion) -> Difference:
    """First less second by `newcombe`."""
    if first.share is None or second.share is None:
        return Difference(None, -1.0, 1.0)
    value, low, high = newcombe((first.share, *first.interval), (second.share, *second.interval))
    return Difference(value, max(-1.0, low), min(1.0, high))


def newcombe(first: Measured, second: Measured) -> Measured:
    """First less second with its interval, from the interval of each (Newcombe 1998, Statistics in Medicine 17:873,
    method 10; any estimates, not proportions alone). Takes the two for independent.
    """
    (one, one_low, one_high), (other, other_low, other_high) = first, second
    value = one - other
    low = value - sqrt((one - one_low) ** 2 + (other_high - other) ** 2)
    high = value + sqrt((one_high - one) ** 2 + (other - other_low) ** 2)
    return value, low, high
