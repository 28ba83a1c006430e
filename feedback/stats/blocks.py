"""Two arms compared by blocks of time, each one observation, and by pairs of answers to one case. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, variance

from feedback.stats.bounds import student_quantile

FEWEST_BLOCKS = 4
"""In each arm; with fewer no interval is given."""


@dataclass(frozen=True, slots=True)
class BlockDifference:
    """First less second; null with the reason where there are too few blocks. n: blocks of each."""

    value: float | None
    low: float | None
    high: float | None
    n_first: int
    n_second: int
    reason: str | None


def block_difference(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> BlockDifference:
    """The difference of the arms' mean block, with Welch's interval (Welch 1947; degrees of freedom rounded down).

    Cases within a block share its reviewers, its backlog and its time of day, so the block is what was assigned and
    what is counted (Bojinov, Simchi-Levi & Zhao 2023 on switchback experiments). Blocks are taken for independent.
    """
    n, m = len(first), len(second)
    if min(n, m) < FEWEST_BLOCKS:
        reason = f"{n} and {m} blocks are too few; it takes {FEWEST_BLOCKS} of each."
        return BlockDifference(None, None, None, n, m, reason)
    value = fmean(first) - fmean(second)
    one, other = variance(first) / n, variance(second) / m
    if one + other == 0.0:
        return BlockDifference(value, value, value, n, m, None)
    degrees = (one + other) ** 2 / (one * one / (n - 1) + other * other / (m - 1))
    half = student_quantile((1.0 + confidence) / 2.0, max(1, int(degrees))) * sqrt(one + other)
    return BlockDifference(value, value - half, value + half, n, m, None)


def paired_difference(only_first: int, only_second: int, n: int) -> tuple[float, float, float] | None:
    """P(first) - P(second) over n pairs of which so many say yes in one only, with a 95 % interval; null without pairs.

    Agresti & Min 2005 (Statistics in Medicine 24:729): Wald's interval with half an observation more in each cell.
    """
    if n == 0:
        return None
    more, less, pairs = only_first + 0.5, only_second + 0.5, n + 2.0
    centre = (more - less) / pairs
    half = NormalDist().inv_cdf(0.975) * sqrt(max(0.0, more + less - (more - less) ** 2 / pairs)) / pairs
    return (only_first - only_second) / n, max(-1.0, centre - half), min(1.0, centre + half)
