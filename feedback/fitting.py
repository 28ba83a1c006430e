"""Fit, certify and describe one model's confidence and its slices', on data given. Worker only: imports numpy."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from feedback.certify import SALT, calibrated, records_of
from feedback.selectors import LabelledPrediction
from feedback.stats.calibration_fit import CalibrationFit, fit_out_of_fold, log_losses
from feedback.stats.joint_thresholds import joint_study
from feedback.stats.reliability import reliability
from feedback.stats.reliability_intervals import Z95, metric_intervals
from feedback.stats.slice_fit import Fitted, SliceFinding, SliceProposal, mean_and_error, propose_slices
from feedback.stats.thresholds import ThresholdStudy, split_by_hash
from routing.engine.calibration import CalibrationMap
from routing.engine.dynamic import DynamicThresholds
from routing.engine.slices import Slice, SlicedMap

DELTA = 0.05
_SEED = 0
"""Fixed: the same labels give the same fit, so an unchanged proposal is recognised as such."""

Half = list[LabelledPrediction]


@dataclass(frozen=True, slots=True)
class FittedSource:
    """One model version's confidence source, fitted on one half of its labels and certified on the other.

    slices: those with a map of their own, in the order they are tried. study: of confidences on the scale of both.
    peak: the study for the peak budget, certified jointly with `study`; null where the policy declares none.
    metrics: candidates, slices used and refused, and reliability before and after on the half that was not fitted on,
    as plain JSON.
    """

    model_version: str
    confidence_source: str
    map: CalibrationMap
    slices: tuple[SliceFinding, ...]
    study: ThresholdStudy
    peak: ThresholdStudy | None
    metrics: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotFitted:
    """Why there is no map for this model version and source."""

    model_version: str
    confidence_source: str
    reason: str


def fit_sources(
    predictions: Sequence[LabelledPrediction], *, max_error: float, dynamic: DynamicThresholds | None = None
) -> tuple[list[FittedSource], list[NotFitted]]:
    """Every (model version, confidence source) by itself: calibrated on the half "fit", certified on "certify".

    Each label weighs the inverse of its selection probability. `max_error` strictly between 0 and 1 (ValueError); given
    `dynamic`, its two budgets are certified jointly instead.
    """
    groups: dict[tuple[str, str], Half] = defaultdict(list)
    for prediction in predictions:
        groups[prediction.model_version, prediction.confidence_source].append(prediction)
    results = [_fit(*key, group, max_error, dynamic) for key, group in sorted(groups.items())]
    fitted = [r for r in results if isinstance(r, FittedSource)]
    return fitted, [r for r in results if isinstance(r, NotFitted)]


def _fit(
    model_version: str, source: str, predictions: Half, max_error: float, dynamic: DynamicThresholds | None
) -> FittedSource | NotFitted:
    halves: dict[str, Half] = {"fit": [], "certify": []}
    for prediction in predictions:
        halves[split_by_hash(str(prediction.case_id), SALT)].append(prediction)
    fit, slices = _maps(halves["fit"])
    if fit.map is None:
        return NotFitted(model_version, source, fit.reason or "")
    maps = SlicedMap(fit.map, tuple((f.slice, f.map) for f in slices.used))
    metrics = _metrics(fit, slices, maps, halves["certify"])
    records = records_of(halves["certify"], maps)
    peak = dynamic.peak_error if dynamic else None
    budget, delta = (dynamic.normal_error, dynamic.delta) if dynamic else (max_error, DELTA)
    joint = joint_study(records, budget, peak, delta)
    return FittedSource(model_version, source, fit.map, slices.used, joint.normal, joint.peak, metrics)


def _maps(half: Half) -> tuple[CalibrationFit, SliceProposal]:
    """The model's map and which slices get their own, all from the one half."""
    x = np.array([p.confidence for p in half], dtype=np.float64)
    y = np.array([p.correct for p in half], dtype=np.float64)
    w = np.array([1.0 / p.selection_probability for p in half], dtype=np.float64)
    fit, predictions = fit_out_of_fold(x, y == 1.0, w, seed=_SEED)
    if predictions is None:
        return fit, SliceProposal(())
    return fit, propose_slices(Fitted(x, y, w, predictions), _candidates(half), seed=_SEED)


def _candidates(half: Half) -> dict[Slice, npt.NDArray[np.intp]]:
    """Every predicted label and every value of every declared segment, with the places of their labels."""
    places: dict[Slice, list[int]] = defaultdict(list)
    for place, prediction in enumerate(half):
        places[Slice(prediction.predicted)].append(place)
        for pair in prediction.segments.items():
            places[Slice(segment=pair)].append(place)
    return {own: np.array(found, dtype=np.intp) for own, found in places.items()}


def _metrics(fit: CalibrationFit, slices: SliceProposal, maps: SlicedMap, certify: Half) -> dict[str, Any]:
    """What is shown of it. `parent`: reliability with the model's map alone, where slices have their own."""
    found = {
        "candidates": fit.candidates,
        "effective_n": fit.effective_n,
        "before": _measured(certify, None),
        "after": _measured(certify, maps),
        "slices": [_finding(f) for f in slices.findings],
        "slices_not_looked_at": slices.others,
    }
    if slices.used:
        found["parent"] = _measured(certify, SlicedMap(maps.parent))
        found["held_out_gain"] = _held_out_gain(certify, maps)
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _measured(certify: Half, maps: SlicedMap | None) -> dict[str, Any]:
    confidences = [calibrated(p, maps) for p in certify]
    correct = [p.correct for p in certify]
    weights = [1.0 / p.selection_probability for p in certify]
    plain: dict[str, Any] = msgspec.to_builtins(reliability(confidences, correct, weights))
    return plain | {"intervals": metric_intervals(confidences, correct, weights, seed=_SEED)}


def _held_out_gain(certify: Half, maps: SlicedMap) -> dict[str, float]:
    """What the slices' maps gain over the model's in log loss on labels neither saw, with a 95 % interval."""
    y = np.array([p.correct for p in certify], dtype=np.float64)
    w = np.array([1.0 / p.selection_probability for p in certify])
    parent, own = (
        log_losses(np.array([calibrated(p, each) for p in certify]), y) for each in (SlicedMap(maps.parent), maps)
    )
    gain, error = mean_and_error(parent - own, w)
    return {"gain": gain, "low": gain - Z95 * error, "high": gain + Z95 * error}


def _finding(found: SliceFinding) -> dict[str, Any]:
    shown = ("reason", "n", "effective_n", "gain", "error", "p", "p_adjusted")
    about = {"slice": found.slice.to_json(), "used": found.map is not None}
    return about | {"method": found.map.method if found.map else None} | {key: getattr(found, key) for key in shown}
