"""A fitted map makes confidences honest, equals independent implementations, and is refused where data are too few."""

import numpy as np
import numpy.typing as npt
import pytest
from betacal import BetaCalibration
from scipy.special import expit, logit
from sklearn.calibration import _sigmoid_calibration, _TemperatureScaling
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from feedback.stats.calibration_fit import FITTERS, fit_calibration, predict
from feedback.stats.reliability import reliability
from routing.engine.calibration import CalibrationMap, CalibrationMethod

Floats = npt.NDArray[np.float64]
ASKED = np.linspace(0.01, 0.99, 99)


def overconfident(
    n: int, *, seed: int = 1, temperature: float = 2.0, shift: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """Scores whose true log-odds are `logit(score) / temperature + shift`, and weights between 1 and 3."""
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.beta(5, 1.5, n), 0.001, 0.999)
    correct = rng.random(n) < expit(logit(scores) / temperature + shift)
    return scores, correct.astype(float), rng.uniform(1, 3, n)


def fitted(method: CalibrationMethod, x: Floats, y: Floats, w: Floats) -> CalibrationMap:
    parameters = FITTERS[method](x, y, w / w.mean())
    assert parameters is not None
    return CalibrationMap(method, parameters, None, len(x))


def test_platt_equals_scikit_learn() -> None:
    x, y, w = overconfident(3_000, shift=-0.4)
    slope, intercept = _sigmoid_calibration(logit(x), y, w / w.mean())
    found = predict(fitted(CalibrationMethod.PLATT, x, y, w), ASKED)
    assert found == pytest.approx(expit(-(slope * logit(ASKED) + intercept)), abs=1e-4)


def test_temperature_equals_scikit_learn() -> None:
    x, y, w = overconfident(3_000)
    oracle = _TemperatureScaling().fit(np.column_stack([1 - x, x]), y, w)
    found = predict(fitted(CalibrationMethod.TEMPERATURE, x, y, w), ASKED)
    assert found == pytest.approx(oracle.predict(np.column_stack([1 - ASKED, ASKED]))[:, 1], abs=1e-4)


@pytest.mark.parametrize("seed, temperature, shift", [(1, 2.0, 0.0), (2, 0.7, -0.5), (3, 1.0, 1.0)])
def test_beta_equals_its_authors_implementation(seed: int, temperature: float, shift: float) -> None:
    x, y, w = overconfident(4_000, seed=seed, temperature=temperature, shift=shift)
    found = predict(fitted(CalibrationMethod.BETA, x, y, w), ASKED)
    # The authors' optimiser stops early, hence the loose bound; the same regression run to the end gives the tight one.
    assert found == pytest.approx(BetaCalibration("abm").fit(x, y, w / w.mean()).predict(ASKED), abs=5e-3)
    exact = LogisticRegression(C=1e11, tol=1e-10, solver="newton-cholesky")
    exact.fit(np.column_stack([np.log(x), -np.log(1 - x)]), y, w / w.mean())
    asked = np.column_stack([np.log(ASKED), -np.log(1 - ASKED)])
    assert found == pytest.approx(exact.predict_proba(asked)[:, 1], abs=1e-6)


def test_isotonic_equals_scikit_learn() -> None:
    x, y, w = overconfident(4_000)
    oracle = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, y, w)
    assert predict(fitted(CalibrationMethod.ISOTONIC, x, y, w), ASKED) == pytest.approx(oracle.predict(ASKED), abs=1e-9)


@pytest.mark.parametrize("method", list(FITTERS))
def test_the_map_that_serves_is_the_map_that_was_judged(method: CalibrationMethod) -> None:
    mapping = fitted(method, *overconfident(2_000))
    asked = np.concatenate([ASKED, [0.0, 1.0, 1e-9]])
    assert [mapping.apply(value) for value in asked.tolist()] == pytest.approx(
        predict(mapping, asked).tolist(), abs=1e-12
    )


def test_honest_scores_are_left_alone() -> None:
    x, y, _ = overconfident(3_000, seed=4, temperature=1.0)
    fit = fit_calibration(x, y == 1, seed=0)
    assert fit.map is not None and fit.map.method is CalibrationMethod.IDENTITY
    assert [candidate.method for candidate in fit.candidates] == list(FITTERS)


def test_overconfident_scores_are_corrected_by_the_simplest_family_that_does_it() -> None:
    x, y, _ = overconfident(8_000)
    fit = fit_calibration(x, y == 1, seed=0)
    assert fit.map is not None and fit.map.method is CalibrationMethod.TEMPERATURE
    assert fit.map.parameters["temperature"] == pytest.approx(2.0, abs=0.15)
    fresh_x, fresh_y, _ = overconfident(8_000, seed=9)
    before = reliability(fresh_x.tolist(), (fresh_y == 1).tolist())
    after = reliability([fit.map.apply(score) for score in fresh_x.tolist()], (fresh_y == 1).tolist())
    assert (
        before.ece is not None and after.ece is not None and before.log_loss is not None and after.log_loss is not None
    )
    assert after.ece < 0.02 < 0.08 < before.ece
    assert after.log_loss < before.log_loss


