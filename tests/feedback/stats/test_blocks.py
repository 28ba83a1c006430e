"""Blocks as observations: Welch's interval against scipy, and what counting cases instead would claim."""

import random

import pytest
from scipy import stats

from feedback.stats.blocks import block_difference, paired_difference
from feedback.stats.difference import newcombe
from feedback.stats.replay_estimates import share


def test_it_is_welchs_interval_of_scipy() -> None:
    first, second = [0.31, 0.42, 0.28, 0.39, 0.35, 0.30], [0.22, 0.27, 0.35, 0.20, 0.24]
    found = block_difference(first, second)
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(sum(first) / 6 - sum(second) / 5)
    assert found.low == pytest.approx(expected.low, abs=0.002) and found.high == pytest.approx(expected.high, abs=0.002)
    assert found.low is not None and found.low <= expected.low, "degrees rounded down: never narrower"


def test_blocks_that_differ_among_themselves_are_covered_where_counting_cases_is_not() -> None:
    rng = random.Random(21)
    by_block = by_case = 0
    for _ in range(300):
        arms = []
        for _arm in range(2):
            rates = [min(0.95, max(0.05, rng.gauss(0.3, 0.08))) for _ in range(8)]
            arms.append([sum(rng.random() < rate for _ in range(200)) for rate in rates])
        found = block_difference([k / 200 for k in arms[0]], [k / 200 for k in arms[1]])
        by_block += found.low is not None and found.high is not None and found.low <= 0.0 <= found.high
        one, other = (share(sum(arm), 1600) for arm in arms)
        _, low, high = newcombe(*((s.value or 0.0, s.low or 0.0, s.high or 0.0) for s in (one, other)))
        by_case += low <= 0.0 <= high
    assert by_block >= 0.93 * 300 and by_case < 0.75 * 300


def test_too_few_blocks_are_refused_and_equal_ones_differ_by_nothing() -> None:
    assert "too few" in (block_difference([0.1] * 3, [0.2] * 9).reason or "")
    assert block_difference([0.5] * 4, [0.25] * 4).low == 0.25


def test_pairs_count_where_the_two_part() -> None:
    # 15 and 5 of 100 pairs, worked by hand after Agresti & Min 2005.
    found = paired_difference(15, 5, 100)
    assert found is not None
    value, low, high = found
    assert value == 0.1 and low == pytest.approx(10 / 102 - 1.959964 * (21 - 100 / 102) ** 0.5 / 102)
    assert high == pytest.approx(10 / 102 + 1.959964 * (21 - 100 / 102) ** 0.5 / 102)
    assert paired_difference(0, 0, 0) is None


def test_the_interval_of_pairs_covers() -> None:
    rng, held = random.Random(22), 0
    for _ in range(400):
        draws = [rng.random() for _ in range(150)]
        found = paired_difference(sum(d < 0.12 for d in draws), sum(d > 0.95 for d in draws), 150)
        held += found is not None and found[1] <= 0.07 <= found[2]
    assert held >= 0.93 * 400
