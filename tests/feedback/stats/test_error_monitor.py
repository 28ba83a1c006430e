"""The test by betting: its risk over whole lives at the budget's boundary, its power, and its confidence sequence."""

import random
from collections import Counter
from itertools import accumulate
from math import prod

import pytest

from feedback.stats.error_monitor import (
    BUDGET_MULTIPLES,
    Draw,
    audits_needed,
    confidence_sequence,
    e_values,
    estimated_error,
    read_monitor,
)

BUDGET, DELTA = 0.02, 0.05
# Kinds of cases: probability of being drawn, share of all cases, error as a multiple of the mean error.
EQUAL = ((0.1, 1.0, 1.0),)
UNEQUAL = ((0.05, 0.7, 1.0), (0.2, 0.3, 1.0))
RARELY_SEEN_ERR_MORE = ((0.05, 0.5, 1.5), (0.3, 0.5, 0.5))
OFTEN_SEEN_ERR_MORE = ((0.05, 0.5, 0.5), (0.3, 0.5, 1.5))
Kinds = tuple[tuple[float, float, float], ...]


def stream(rng: random.Random, n: int, error: float, kinds: Kinds) -> list[Draw]:
    """`n` draws from cases whose mean error is `error`."""
    chances = [p * share for p, share, _ in kinds]
    picked = rng.choices(kinds, weights=chances, k=n)
    return [Draw(p, rng.random() < error * multiple) for p, _, multiple in picked]


def refuted_after(draws: list[Draw], floor: float) -> int | None:
    values = e_values(draws, budget=BUDGET, floor=floor)
    return next((n for n, value in enumerate(values, 1) if value >= 1.0 / DELTA), None)


@pytest.mark.parametrize("kinds", [EQUAL, UNEQUAL, RARELY_SEEN_ERR_MORE, OFTEN_SEEN_ERR_MORE])
def test_at_the_budget_at_most_delta_of_a_thousand_lives_ever_raise_an_alarm(kinds: Kinds) -> None:
    rng, floor = random.Random(20), min(p for p, _, _ in kinds)
    alarms = sum(refuted_after(stream(rng, 800, BUDGET, kinds), floor) is not None for _ in range(1000))
    assert alarms <= DELTA * 1000


@pytest.mark.parametrize(("kinds", "within"), [(EQUAL, 450), (UNEQUAL, 550), (RARELY_SEEN_ERR_MORE, 950)])
def test_an_error_of_three_budgets_is_refuted_within_the_audits_stated(kinds: Kinds, within: int) -> None:
    rng, floor = random.Random(3), min(p for p, _, _ in kinds)
    after = [refuted_after(stream(rng, within, 3 * BUDGET, kinds), floor) for _ in range(300)]
    assert sum(n is not None for n in after) >= 0.95 * 300


def test_a_change_after_a_long_good_past_is_found_too() -> None:
    rng, good = random.Random(4), 5000
    after = [
        refuted_after(stream(rng, good, BUDGET / 2, EQUAL) + stream(rng, 1000, 3 * BUDGET, EQUAL), 0.1)
        for _ in range(100)
    ]
    assert sum(n is not None and n > good for n in after) >= 95


def test_the_confidence_sequence_holds_the_error_at_every_moment_in_almost_all_lives() -> None:
    rng, missed = random.Random(5), 0
    for _ in range(200):
        draws = stream(rng, 300, 0.05, OFTEN_SEEN_ERR_MORE)
        points = read_monitor(draws, budget=BUDGET, delta=DELTA, floor=0.05).points
        missed += any(not point.low <= 0.05 <= point.high for point in points)
    assert missed <= DELTA * 200


def test_the_first_hundred_draws_are_the_mean_of_plain_wagers_and_of_what_is_not_yet_bet() -> None:
    draws = [Draw(0.1, n % 7 == 0) for n in range(60)]
    alternatives = [multiple * BUDGET for multiple in BUDGET_MULTIPLES]
    # Equal probabilities: a wager made for the error q is the likelihood ratio of q against the budget.
    ratios = [prod(q / BUDGET if draw.wrong else (1 - q) / (1 - BUDGET) for draw in draws) for q in alternatives]
    expected = 0.5 + 0.5 * sum(ratios) / len(ratios)
    assert e_values(draws, budget=BUDGET, floor=0.1)[-1] == pytest.approx(expected)


def test_audits_that_wait_never_raise_the_evidence_and_their_order_of_arrival_does_not_matter() -> None:
    rng = random.Random(6)
    whole = stream(rng, 300, 0.1, UNEQUAL)
    late = [Draw(draw.probability, None if rng.random() < 0.3 else draw.wrong) for draw in whole]
    pairs = zip(e_values(late, budget=BUDGET, floor=0.05), e_values(whole, budget=BUDGET, floor=0.05), strict=True)
    assert all(waiting <= known for waiting, known in pairs)
    reading = read_monitor(late, budget=BUDGET, delta=DELTA, floor=0.05)
    assert reading.waiting == sum(draw.wrong is None for draw in late)
    assert reading.judged + reading.waiting == 300


def test_the_estimate_weighs_every_audit_by_its_inverse_probability() -> None:
    draws = [Draw(0.1, True), Draw(0.5, False), Draw(0.5, False)]
    [*_, last] = read_monitor(draws, budget=BUDGET, delta=DELTA, floor=0.1).points
    assert last.estimate == pytest.approx(10 / 14)
    assert last.low <= last.estimate <= last.high


def test_the_peak_decides_so_that_good_audits_later_take_no_refutation_back() -> None:
    bad, good = [Draw(1.0, True)] * 10, [Draw(1.0, False)] * 2000
    reading = read_monitor(bad + good, budget=BUDGET, delta=DELTA, floor=1.0)
    assert reading.refuted and reading.peak >= 20.0 > reading.e_value
    highs = list(accumulate(e_values(bad + good, budget=BUDGET, floor=1.0), max))
    assert reading.peak == highs[-1]


def test_without_audits_nothing_is_known_and_nothing_refuted() -> None:
    reading = read_monitor([], budget=BUDGET, delta=DELTA, floor=0.05)
    assert (reading.e_value, reading.refuted, reading.enough, reading.points) == (1.0, False, False, ())
    [point] = read_monitor([Draw(0.05, None)], budget=BUDGET, delta=DELTA, floor=0.05).points
    assert (point.estimate, point.low, point.high) == (None, 0.0, 1.0)


def test_only_wrong_audits_leave_an_interval_at_one_and_only_right_ones_at_nought() -> None:
    low, high = confidence_sequence(Counter({(0.5, True): 50}), delta=DELTA, floor=0.5)
    assert 0.5 < low < high == 1.0
    low, high = confidence_sequence(Counter({(0.5, False): 300}), delta=DELTA, floor=0.5)
    assert 0.0 == low < high < 0.05
    assert estimated_error(Counter()) is None


@pytest.mark.parametrize(
    ("budget", "delta", "floor"), [(0.0, 0.05, 0.1), (1.0, 0.05, 0.1), (0.02, 0.0, 0.1), (0.02, 0.05, 0.6)]
)
def test_what_lies_outside_its_range_is_refused(budget: float, delta: float, floor: float) -> None:
    with pytest.raises(ValueError, match="must lie"):
        read_monitor([Draw(0.5, False)], budget=budget, delta=delta, floor=floor)


def test_about_two_hundred_audits_are_needed_before_a_budget_of_two_percent_counts_as_watched() -> None:
    assert audits_needed(0.02, 0.05) == 199
    assert audits_needed(0.01, 0.05) > 300
    assert audits_needed(0.6, 0.05) > 0
