"""What thresholds promise and what they keep: one labelled data set, split anew many times. Worker only: imports numpy.

Every redraw halves the records by hash: one half is the test half, the other is split again into records to calibrate
on and records to certify on (statistics as the product computes them, none of them seeing the test half).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from feedback.stats.bounds import Interval, clopper_pearson_interval
from feedback.stats.calibration_fit import fit_calibration, predict
from feedback.stats.reliability import reliability
from feedback.stats.thresholds import Record, split_by_hash, study, uniform_draw

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RuleKept:
    """How one way to pick a threshold did over the redraws.

    attained: redraws in which it named a threshold. broken: redraws in which the error among the cases automated in the
    test half exceeded the budget; where it names no threshold nothing is automated, so nothing breaks. automated: mean
    share of the test half that was automated, counting 0 where it named none. error: mean over the redraws that
    automated something, null without any. threshold: median of those named, null without any.
    """

    redraws: int
    attained: int
    broken: int
    automated: float
    error: float | None
    threshold: float | None

    @property
    def broken_interval(self) -> Interval:
        """95 % Clopper-Pearson interval of the share of redraws that broke the budget.

        Redraws share records, so it is a little too narrow.
        """
        return clopper_pearson_interval(self.broken, self.redraws)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Averages over the redraws, measured on their test halves; `before` is the confidence as claimed.

    accuracy: share of all records that are right. methods: how often each calibration family was chosen. naive: the
    lowest threshold whose error in the certifying sample meets the budget. guaranteed: the lowest certified one.
    reason: why the guaranteed rule named no threshold, from the first redraw in which it did not; null if it always
    did.
    """

    n: int
    accuracy: float
    ece_before: float
    ece_after: float
    log_loss_before: float
    log_loss_after: float
    methods: Mapping[str, int]
    naive: RuleKept
    guaranteed: RuleKept
    reason: str | None


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """`evaluation` is null where a redraw could not be calibrated, and `reason` says why."""

    evaluation: Evaluation | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Honesty:
    ece: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class _Kept:
    """One rule in one redraw; error null where nothing was automated."""

    threshold: float | None
    automated: float
    error: float | None


@dataclass(frozen=True, slots=True)
class _Redraw:
    before: _Honesty
    after: _Honesty
    method: str
    naive: _Kept
    guaranteed: _Kept
    reason: str | None


def evaluate_thresholds(
    confidences: Sequence[float] | Floats,
    correct: Sequence[bool] | Bools,
    *,
    max_error: float = 0.02,
    delta: float = 0.05,
    redraws: int = 40,
    seed: int = 0,
) -> EvaluationResult:
    """Calibrate, certify and test `redraws` times (>= 1) on confidences 0-1 and whether each answer was right.

    The rules are those of `thresholds.study`; the maps those of `calibration_fit.fit_calibration`. Same input and seed,
    same answer. ValueError for bad input as there. Not enough data: where a redraw's calibrating quarter is too small.
    """
    if redraws < 1:
        raise ValueError(f"redraws must be at least 1, not {redraws}")
    x, y = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=np.bool_)
    drawn = []
    for number in range(redraws):
        one = _redraw(x, y, max_error, delta, f"redraw {seed} {number}")
        if isinstance(one, str):
            return EvaluationResult(None, one)
        drawn.append(one)
    return EvaluationResult(_summary(drawn, y, max_error), None)


def _redraw(x: Floats, y: Bools, max_error: float, delta: float, salt: str) -> _Redraw | str:
    """One redraw, or the reason why there is too little to calibrate on."""
    part = np.array([_part(str(index), salt) for index in range(len(x))])
    fit = fit_calibration(x[part == "fit"], y[part == "fit"], seed=0)
    if fit.map is None:
        return fit.reason or "not enough data"
    calibrated = predict(fit.map, x)
    certify, test = part == "certify", part == "test"
    if not test.any():
        return "not enough data: the test half is empty"
    records = [Record(*pair) for pair in zip(calibrated[certify].tolist(), y[certify].tolist(), strict=True)]
    found = study(records, max_error, delta)
    return _Redraw(
        before=_honesty(x[test], y[test]),
        after=_honesty(calibrated[test], y[test]),
        method=fit.map.method.value,
        naive=_kept(found.naive_threshold, calibrated[test], y[test]),
        guaranteed=_kept(found.guaranteed_threshold, calibrated[test], y[test]),
        reason=found.reason,
    )


def _honesty(confidences: Floats, correct: Bools) -> _Honesty:
    found = reliability(confidences.tolist(), correct.tolist())
    assert found.ece is not None and found.log_loss is not None
    return _Honesty(found.ece, found.log_loss)


def _part(key: str, salt: str) -> str:
    return "test" if uniform_draw(key, f"{salt} test") < 0.5 else split_by_hash(key, salt)


def _kept(threshold: float | None, confidences: Floats, correct: Bools) -> _Kept:
    if threshold is None:
        return _Kept(None, 0.0, None)
    automated = confidences >= threshold
    error = float(1.0 - correct[automated].mean()) if automated.any() else None
    return _Kept(threshold, float(automated.mean()), error)


def _summary(drawn: Sequence[_Redraw], correct: Bools, max_error: float) -> Evaluation:
    return Evaluation(
        n=len(correct),
        accuracy=float(correct.mean()),
        ece_before=fmean(one.before.ece for one in drawn),
        ece_after=fmean(one.after.ece for one in drawn),
        log_loss_before=fmean(one.before.log_loss for one in drawn),
        log_loss_after=fmean(one.after.log_loss for one in drawn),
        methods=dict(Counter(one.method for one in drawn).most_common()),
        naive=_rule([one.naive for one in drawn], max_error),
        guaranteed=_rule([one.guaranteed for one in drawn], max_error),
        reason=next((one.reason for one in drawn if one.reason), None),
    )


def _rule(kept: Sequence[_Kept], max_error: float) -> RuleKept:
    errors = [one.error for one in kept if one.error is not None]
    thresholds = sorted(one.threshold for one in kept if one.threshold is not None)
    return RuleKept(
        redraws=len(kept),
        attained=len(thresholds),
        broken=sum(error > max_error for error in errors),
        automated=fmean(one.automated for one in kept),
        error=fmean(errors) if errors else None,
        threshold=thresholds[len(thresholds) // 2] if thresholds else None,
    )
