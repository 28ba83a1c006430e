"""Replay's estimates in a world whose truth is known, and in the degenerate ones."""

import numpy as np
import pytest

from feedback.stats.replay_estimates import Estimate, Sums, difference, error_rate, mean_cost, share

EXPLORATION = 0.1
LIVE, CANDIDATE = 0.8, 0.6
WRONG = {"truth is common": (0.02, 0.25), "errors are rare": (0.01, 0.05)}
"""Error of the cases live automates, and of those that only the candidate would."""


def a_history(rng: np.random.Generator, wrong: tuple[float, float], n: int = 3000) -> tuple[Sums, Sums, Sums]:
    """Sums of the candidate's errors, of the same ignoring how labels came about, and of its costs."""
    confidence = rng.uniform(size=n)
    machine = confidence >= LIVE
    errors = rng.uniform(size=n) < np.where(machine, *wrong)
    probability = np.where(machine, EXPLORATION, 1.0)
    labelled = rng.uniform(size=n) < probability
    costs = np.where(rng.uniform(size=n) < 0.3, 10.0, 1.0)
    weighted, naive, cost = Sums(), Sums(), Sums()
    for place in np.flatnonzero(confidence >= CANDIDATE):
        loss = float(errors[place]) if labelled[place] else None
        weighted.add(1.0 - EXPLORATION, loss, float(probability[place]))
        naive.add(1.0 - EXPLORATION, loss, 1.0)
        cost.add(1.0 - EXPLORATION, None if loss is None else loss * float(costs[place]), float(probability[place]))
    return weighted, naive, cost


def covers(found: Estimate, truth: float) -> bool:
    assert found.low is not None and found.high is not None
    return found.low <= truth <= found.high


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_intervals_cover_the_true_error_of_a_policy_that_never_ran(wrong: tuple[float, float]) -> None:
    rng = np.random.default_rng(7)
    truth = (wrong[0] * (1 - LIVE) + wrong[1] * (LIVE - CANDIDATE)) / (1 - CANDIDATE)
    worlds = [a_history(rng, wrong) for _ in range(500)]
    weighted = [error_rate(w) for w, _, _ in worlds]
    costs = [mean_cost(c, 10.0) for _, _, c in worlds]

    # 95 % nominal; 500 worlds give it a standard error of one point.
    assert np.mean([covers(e, truth) for e in weighted]) >= 0.93
    assert np.mean([covers(c, truth * (0.3 * 10 + 0.7)) for c in costs]) >= 0.92
    assert np.mean([e.value for e in weighted]) == pytest.approx(truth, rel=0.03)


def test_labels_taken_as_they_come_would_mislead() -> None:
    rng = np.random.default_rng(8)
    wrong = WRONG["truth is common"]
    truth = sum(wrong) / 2
    naive = [error_rate(n) for _, n, _ in (a_history(rng, wrong) for _ in range(50))]
    assert np.mean([covers(e, truth) for e in naive]) < 0.05


def test_the_interval_is_no_wider_than_a_sample_of_that_effective_size_needs() -> None:
    found = error_rate(a_history(np.random.default_rng(9), WRONG["truth is common"], 20_000)[0])
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.high - found.low < 2 * 2.2 * (found.value * (1 - found.value) / found.effective_n) ** 0.5


def test_with_every_label_known_it_is_the_plain_share_with_wilsons_interval() -> None:
    sums = Sums()
    for place in range(263):
        sums.add(1.0, float(place < 81), 1.0)
    found = error_rate(sums)
    # Newcombe 1998 (Statistics in Medicine 17), method 3: 81 of 263 gives 0.2553 to 0.3662.
    assert (found.value, found.low, found.high) == (
        pytest.approx(81 / 263), pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5),
    )  # fmt: skip
    assert found.effective_n == pytest.approx(263)


def test_no_error_seen_is_not_no_error() -> None:
    sums = Sums()
    for _ in range(100):
        sums.add(1.0, 0.0, 1.0)
    assert error_rate(sums).high == pytest.approx(0.0370, abs=5e-4)
    assert mean_cost(sums, 50.0).high == pytest.approx(50 * 0.0370, abs=0.02)


@pytest.mark.parametrize("labels, probability, given", [(29, 1.0, False), (30, 1.0, True), (0, 1.0, False)])
def test_below_an_effective_sample_size_of_30_there_is_no_estimate(
    labels: int, probability: float, given: bool
) -> None:
    sums = Sums()
    for _ in range(labels):
        sums.add(1.0, 0.0, probability)
    sums.add(1.0, None, 1.0)
    found = error_rate(sums)
    assert (found.value is not None) is given
    assert (found.reason is None) is given


def test_few_heavy_labels_do_not_count_as_many() -> None:
    sums = Sums()
    for _ in range(500):
        sums.add(1.0, 0.0, 1.0)
    for _ in range(10):
        sums.add(1.0, 1.0, 0.01)
    assert error_rate(sums).effective_n < 30
    assert "labels count as" in (error_rate(sums).reason or "")


def test_weights_beyond_a_hundred_are_clipped_and_counted() -> None:
    sums = Sums()
    for _ in range(40):
        sums.add(1.0, 1.0, 0.0001)
    assert error_rate(sums).clipped == 40
    assert sums.w == 40 * 100


def test_what_is_never_automated_says_nothing() -> None:
    sums = Sums()
    sums.add(0.0, 1.0, 1.0)
    assert error_rate(sums).reason == "No case would be automated."
    with pytest.raises(ValueError):
        sums.add(1.0, 1.0, 0.0)


def test_parts_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(1)
    parts = [a_history(rng, WRONG["errors are rare"])[0] for _ in range(3)]
    whole = Sums()
    for part in parts:
        whole.merge(part)
    assert whole.n == sum(p.n for p in parts)
    assert error_rate(whole).unlabelled == pytest.approx(1 - whole.covered / whole.expected)


def test_a_difference_reaches_over_both_intervals() -> None:
    # Newcombe 1998 (Statistics in Medicine 17:873), method 10: 56/70 - 48/80 = 0.2, 0.0524 to 0.3339.
    def of(wrong: int, n: int) -> Estimate:
        sums = Sums()
        for place in range(n):
            sums.add(1.0, float(place < wrong), 1.0)
        return error_rate(sums)

    assert difference(of(48, 80), of(56, 70)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert difference(of(1, 2), of(56, 70)) is None


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(0, 0).value is None
    assert share(81, 263).low == pytest.approx(0.2553, abs=5e-5)
