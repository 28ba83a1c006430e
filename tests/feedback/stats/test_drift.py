"""Each drift test against an independent implementation, its false alarms and its power; and the causes."""

import math

import numpy as np
import pytest
from scipy import stats

from feedback.stats.drift import (
    MIN_SIZE,
    Residual,
    bunching,
    confidence_shift,
    mix_shift,
    rate_shift,
    residual_shift,
)
from feedback.stats.drift_causes import Cause, Detector, Known, likely_causes

RUNS = 400


def share_below(p_values: list[float | None], alpha: float) -> float:
    assert None not in p_values
    return sum(p is not None and p <= alpha for p in p_values) / len(p_values)


def test_the_stability_index_is_the_published_sum_and_p_is_scipys() -> None:
    rng = np.random.default_rng(1)
    old, new = rng.random(1000), rng.beta(2, 1, 500)
    found = confidence_shift(old.tolist(), new.tolist())
    edges = np.quantile(old, np.linspace(0, 1, 11)[1:-1])
    bins = [np.histogram(side, bins=[-1, *edges, 2])[0] + 0.5 for side in (old, new)]
    before, after = (counts / counts.sum() for counts in bins)
    expected = sum((a - b) * math.log(a / b) for a, b in zip(after, before, strict=True))
    assert found.effect == pytest.approx(expected)
    assert found.p_value == pytest.approx(stats.ks_2samp(old, new, method="asymp").pvalue)
    assert found.low is not None and found.high is not None and found.low <= expected <= found.high


def test_label_mix_is_pearsons_test_with_rare_labels_together() -> None:
    found = mix_shift(["a"] * 600 + ["b"] * 396 + ["x", "y", "z", "w"], ["a"] * 250 + ["b"] * 250)
    assert found.p_value == pytest.approx(stats.chi2_contingency([[600, 396, 4], [250, 250, 0]]).pvalue)
    assert mix_shift(["a"] * 200, ["a"] * 200).p_value == 1.0


def test_a_rate_is_fishers_test_with_newcombes_interval() -> None:
    found = rate_shift(56, 700, 48, 300)
    assert found.effect == pytest.approx(48 / 300 - 56 / 700)
    assert found.p_value == pytest.approx(stats.fisher_exact([[48, 252], [56, 644]]).pvalue)
    assert found.low is not None and found.low > 0.0


def test_residuals_without_weights_are_welchs_test() -> None:
    rng = np.random.default_rng(2)
    old, new = rng.normal(0, 0.3, 400), rng.normal(0.05, 0.5, 200)
    found = residual_shift([Residual(v) for v in old], [Residual(v) for v in new])
    welch = stats.ttest_ind(new, old, equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue, rel=1e-6)
    interval = welch.confidence_interval()
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


@pytest.mark.parametrize("size", [0, MIN_SIZE - 1])
def test_too_few_cases_say_so_and_give_no_number(size: int) -> None:
    half = [0.5] * size
    for found in (
        confidence_shift(half, half),
        mix_shift(["a"] * size, ["b"] * size),
        rate_shift(0, size, 0, size),
        residual_shift([Residual(0.1)] * size, [Residual(0.2)] * size),
        bunching([], bandwidth=0.05),
    ):
        assert found.effect is None and found.p_value is None and "Not enough data" in found.reason


def test_where_nothing_moved_each_test_errs_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)

    def residuals(n: int) -> list[Residual]:
        confidence, weight = rng.beta(8, 2, n), rng.choice([1.0, 5.0], n)
        right = rng.random(n) < confidence
        return [Residual(v, w) for v, w in zip(right - confidence, weight, strict=True)]

    confidences = [confidence_shift(rng.beta(8, 2, 3000), rng.beta(8, 2, 500)).p_value for _ in range(RUNS)]
    labels = [mix_shift(rng.choice(list("abc"), 3000), rng.choice(list("abc"), 500)).p_value for _ in range(RUNS)]
    right = [residual_shift(residuals(900), residuals(300)).p_value for _ in range(RUNS)]
    jumps = [bunching(rng.beta(8, 2, 3000) - 0.9, bandwidth=0.05).p_value for _ in range(RUNS)]
    for p_values in (confidences, labels, right, jumps):
        assert share_below(p_values, 0.05) <= 0.08
        assert share_below(p_values, 0.005) <= 0.02


def test_confidences_moved_just_over_the_threshold_are_found_and_a_steep_density_is_not() -> None:
    rng = np.random.default_rng(4)

    def pushed() -> np.ndarray:
        confidence = rng.beta(8, 2, 3000)
        cheats = (confidence > 0.85) & (confidence < 0.9) & (rng.random(3000) < 0.3)
        confidence[cheats] = 0.9 + rng.random(cheats.sum()) * 0.02
        return confidence - 0.9

    found = [bunching(pushed(), bandwidth=0.05) for _ in range(100)]
    assert sum((f.p_value or 1.0) < 1e-4 and (f.effect or 0.0) > 1.5 for f in found) >= 95
    steep = [bunching(rng.beta(20, 1.5, 3000) - 0.9, bandwidth=0.05).p_value for _ in range(200)]
    assert share_below(steep, 0.005) <= 0.03


def test_rounded_confidences_have_no_density_to_test() -> None:
    rounded = np.round(np.random.default_rng(5).beta(8, 2, 3000), 2) - 0.9
    assert "few values" in bunching(rounded, bandwidth=0.05).reason


D = Detector


@pytest.mark.parametrize(
    ("moved", "known", "causes"),
    [
        ([], Known(), []),
        ([D.CONFIDENCE], Known(), [Cause.INPUTS_MOVED]),
        ([D.LABELS, D.ROUTING], Known(), [Cause.INPUTS_MOVED]),
        ([D.CONFIDENCE, D.CALIBRATION], Known(worse=True), [Cause.TRAINING_SKEWED]),
        ([D.CONFIDENCE, D.CALIBRATION], Known(), [Cause.INPUTS_MOVED, Cause.CALIBRATION_STALE]),
        ([D.CALIBRATION], Known(by_outcomes=True), [Cause.CALIBRATION_STALE]),
        ([D.CALIBRATION, D.DIVERGENCE], Known(), [Cause.CALIBRATION_STALE, Cause.REVIEWERS_CHANGED]),
        ([D.DIVERGENCE], Known(), [Cause.REVIEWERS_CHANGED]),
        ([D.BUNCHING], Known(), [Cause.PROBING]),
        ([D.CONFIDENCE], Known(new_model=True), [Cause.NEW_MODEL]),
        ([D.ROUTING], Known(new_policy=True), [Cause.NEW_POLICY]),
        ([D.ROUTING], Known(), [Cause.INPUTS_MOVED]),
        ([D.ROUTING], Known(new_model=True), [Cause.INPUTS_MOVED]),
    ],
)
def test_what_moved_names_the_likely_cause(moved: list[Detector], known: Known, causes: list[Cause]) -> None:
    assert likely_causes(moved, known) == causes
