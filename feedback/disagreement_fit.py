"""Fit the disagreement model (mission B17) and measure it on cases it has not seen. Worker only: imports numpy.

Gradient boosting (Friedman 2001) in scikit-learn's histogram form; its score is calibrated on out-of-fold scores by the
same families as confidences are, and every figure reported is out of fold for trees and map alike.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from feedback.stats.calibration_fit import fit_calibration, predict
from feedback.stats.reliability import reliability
from routing.engine.calibration import CalibrationMap, CalibrationMethod
from routing.engine.disagreement import MAX_COLUMNS, NUMBERS, Column, value_of, vector_of
from routing.engine.features import Features
from routing.engine.signals import compute_signals

Floats = npt.NDArray[np.float64]

MIN_JUDGED = 100
MIN_EACH = 20
"""Judged cases that agree, and that overrule: fewer teach nothing that could be measured."""
TREES, DEPTH = 100, 3
FOLDS = 5
_RESAMPLES = 500
_VALUES_PER_NAME, _MIN_OF_VALUE, _MIN_GIVEN = 20, 10, 30
_SEED = 0
"""Fixed: the same judgements give the same model, so an unchanged one is recognised as such."""


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """One prediction that people judged. weight: inverse of the probability that it came to them.

    random: chance chose it, so figures may be measured on it; false for what active learning chose.
    """

    key: str
    features: Features
    overruled: bool
    weight: float = 1.0
    random: bool = True


@dataclass(frozen=True, slots=True)
class FittedDisagreement:
    """What is stored: `trees` (columns, base, trees) and `mapping` as plain JSON, and the figures out of fold."""

    trees: dict[str, Any]
    mapping: CalibrationMap
    metrics: dict[str, Any]
    n: int
    overruled: int


@dataclass(frozen=True, slots=True)
class NotEnough:
    """Why nothing was fitted."""

    reason: str


def fit_disagreement(cases: Sequence[JudgedCase], labels: tuple[str, ...]) -> FittedDisagreement | NotEnough:
    """A model of who is overruled, calibrated and measured; NotEnough below 100 cases or 20 of either answer."""
    # Threads that wait for each other by spinning make small fits many times slower on a busy machine.
    with threadpool_limits(limits=1):
        return _fit(cases, labels)


def _fit(cases: Sequence[JudgedCase], labels: tuple[str, ...]) -> FittedDisagreement | NotEnough:
    y = np.array([case.overruled for case in cases], dtype=bool)
    drawn = np.array([case.random for case in cases], dtype=bool)
    if len(cases) < MIN_JUDGED:
        return NotEnough(f"{len(cases)} judged predictions; {MIN_JUDGED} are needed.")
    if min(y[drawn].sum(), (~y[drawn]).sum()) < MIN_EACH:
        return NotEnough(f"{int(y[drawn].sum())} of {int(drawn.sum())} overruled; {MIN_EACH} of each are needed.")
    columns = columns_of([case.features for case in cases], labels)
    x, w = matrix_of(cases, columns, labels), np.array([case.weight for case in cases])
    w = w / w.mean()
    scores = _out_of_fold(x, y, w)
    fitted = _map(scores[drawn], y[drawn], w[drawn])
    if isinstance(fitted, NotEnough):
        return fitted
    honest = _honest(scores[drawn], y[drawn], w[drawn])
    metrics = measured(scores[drawn], honest, y[drawn], w[drawn])
    return FittedDisagreement(
        export(_classifier().fit(x, y, sample_weight=w), columns), fitted, metrics, len(cases), int(y.sum())
    )


def columns_of(features: Sequence[Features], labels: tuple[str, ...]) -> tuple[Column, ...]:
    """The numbers that are given often and differ, and the values of label, model version and segments that at least
    ten cases have."""
    signals = [compute_signals(each, labels) for each in features]
    numbers = []
    for name, read in NUMBERS.items():
        given = [value for each in zip(features, signals, strict=True) if (value := read(*each)) is not None]
        if len(given) >= _MIN_GIVEN and len(set(given)) > 1:
            numbers.append(Column(name))
    counts: dict[str, Counter[str]] = {"label": Counter(), "model_version": Counter()}
    names = sorted({f"segment.{name}" for each in features for name in each.segments})[:20]
    for name in (*counts, *names):
        counts[name] = Counter(said for each in features if (said := value_of(each, name)) is not None)
    named = [
        Column(name, value)
        for name, found in counts.items()
        for value, n in sorted(found.most_common(_VALUES_PER_NAME))
        if _MIN_OF_VALUE <= n < len(features)
    ]
    return (*numbers, *named)[:MAX_COLUMNS]


def matrix_of(cases: Sequence[JudgedCase], columns: Sequence[Column], labels: tuple[str, ...]) -> Floats:
    """One row per case; NaN where something is not given."""
    rows = [vector_of(case.features, compute_signals(case.features, labels), columns) for case in cases]
    return np.array(rows, dtype=np.float64)


def export(model: HistGradientBoostingClassifier, columns: Sequence[Column]) -> dict[str, Any]:
    """The fitted trees as plain JSON that `routing.engine.disagreement` evaluates to the same score."""
    trees = [_node(predictor.nodes, 0) for (predictor,) in model._predictors]
    return {
        "columns": list(msgspec.to_builtins(columns)),
        "base": float(model._baseline_prediction.item()),
        "trees": trees,
    }


def _node(nodes: Any, place: int) -> Any:
    node = nodes[place]
    if node["is_leaf"]:
        return float(node["value"])
    return [
        int(node["feature_idx"]),
        # Everything given lies at most at infinity, which JSON cannot say.
        min(float(node["num_threshold"]), 1.7e308),
        bool(node["missing_go_to_left"]),
        _node(nodes, int(node["left"])),
        _node(nodes, int(node["right"])),
    ]


def _classifier() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        max_depth=DEPTH,
        learning_rate=0.06,
        min_samples_leaf=10,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=_SEED,
    )


def _folds() -> StratifiedKFold:
    return StratifiedKFold(FOLDS, shuffle=True, random_state=_SEED)


def _out_of_fold(x: Floats, y: npt.NDArray[np.bool_], w: Floats) -> Floats:
    """Each case's score from trees that did not see it."""
    scores = np.empty(len(y))
    for train, held_out in _folds().split(x, y):
        model = _classifier().fit(x[train], y[train], sample_weight=w[train])
        scores[held_out] = model.predict_proba(x[held_out])[:, 1]
    return scores


