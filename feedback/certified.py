"""Which thresholds are certified for both of a policy's error budgets, from the newest studies on the maps in force."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.models import ThresholdStudy
from feedback.proposals import scale
from routing.engine.document import CalibrationRef, PolicyDocument, decode_document
from routing.engine.dynamic import DynamicThresholds


@dataclass(frozen=True, slots=True)
class Certified:
    """One model version's thresholds certified for each budget on every scale in force.

    since: when the newest of its studies was made. review_share: share of cases below each threshold of the grid.
    """

    normal: frozenset[float]
    peak: frozenset[float]
    since: datetime
    review_share: Mapping[float, float]


def certified_by_model(
    task_type_id: uuid.UUID, document: PolicyDocument, dynamic: DynamicThresholds
) -> dict[str, Certified | str]:
    """For each calibrated model version what is certified, or in words why nothing is."""
    scales: dict[str, list[CalibrationRef]] = defaultdict(list)
    for ref in document.calibrations:
        scales[ref.model_version].append(ref)
    return {model: _certified(task_type_id, refs, dynamic) for model, refs in scales.items()}


def certified_jointly(task_type_id: uuid.UUID, document: object, dynamic: DynamicThresholds) -> bool:
    """Whether every calibration the document names has a study of both budgets, whatever it found."""
    refs = decode_document(document).calibrations
    return all(_newest(task_type_id, ref, dynamic) is not None for ref in refs)


def _certified(task_type_id: uuid.UUID, refs: Sequence[CalibrationRef], dynamic: DynamicThresholds) -> Certified | str:
    found = [(ref, _newest(task_type_id, ref, dynamic)) for ref in refs]
    for ref, study in found:
        if study is None:
            return (
                f"No study certifies both budgets ({dynamic.normal_error:.1%} and {dynamic.peak_error:.1%}) for "
                f"{ref.confidence_source}, calibration {ref.version}; recalibrate to make one."
            )
    studies = [study for _, study in found if study is not None]
    normal = frozenset.intersection(*(frozenset(s.result["certified"]) for s in studies))
    peak = frozenset.intersection(*(frozenset(s.result["peak"]["certified"]) for s in studies))
    if not normal or not peak:
        which = "normal" if not normal else "peak"
        reasons = [s.result["reason"] if which == "normal" else s.result["peak"]["reason"] for s in studies]
        said = next((reason for reason in reasons if reason), "No threshold holds it on every scale.")
        return f"The {which} budget is not certified. {said}"
    return Certified(normal, peak, max(s.created_at for s in studies), _review_share(studies))


def _newest(task_type_id: uuid.UUID, ref: CalibrationRef, dynamic: DynamicThresholds) -> ThresholdStudy | None:
    """The newest study of all cases on this scale, with its slices, for exactly these budgets at this risk."""
    own = [each.slice.to_json() | {"version": each.version} for each in ref.slices]
    wanted = scale(ref.model_version, ref.confidence_source, ref.version, own)
    rows = ThresholdStudy.objects.filter(
        task_type_id=task_type_id,
        model_version=ref.model_version,
        slice={},
        calibrations__contains=[wanted],
        max_error=dynamic.normal_error,
        peak_error=dynamic.peak_error,
        delta__lte=dynamic.delta,
    )
    # What contains the map alone also holds studies made with slices of it, in whatever order.
    exact = (pk for pk, named in rows.order_by("-id").values_list("pk", "calibrations") if wanted in named)
    newest = next(exact, None)
    return None if newest is None else ThresholdStudy.objects.get(pk=newest)


def _review_share(studies: Sequence[ThresholdStudy]) -> dict[float, float]:
    """Weighted by the labels behind each study."""
    total = sum(s.n for s in studies) or 1
    shares: dict[float, float] = defaultdict(float)
    for study in studies:
        points: list[dict[str, Any]] = study.result["curve"]
        for point in points:
            shares[point["threshold"]] += point["review_share"] * study.n / total
    return dict(shares)
