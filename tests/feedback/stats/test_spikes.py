"""A rate against its own past: the exact conditional test, its arithmetic and its false alarms."""

import random

import pytest
from scipy.stats import binom

from feedback.stats.spikes import spike


@pytest.mark.parametrize(
    "recent, past, exposures, alarm",
    [
        (0, 0, (100, 2800), False),
        (3, 84, (100, 2800), False),  # the same rate
        (20, 84, (100, 2800), True),  # 20 where 3 are expected
        (4, 0, (100, 2800), False),  # too few to be called a spike
        (6, 0, (100, 2800), True),
        (20, 84, (100, 0), False),  # no past, no verdict
        (20, 84, (700, 2800), False),  # seven times the decisions, so 21 are expected
    ],
)
def test_the_verdict(recent: int, past: int, exposures: tuple[float, float], alarm: bool) -> None:
    assert spike(recent, past, recent_exposure=exposures[0], past_exposure=exposures[1]).alarm is alarm


@pytest.mark.parametrize("recent", [1, 2, 7, 30])
@pytest.mark.parametrize("past", [0, 1, 15, 200])
def test_the_p_value_is_the_binomial_tail(recent: int, past: int) -> None:
    found = spike(recent, past, recent_exposure=24.0, past_exposure=24.0 * 28)
    assert found.p_value == pytest.approx(binom.sf(recent - 1, recent + past, 1 / 29), rel=1e-9)


@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0])
def test_false_alarms_come_no_more_often_than_declared(mean: float) -> None:
    """8,000 windows of an unchanged Poisson rate at alpha = 0.01, so that chance can be told from fault."""
    draw = random.Random(7)

    def poisson(rate: float) -> int:
        count, time = 0, draw.expovariate(1.0)
        while time < rate:
            count, time = count + 1, time + draw.expovariate(1.0)
        return count

    looks = 8_000
    alarms = sum(
        spike(poisson(mean), poisson(mean * 8), recent_exposure=1.0, past_exposure=8.0, alpha=0.01, min_count=1).alarm
        for _ in range(looks)
    )
    assert alarms / looks <= 0.01 + 3 * (0.01 * 0.99 / looks) ** 0.5


def test_a_tripled_rate_is_found_mostly() -> None:
    draw = random.Random(3)
    found = 0
    for _ in range(300):
        recent = sum(draw.random() < 0.06 for _ in range(500))
        past = sum(draw.random() < 0.02 for _ in range(4_000))
        found += spike(recent, past, recent_exposure=500, past_exposure=4_000).alarm
    assert found > 250


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        spike(-1, 0, recent_exposure=1, past_exposure=1)