def _map(scores: Floats, y: npt.NDArray[np.bool_], w: Floats) -> CalibrationMap | NotEnough:
    fit = fit_calibration(scores, y, w, seed=_SEED, folds=FOLDS)
    return NotEnough(f"{fit.reason}.") if fit.map is None else fit.map


def _honest(scores: Floats, y: npt.NDArray[np.bool_], w: Floats) -> Floats:
    """Each case's calibrated score from a map that did not see it; the score itself where too few are left to fit."""
    honest = np.empty(len(y))
    for train, held_out in _folds().split(scores, y):
        fit = fit_calibration(scores[train], y[train], w[train], seed=_SEED, folds=FOLDS)
        mapping = fit.map or CalibrationMap(CalibrationMethod.IDENTITY, {}, None, 0)
        honest[held_out] = predict(mapping, scores[held_out])
    return honest


def measured(scores: Floats, honest: Floats, y: npt.NDArray[np.bool_], w: Floats) -> dict[str, Any]:
    """AUC with a 95 % interval by stratified bootstrap (Efron & Tibshirani 1993), and calibration before and after."""
    low, high = _auc_interval(scores, y, w)
    found: dict[str, Any] = msgspec.to_builtins(
        {
            "auc": weighted_auc(scores, y, w),
            "auc_low": low,
            "auc_high": high,
            "n": len(y),
            "effective_n": float(w.sum() ** 2 / (w**2).sum()),
            "overruled": int(y.sum()),
            "overruled_share": float(w @ y / w.sum()),
            "before": reliability(scores.tolist(), y.tolist(), w.tolist()),
            "after": reliability(honest.tolist(), y.tolist(), w.tolist()),
        }
    )
    return found


def weighted_auc(scores: Floats, y: npt.NDArray[np.bool_], w: Floats) -> float:
    """The share of weighted pairs in which the overruled case scores higher, ties counting half (Bamber 1975).

    One or more of either kind. Many times cheaper than `roc_auc_score`, which the bootstrap would call each time.
    """
    _, place = np.unique(scores, return_inverse=True)
    above = np.bincount(place, weights=w * y)
    below = np.bincount(place, weights=w * ~y)
    beaten = np.cumsum(below) - below / 2.0
    return float(above @ beaten / (above.sum() * below.sum()))


def _auc_interval(scores: Floats, y: npt.NDArray[np.bool_], w: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)
    sides = [np.flatnonzero(y), np.flatnonzero(~y)]
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([rng.choice(side, len(side)) for side in sides])
        found.append(weighted_auc(scores[drawn], y[drawn], w[drawn]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