def test_a_shape_no_formula_has_is_left_to_isotonic() -> None:
    rng = np.random.default_rng(2)
    x = rng.random(20_000)
    fit = fit_calibration(x, rng.random(20_000) < np.where(x < 0.3, 0.1, np.where(x < 0.8, 0.5, 0.95)), seed=0)
    assert fit.map is not None and fit.map.method is CalibrationMethod.ISOTONIC
    assert fit.map.apply(0.55) == pytest.approx(0.5, abs=0.03)


def test_weights_undo_selection() -> None:
    """Half of the wrong answers were never looked at; weighting the rest by two restores the truth."""
    x, y, _ = overconfident(20_000)
    keep = (y == 1) | (np.random.default_rng(5).random(20_000) < 0.5)
    fit = fit_calibration(x[keep], y[keep] == 1, np.where(y[keep] == 1, 1.0, 2.0), seed=0)
    assert fit.map is not None and fit.n == keep.sum() > fit.effective_n
    assert predict(fit.map, ASKED[50:]) == pytest.approx(expit(logit(ASKED[50:]) / 2), abs=0.03)


def test_the_same_seed_gives_the_same_fit() -> None:
    x, y, w = overconfident(1_500)
    assert fit_calibration(x, y == 1, w, seed=3) == fit_calibration(x.tolist(), (y == 1).tolist(), w.tolist(), seed=3)


@pytest.mark.parametrize(
    "n, wrong, weights",
    [(0, 0, None), (99, 50, None), (500, 4, None), (500, 497, None), (200, 100, [50.0] + [0.1] * 199)],
)
def test_too_few_records_give_no_map_and_the_reason(n: int, wrong: int, weights: list[float] | None) -> None:
    fit = fit_calibration([0.8] * n, [index >= wrong for index in range(n)], weights, seed=0)
    assert fit.map is None and fit.candidates == ()
    assert fit.reason is not None and "not enough data" in fit.reason


def test_isotonic_waits_for_a_thousand_records() -> None:
    x, y, _ = overconfident(999)
    isotonic = fit_calibration(x, y == 1, seed=0).candidates[-1]
    assert (isotonic.method, isotonic.log_loss) == (CalibrationMethod.ISOTONIC, None)
    assert isotonic.reason is not None and "1000" in isotonic.reason


def test_scores_that_run_the_wrong_way_never_give_a_falling_map() -> None:
    rng = np.random.default_rng(3)
    x = rng.random(3_000)
    fit = fit_calibration(x, rng.random(3_000) > x, seed=0)
    reasons = {candidate.method: candidate.reason for candidate in fit.candidates}
    assert reasons[CalibrationMethod.PLATT] is not None and reasons[CalibrationMethod.TEMPERATURE] is not None
    assert fit.map is not None and fit.map.apply(0.9) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("falling", [0.0, 3.0])
def test_a_small_sample_whose_scores_say_nothing_is_calibrated_to_its_share_of_right_ones(falling: float) -> None:
    """Too few for isotonic: without a flat map the claimed confidences would stand, four times too high."""
    rng = np.random.default_rng(6)
    x = rng.uniform(0.3, 0.95, 600)
    y = rng.random(600) < expit(-1.7 - falling * (x - 0.6))
    fit = fit_calibration(x, y, seed=0)
    assert fit.map is not None
    assert predict(fit.map, np.linspace(0.3, 0.95, 9)) == pytest.approx([y.mean()] * 9, abs=0.06)


@pytest.mark.parametrize("scores", [[0.0, 1.0] * 200, [1.0] * 400, [0.4] * 200 + [0.6] * 200])
def test_extreme_and_separable_scores_still_give_a_safe_map(scores: list[float]) -> None:
    correct = [index >= 200 or index % 4 == 0 for index in range(400)]
    fit = fit_calibration(scores, correct, seed=0)
    assert fit.map is not None and 0.0 <= fit.map.apply(0.0) <= fit.map.apply(1.0) <= 1.0


@pytest.mark.parametrize(
    "scores, correct, weights",
    [([1.2], [True], None), ([float("nan")], [True], None), ([0.5], [True, False], None), ([0.5], [True], [0.0])],
)
def test_bad_input_is_refused(scores: list[float], correct: list[bool], weights: list[float] | None) -> None:
    with pytest.raises(ValueError):
        fit_calibration(scores, correct, weights, seed=0)
