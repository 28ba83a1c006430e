"""Fitting calibration maps on (score, correct) pairs and choosing one by cross-validation. Worker only: imports numpy.

Method after Platt 1999, Zadrozny & Elkan 2002 (isotonic), Guo et al. 2017 (temperature), Kull, Silva Filho & Flach 2017
(beta); choice by the one-standard-error rule (Hastie, Tibshirani & Friedman 2009, 7.10) on paired out-of-fold log loss.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from routing.engine.calibration import CLIP, CalibrationMap, CalibrationMethod, Parameters

Floats = npt.NDArray[np.float64]
Fitter = Callable[[Floats, Floats, Floats], Parameters | None]

MIN_RECORDS = 100
MIN_RECORDS_ISOTONIC = 1_000
LOSS_CLIP = 1e-6
MAX_TEMPERATURE = 100.0
RIDGE = 1e-6
"""Keeps slopes finite where the scores separate right from wrong; invisible otherwise."""


@dataclass(frozen=True, slots=True)
class CandidateScore:
    """How one family did on records it was not fitted on.

    log_loss, brier: weighted means, lower is better. excess: its log loss minus the best candidate's; excess_error: the
    standard error of that paired difference. All null where the family was not tried, and `reason` says why.
    """

    method: CalibrationMethod
    log_loss: float | None
    brier: float | None
    excess: float | None
    excess_error: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """The chosen map refitted on everything, or null with the reason when there is not enough data.

    n: records; effective_n: Kish's effective sample size of the weights, which the minimum sizes are measured by.
    candidates: simplest first, empty when nothing was fitted.
    """

    map: CalibrationMap | None
    reason: str | None
    n: int
    effective_n: float
    candidates: tuple[CandidateScore, ...]


def fit_calibration(
    scores: Sequence[float] | Floats,
    correct: Sequence[bool] | npt.NDArray[np.bool_],
    weights: Sequence[float] | Floats | None = None,
    *,
    seed: int,
    folds: int = 5,
) -> CalibrationFit:
    """Fit a map from score (0-1) to the probability of being correct; weights are inverse propensities, > 0, null
    equal.

    Three arrays of one length; ValueError otherwise, or for values out of range. Candidates are scored by out-of-fold
    log loss (clipped at 1e-6) rather than Brier: it is as proper, and it punishes false certainty at the top of the
    scale, where cases are automated. The simplest family within one standard error of the best wins (identity,
    temperature, platt, beta, isotonic). Not enough data: under 100 effective records, or fewer right or wrong ones than
    folds; isotonic from 1,000.
    """
    return fit_out_of_fold(scores, correct, weights, seed=seed, folds=folds)[0]


def fit_out_of_fold(
    scores: Sequence[float] | Floats,
    correct: Sequence[bool] | npt.NDArray[np.bool_],
    weights: Sequence[float] | Floats | None = None,
    *,
    seed: int,
    folds: int = 5,
) -> tuple[CalibrationFit, Floats | None]:
    """`fit_calibration`, and what the chosen family predicts for each record when it is fitted without its fold; null
    where nothing was fitted.
    """
    x, y, w = _arrays(scores, correct, weights, folds)
    n = len(x)
    effective = effective_size(w)
    right = int(y.sum())
    if effective < MIN_RECORDS:
        reason = f"not enough data: {effective:.0f} effective labelled records, {MIN_RECORDS} are needed"
        return CalibrationFit(None, reason, n, effective, ()), None
    if min(right, n - right) < folds:
        reason = f"not enough data: {right} right and {n - right} wrong records, {folds} of each are needed"
        return CalibrationFit(None, reason, n, effective, ()), None
    fold_of = _stratified_folds(y, folds, np.random.default_rng(seed))
    predictions, refused = _out_of_fold(x, y, w, fold_of, effective)
    candidates = _score(predictions, refused, y, w)
    for candidate in candidates:
        if candidate.excess is None or candidate.excess > (candidate.excess_error or 0.0):
            continue
        # A family that fitted on every fold may still fail on the whole; then the next simplest one stands.
        parameters = FITTERS[candidate.method](x, y, w)
        if parameters is not None:
            chosen = CalibrationMap(candidate.method, parameters, None, n)
            return CalibrationFit(chosen, None, n, effective, candidates), predictions[candidate.method]
    raise AssertionError("identity is always scored and the best candidate has no excess")


def effective_size(w: Floats) -> float:
    """How many equally weighted records say as much as these (Kish 1965); 0 without any."""
    return float(w.sum() ** 2 / (w**2).sum()) if len(w) else 0.0


def predict(mapping: CalibrationMap, scores: Floats) -> Floats:
    """`mapping.apply` for an array of scores."""
    return _predict(mapping.method, mapping.parameters, scores)


def _arrays(
    scores: Sequence[float] | Floats,
    correct: Sequence[bool] | npt.NDArray[np.bool_],
    weights: Sequence[float] | Floats | None,
    folds: int,
) -> tuple[Floats, Floats, Floats]:
    """The input checked, as floats, the weights scaled to a mean of 1."""
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.shape != w.shape:
        raise ValueError(f"scores, correct and weights must be lists of one length: {x.shape}, {y.shape}, {w.shape}")
    if folds < 2:
        raise ValueError(f"folds must be at least 2, not {folds}")
    if not np.all((x >= 0.0) & (x <= 1.0)):
        raise ValueError("scores must lie in 0..1")
    if not np.all((y == 0.0) | (y == 1.0)):
        raise ValueError("correct must be true or false")
    if not np.all((w > 0.0) & np.isfinite(w)):
        raise ValueError("weights must be positive and finite")
    return x, y, w / w.mean() if len(w) else w


def _stratified_folds(y: Floats, folds: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """A fold for each record, with right and wrong ones spread evenly."""
    fold_of = np.empty(len(y), dtype=np.intp)
    for label in (0.0, 1.0):
        members = rng.permutation(np.flatnonzero(y == label))
        fold_of[members] = np.arange(len(members)) % folds
    return fold_of


def _out_of_fold(
    x: Floats, y: Floats, w: Floats, fold_of: npt.NDArray[np.intp], effective: float
) -> tuple[dict[CalibrationMethod, Floats], dict[CalibrationMethod, str]]:
    """Each family's predictions for records outside its training folds, or why it was refused."""
    predictions: dict[CalibrationMethod, Floats] = {}
    refused: dict[CalibrationMethod, str] = {}
    for method, fitter in FITTERS.items():
        if method is CalibrationMethod.ISOTONIC and effective < MIN_RECORDS_ISOTONIC:
            refused[method] = f"not enough data: needs {MIN_RECORDS_ISOTONIC} effective labelled records"
            continue
        out = np.empty_like(x)
        for fold in range(int(fold_of.max()) + 1):
            train, held_out = fold_of != fold, fold_of == fold
            parameters = fitter(x[train], y[train], w[train])
            if parameters is None:
                refused[method] = "higher scores are not more often right, and this family can only rise"
                break
            out[held_out] = _predict(method, parameters, x[held_out])
        else:
            predictions[method] = out
    return predictions, refused


