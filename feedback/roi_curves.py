"""How calibration and certified automation grow with labels, by drawing fewer of them. Worker only: imports numpy."""

from collections.abc import Sequence
from math import log

import numpy as np

from feedback.certify import SALT, records_of
from feedback.selectors import LabelledPrediction
from feedback.stats.calibration_fit import fit_calibration
from feedback.stats.learning_curve import LearningCurve, learning_curve
from feedback.stats.thresholds import split_by_hash, study
from routing.engine.calibration import CalibrationMap
from routing.engine.slices import SlicedMap

SIZES = (100, 178, 316, 562, 1_000, 1_778, 3_162, 5_623, 10_000)
"""Four to a power of ten."""
REPEATS = 8
_CLIP = 1e-6


def calibration_curve(predictions: Sequence[LabelledPrediction], *, seed: int = 0) -> LearningCurve:
    """Log loss, measured on the half nothing is fitted on, of maps fitted on fewer labels of the other half.

    One model version and source. Each size is drawn `REPEATS` times without replacement; sizes that the half does not
    reach, or where fewer than two draws could be fitted, are left out.
    """
    halves: dict[str, list[LabelledPrediction]] = {"fit": [], "certify": []}
    for prediction in predictions:
        halves[split_by_hash(str(prediction.case_id), SALT)].append(prediction)
    rng = np.random.default_rng(seed)
    losses: dict[int, list[float]] = {}
    for size in _sizes(len(halves["fit"])):
        maps = (_fitted(_drawn(halves["fit"], size, rng), seed) for _ in range(REPEATS))
        losses[size] = [_log_loss(found, halves["certify"]) for found in maps if found is not None]
    return learning_curve({n: values for n, values in losses.items() if values}, seed=seed)


def automation_curve(
    predictions: Sequence[LabelledPrediction], maps: SlicedMap | None, max_error: float, *, seed: int = 0
) -> list[tuple[int, float, float, float, int]]:
    """Share of cases that a certified threshold would automate, by labels to certify on; 0 where none is certified.

    (labels, mean share, lowest and highest of the repeats, how many repeats certified anything). A certified share
    grows in steps, so no law is fitted through it.
    """
    half = [p for p in predictions if split_by_hash(str(p.case_id), SALT) == "certify"]
    rng = np.random.default_rng(seed)
    found = []
    for size in _sizes(len(half)):
        shares = [_automated(_drawn(half, size, rng), maps, max_error) for _ in range(REPEATS)]
        found.append((size, sum(shares) / REPEATS, min(shares), max(shares), sum(s > 0.0 for s in shares)))
    return found


def _sizes(most: int) -> list[int]:
    """Those that leave the draws some freedom, and then all there is."""
    return [size for size in SIZES if size <= 0.8 * most]


def _drawn(rows: Sequence[LabelledPrediction], size: int, rng: np.random.Generator) -> list[LabelledPrediction]:
    return [rows[k] for k in rng.choice(len(rows), size, replace=False)]


def _fitted(rows: Sequence[LabelledPrediction], seed: int) -> CalibrationMap | None:
    scores, correct = [p.confidence for p in rows], [p.correct for p in rows]
    return fit_calibration(scores, correct, [1.0 / p.selection_probability for p in rows], seed=seed).map


def _log_loss(mapping: CalibrationMap, rows: Sequence[LabelledPrediction]) -> float:
    """Weighted mean, nats."""
    total = loss = 0.0
    for row in rows:
        p = min(max(mapping.apply(row.confidence), _CLIP), 1.0 - _CLIP)
        weight = 1.0 / row.selection_probability
        total += weight
        loss -= weight * (log(p) if row.correct else log(1.0 - p))
    return loss / total


def _automated(rows: Sequence[LabelledPrediction], maps: SlicedMap | None, max_error: float) -> float:
    result = study(records_of(rows, maps), max_error)
    at = next((p for p in result.curve if p.threshold == result.guaranteed_threshold), None)
    return 0.0 if at is None else 1.0 - at.review_share
