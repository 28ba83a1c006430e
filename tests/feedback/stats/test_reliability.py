"""Calibration error, Brier score, log loss and the bars of the reliability diagram."""

import random

import numpy as np
import pytest
from mapie.metrics.calibration import expected_calibration_error
from sklearn.metrics import brier_score_loss, log_loss

from feedback.stats.bounds import wilson_interval
from feedback.stats.reliability import reliability


def test_a_worked_example() -> None:
    result = reliability([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], [True, True, True, False, True, False], bins=10)
    assert result.ece == pytest.approx((4 * 0.20 + 2 * 0.05) / 6)
    top = result.bins[9]
    assert (top.n, top.accuracy, top.confidence) == (4, 0.75, pytest.approx(0.95))
    assert (top.low, top.high) == pytest.approx(wilson_interval(3, 4))
    assert result.bins[0].n == 0 and result.bins[0].accuracy is None


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_agree_with_scikit_learn(weighted: bool) -> None:
    rng = random.Random(2)
    confidences = [rng.random() for _ in range(2_000)]
    correct = [rng.random() < c for c in confidences]
    weights = [rng.uniform(1, 20) for _ in confidences] if weighted else None
    result = reliability(confidences, correct, weights)
    assert result.brier == pytest.approx(brier_score_loss(correct, confidences, sample_weight=weights))
    assert result.log_loss == pytest.approx(log_loss(correct, confidences, sample_weight=weights))
    assert result.ece is not None and result.ece < 0.08
    assert sum(cell.n for cell in result.bins) == 2_000


@pytest.mark.parametrize("bins", [10, 15])
def test_calibration_error_agrees_with_mapie(bins: int) -> None:
    rng = random.Random(4)
    confidences = [rng.betavariate(4, 1.5) for _ in range(3_000)]
    correct = [rng.random() < c**2 for c in confidences]
    oracle = expected_calibration_error(
        np.array(correct, dtype=int), np.array(confidences), num_bins=bins, split_strategy="uniform"
    )
    assert reliability(confidences, correct, bins=bins).ece == pytest.approx(oracle, abs=1e-12)


def test_unequal_weights_widen_the_bars() -> None:
    confidences, correct = [0.75] * 100, [index % 4 > 0 for index in range(100)]
    equal = reliability(confidences, correct).bins[7]
    unequal = reliability(confidences, correct, ([1.0] * 4 + [10.0] * 4) * 12 + [1.0] * 4).bins[7]
    assert equal.low is not None and unequal.low is not None and equal.high is not None and unequal.high is not None
    assert unequal.high - unequal.low > equal.high - equal.low


def test_certainty_counts_in_the_last_bin_and_its_loss_is_finite() -> None:
    result = reliability([1.0, 0.0], [False, True])
    assert (result.bins[9].n, result.bins[0].n, result.ece, result.brier) == (1, 1, 1.0, 1.0)
    assert result.log_loss == pytest.approx(13.8155, abs=1e-3)


def test_no_records_give_no_figures() -> None:
    result = reliability([], [])
    assert (result.n, result.ece, result.brier, result.log_loss) == (0, None, None, None)
    assert len(result.bins) == 10 and all(cell.accuracy is None for cell in result.bins)


@pytest.mark.parametrize(
    "confidences, correct, bins", [([1.1], [True], 10), ([0.5], [], 10), ([float("nan")], [True], 10), ([], [], 0)]
)
def test_bad_input_is_refused(confidences: list[float], correct: list[bool], bins: int) -> None:
    with pytest.raises(ValueError):
        reliability(confidences, correct, bins=bins)