def _score(
    predictions: dict[CalibrationMethod, Floats], refused: dict[CalibrationMethod, str], y: Floats, w: Floats
) -> tuple[CandidateScore, ...]:
    total = w.sum()
    losses = {method: log_losses(p, y) for method, p in predictions.items()}
    means = {method: float(w @ loss / total) for method, loss in losses.items()}
    best = min(means, key=means.__getitem__)
    scored = []
    for method in FITTERS:
        if method in refused:
            scored.append(CandidateScore(method, None, None, None, None, refused[method]))
            continue
        excess = losses[method] - losses[best]
        mean = float(w @ excess / total)
        error = float(np.sqrt(((w * (excess - mean)) ** 2).sum()) / total)
        brier = float(w @ (predictions[method] - y) ** 2 / total)
        scored.append(CandidateScore(method, means[method], brier, mean, error, None))
    return tuple(scored)


def log_losses(p: Floats, y: Floats) -> Floats:
    """The log loss of each prediction (0-1) against its truth (0 or 1), clipped at 1e-6."""
    clipped = np.clip(p, LOSS_CLIP, 1.0 - LOSS_CLIP)
    return -np.log(np.where(y == 1.0, clipped, 1.0 - clipped))


def _logs(x: Floats) -> tuple[Floats, Floats]:
    clipped = np.clip(x, CLIP, 1.0 - CLIP)
    return np.log(clipped), -np.log(1.0 - clipped)


