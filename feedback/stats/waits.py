"""Percentiles of times that are kept as counts in buckets, so that hours of them add up. Plain Python.

Bucket 0 holds what took under a second; bucket k from 2^((k-1)/2) up to 2^(k/2) seconds; the last has no end. A value
is so known to a factor of the square root of two, whatever the number of cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, sqrt
from statistics import NormalDist

BUCKETS = 43
"""The last begins at 2^20.5 seconds, seventeen days."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile in seconds with its 95 % interval; value null without a case, high null where it has no end."""

    share: float
    value: float | None
    low: float | None
    high: float | None
    n: int


def edges(bucket: int) -> tuple[float, float | None]:
    """Where a bucket begins and ends, in seconds; the last has no end."""
    low = 0.0 if bucket == 0 else 2.0 ** ((bucket - 1) / 2)
    return low, None if bucket >= BUCKETS - 1 else 2.0 ** (bucket / 2)


def bucket_of(seconds: float) -> int:
    """The bucket that holds this time."""
    return 0 if seconds < 1.0 else min(BUCKETS - 1, 1 + int(2.0 * log2(seconds)))


def quantile(counts: Sequence[int], share: float, confidence: float = 0.95) -> Quantile:
    """The time under which `share` (0 to 1, both excluded) of the counted cases lie.

    The value is interpolated within its bucket. The interval is that of the order statistics (Conover 1999, Practical
    Nonparametric Statistics, 3.2; normal approximation of the ranks), widened to the ends of their buckets. Null
    without any case.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must lie strictly between 0 and 1, not {share!r}")
    n = sum(counts)
    if n == 0:
        return Quantile(share, None, None, None, 0)
    spread = NormalDist().inv_cdf((1.0 + confidence) / 2.0) * sqrt(n * share * (1.0 - share))
    low, _ = edges(_bucket_of(counts, max(0.0, n * share - spread)))
    _, high = edges(_bucket_of(counts, min(n, n * share + spread + 1.0)))
    return Quantile(share, _interpolated(counts, n * share), low, high, n)


def _bucket_of(counts: Sequence[int], rank: float) -> int:
    """The first bucket up to which at least `rank` cases lie."""
    below = 0
    filled = 0
    for bucket, count in enumerate(counts):
        if count:
            filled = bucket
            below += count
            if below >= rank:
                return bucket
    return filled


def _interpolated(counts: Sequence[int], rank: float) -> float:
    bucket = _bucket_of(counts, rank)
    low, high = edges(bucket)
    before = sum(counts[:bucket])
    return low if high is None else low + (high - low) * (rank - before) / counts[bucket]
