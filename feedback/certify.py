"""From labelled predictions to the records a threshold study takes. Plain Python: the web process uses it too."""

from collections.abc import Sequence

from feedback.selectors import LabelledPrediction
from feedback.stats.thresholds import Record, split_by_hash, uniform_draw
from routing.engine.slices import SlicedMap

SALT = "calibration"
"""Splits cases into the half that is fitted on and the half that certifies, for ever the same way."""
_THINNING = "thinning"


def certify_half(predictions: Sequence[LabelledPrediction]) -> list[LabelledPrediction]:
    """Those no calibration was ever fitted on."""
    return [p for p in predictions if split_by_hash(str(p.case_id), SALT) == "certify"]


def calibrated(prediction: LabelledPrediction, maps: SlicedMap | None) -> float:
    """Its confidence as the engine would calibrate it; as the model stated it where no map is in force."""
    mapping = maps.for_case(prediction.predicted, prediction.segments)[0] if maps else None
    return mapping.apply(prediction.confidence) if mapping else prediction.confidence


def record_of(prediction: LabelledPrediction, maps: SlicedMap | None) -> Record:
    """One prediction on the scale of `maps`, its slice's where it has one; null: on the scale the model stated."""
    draw = uniform_draw(str(prediction.case_id), _THINNING)
    return Record(
        calibrated(prediction, maps),
        prediction.correct,
        prediction.selection_probability,
        draw,
        prediction.predicted,
        prediction.truth,
    )


def records_of(predictions: Sequence[LabelledPrediction], maps: SlicedMap | None) -> list[Record]:
    """`record_of` for each."""
    return [record_of(p, maps) for p in predictions]