def _predict(method: CalibrationMethod, parameters: Parameters, x: Floats) -> Floats:
    low, high = _logs(x)
    match method:
        case CalibrationMethod.IDENTITY:
            return x
        case CalibrationMethod.ISOTONIC:
            return np.asarray(np.interp(x, parameters["x"], parameters["y"]), dtype=np.float64)
        case CalibrationMethod.PLATT:
            z = np.multiply(parameters["slope"], low + high) + parameters["intercept"]
        case CalibrationMethod.TEMPERATURE:
            z = np.divide(low + high, parameters["temperature"])
        case CalibrationMethod.BETA:
            z = np.multiply(parameters["a"], low) + np.multiply(parameters["b"], high) + parameters["c"]
    return np.asarray(expit(z), dtype=np.float64)


def _fit_identity(_x: Floats, _y: Floats, _w: Floats) -> Parameters | None:
    return {}


def _fit_temperature(x: Floats, y: Floats, w: Floats) -> Parameters | None:
    low, high = _logs(x)
    (slope,) = _logistic((low + high)[:, None], y, w)
    if slope <= 0.0:
        return None
    return {"temperature": float(np.clip(1.0 / slope, 1.0 / MAX_TEMPERATURE, MAX_TEMPERATURE))}


def _fit_platt(x: Floats, y: Floats, w: Floats) -> Parameters | None:
    """With Platt's own smoothed targets, (N+ + 1)/(N+ + 2) and 1/(N- + 2), as scikit-learn does."""
    right, wrong = w @ y, w @ (1.0 - y)
    targets = np.where(y == 1.0, (right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0))
    low, high = _logs(x)
    slope, intercept = _logistic(np.column_stack([low + high, np.ones_like(x)]), targets, w)
    return {"slope": float(slope), "intercept": float(intercept)} if slope > 0.0 else None


def _fit_beta(x: Floats, y: Floats, w: Floats) -> Parameters | None:
    """A negative exponent would make the map fall: it is set to 0 and the rest refitted, as the authors do.

    Where the other one falls too, the scores say nothing that a rising map can use, and what is left is the share of
    right ones for every score.
    """
    low, high = _logs(x)
    one = np.ones_like(x)
    a, b, c = _logistic(np.column_stack([low, high, one]), y, w)
    if a < 0.0:
        a = 0.0
        b, c = _logistic(np.column_stack([high, one]), y, w)
    elif b < 0.0:
        b = 0.0
        a, c = _logistic(np.column_stack([low, one]), y, w)
    if min(a, b) < 0.0:
        a = b = 0.0
        (c,) = _logistic(one[:, None], y, w)
    return {"a": float(a), "b": float(b), "c": float(c)}


def _fit_isotonic(x: Floats, y: Floats, w: Floats) -> Parameters | None:
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y, sample_weight=w)
    rising = np.maximum.accumulate(fitted.y_thresholds_)
    return {"x": tuple(fitted.X_thresholds_.tolist()), "y": tuple(rising.tolist())}


def _logistic(design: Floats, targets: Floats, w: Floats) -> Floats:
    """Weighted logistic regression by Newton's method, halving steps that do not descend. design: (records, terms)."""

    def loss(at: Floats) -> float:
        z = design @ at
        return float(w @ (np.logaddexp(0.0, z) - targets * z) + RIDGE / 2.0 * at @ at)

    beta = np.zeros(design.shape[1])
    value = loss(beta)
    for _ in range(100):
        p = expit(design @ beta)
        gradient = design.T @ (w * (p - targets)) + RIDGE * beta
        hessian = (design * (w * p * (1.0 - p))[:, None]).T @ design + RIDGE * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        while (reached := loss(beta - step)) > value + 1e-9 * abs(value) and np.abs(step).max() > 1e-12:
            step = step / 2.0
        beta, value = beta - step, reached
        if np.abs(step).max() < 1e-9:
            break
    return beta


FITTERS: dict[CalibrationMethod, Fitter] = {
    CalibrationMethod.IDENTITY: _fit_identity,
    CalibrationMethod.TEMPERATURE: _fit_temperature,
    CalibrationMethod.PLATT: _fit_platt,
    CalibrationMethod.BETA: _fit_beta,
    CalibrationMethod.ISOTONIC: _fit_isotonic,
}
"""The candidates, simplest first."""
