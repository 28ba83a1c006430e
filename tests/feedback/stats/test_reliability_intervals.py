"""Intervals of calibration error, Brier score and log loss hold the true values as often as they say."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from feedback.stats.calibration_fit import Floats
from feedback.stats.reliability import reliability
from feedback.stats.reliability_intervals import metric_intervals

STATED = np.array([0.65, 0.85, 0.95])


def drawn(seed: int, truth: Floats, n: int = 600) -> tuple[Floats, list[bool]]:
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 3, n)
    return STATED[which], (rng.random(n) < truth[which]).tolist()


def share_that_hold(truth: Floats, name: str, value: float, redraws: int = 100) -> float:
    found = [metric_intervals(*drawn(seed, truth), np.ones(600), seed=0)[name] for seed in range(redraws)]
    return sum(low <= value <= high for low, high in found) / redraws


@pytest.mark.parametrize("off", [0.0, 0.03, 0.08, 0.15])
def test_the_interval_of_the_calibration_error_holds_the_true_one(off: float) -> None:
    assert share_that_hold(STATED - off, "ece", off) >= 0.9


def test_the_intervals_of_brier_and_log_loss_hold_the_true_ones() -> None:
    truth = STATED - 0.1
    brier = float(np.mean(truth * (1 - STATED) ** 2 + (1 - truth) * STATED**2))
    loss = float(-np.mean(truth * np.log(STATED) + (1 - truth) * np.log(1 - STATED)))
    assert share_that_hold(truth, "brier", brier) >= 0.9
    assert share_that_hold(truth, "log_loss", loss) >= 0.9


def test_brier_without_weights_is_the_interval_of_a_mean() -> None:
    confidences, correct = drawn(1, STATED, 5_000)
    squares = (confidences - np.array(correct)) ** 2
    expected = DescrStatsW(squares).zconfint_mean()
    assert metric_intervals(confidences, correct, np.ones(5_000), seed=0)["brier"] == pytest.approx(expected, rel=1e-3)


def test_the_intervals_hold_what_is_measured_and_unequal_weights_widen_them() -> None:
    confidences, correct = drawn(2, STATED - 0.1)
    equal = metric_intervals(confidences, correct, np.ones(600), seed=0)
    unequal = metric_intervals(confidences, correct, np.where(np.arange(600) % 10 == 0, 20.0, 1.0), seed=0)
    measured = reliability(confidences.tolist(), correct)
    for name, value in (("ece", measured.ece), ("brier", measured.brier), ("log_loss", measured.log_loss)):
        assert value is not None and equal[name][0] <= value <= equal[name][1]
        assert unequal[name][1] - unequal[name][0] > equal[name][1] - equal[name][0]


def test_fewer_than_two_records_have_no_interval() -> None:
    assert metric_intervals([0.9], [True], [1.0], seed=0) == {}
