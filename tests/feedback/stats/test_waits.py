"""Percentiles from buckets: within a factor of √2, with intervals that hold the true percentile."""

import random
from math import exp, sqrt

import numpy as np
import pytest

from feedback.stats.waits import BUCKETS, bucket_of, edges, quantile


def counted(times: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for seconds in times:
        counts[bucket_of(seconds)] += 1
    return counts


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_percentile_is_numpys_to_a_factor_of_the_root_of_two(share: float) -> None:
    rng = random.Random(4)
    times = [exp(rng.gauss(6.0, 1.5)) for _ in range(4000)]
    found = quantile(counted(times), share)
    true = float(np.quantile(times, share))
    assert found.value is not None and true / sqrt(2.0) <= found.value <= true * sqrt(2.0)


def test_the_interval_holds_the_true_median_in_at_least_95_of_100_worlds() -> None:
    rng = random.Random(5)
    held = 0
    for _ in range(300):
        found = quantile(counted([exp(rng.gauss(6.0, 1.5)) for _ in range(60)]), 0.5)
        assert found.low is not None and found.high is not None
        held += found.low <= exp(6.0) <= found.high
    assert held >= 285


def test_nothing_one_and_the_very_long() -> None:
    assert quantile([0] * BUCKETS, 0.5).value is None
    one = quantile(counted([10.0]), 0.5)
    assert one.value is not None and one.low is not None and one.low <= 10.0 <= (one.high or 0.0) and one.n == 1
    assert quantile(counted([1e9]), 0.5).high is None
    with pytest.raises(ValueError, match="strictly between"):
        quantile([1], 1.0)


def test_buckets_meet_without_gaps() -> None:
    for bucket in range(BUCKETS - 1):
        assert edges(bucket)[1] == edges(bucket + 1)[0]
