"""The public JSON of threshold studies, built once; the computed part is also what is stored."""

from typing import Any

import msgspec

from feedback.models import ThresholdStudy
from feedback.stats.cost_study import CostStudy
from feedback.stats.label_thresholds import LabelStudies, LabelStudy
from feedback.stats.objective import Objective, ObjectiveStudy
from feedback.stats.slices import SliceStudies
from feedback.stats.thresholds import ThresholdStudy as Study
from feedback.stats.zone import CriticalZone
from hitl.core.clock import rfc3339


class CurvePointOut(msgspec.Struct, frozen=True):
    """One threshold. `tested`, `tested_wrong`: the records `error_upper` rests on."""

    threshold: float
    automated: int
    review_share: float
    error: float | None
    error_upper: float
    tested: int
    tested_wrong: int


class PeakOut(msgspec.Struct, frozen=True):
    """What holds for the peak budget; read as the fields of the study itself."""

    max_error: float
    naive_threshold: float | None
    guaranteed_threshold: float | None
    attainable: bool
    certified: list[float]
    reason: str | None
    best_threshold: float | None
    labels_needed: int | None


class PairCostOut(msgspec.Struct, frozen=True):
    """What deciding `decided` costs where `truth` is right; null: any label."""

    cost: float
    truth: str | None
    decided: str | None


class CostsOut(msgspec.Struct, frozen=True):
    """Per case: a review, an error that no pair names, and errors by pair."""

    review: float
    error: float
    pairs: list[PairCostOut]


class CostPointOut(msgspec.Struct, frozen=True):
    """The expected cost per case with its pointwise 95 % interval; `threshold` null: every case is reviewed."""

    threshold: float | None
    cost: float
    low: float
    high: float


class CostOut(msgspec.Struct, frozen=True):
    """Cost per case over the grid. `cheapest` counts every threshold, `certified` those that hold the error budget with
    its guarantee; only that one may go live, null with the `reason`. `similar`: the lowest and highest threshold whose
    cost cannot be told from the cheapest's.
    """

    curve: list[CostPointOut]
    review_all: CostPointOut
    cheapest: CostPointOut | None
    cheapest_is_certified: bool
    similar: list[float] | None
    certified: CostPointOut | None
    reason: str | None


class FoundOut(msgspec.Struct, frozen=True):
    """A study of some of the cases. `automated`, `error`, `error_upper`: at the guaranteed threshold, null without."""

    n: int
    naive_threshold: float | None
    guaranteed_threshold: float | None
    attainable: bool
    automated: int | None
    error: float | None
    error_upper: float | None
    reason: str | None
    best_threshold: float | None
    labels_needed: int | None


class LabelFoundOut(FoundOut, frozen=True, kw_only=True):
    """The cases predicted as `label`; `share`: of all cases."""

    label: str
    share: float | None


class LabelsOut(msgspec.Struct, frozen=True):
    """Thresholds per predicted label, certified together: each at `delta_each`."""

    delta_each: float
    automated_share: float | None
    labels: list[LabelFoundOut]


class SliceFoundOut(FoundOut, frozen=True, kw_only=True):
    """`kind` “label”: cases predicted as `value`; “segment”: cases whose segment `name` is `value`."""

    kind: str
    name: str
    value: str


class SlicesOut(msgspec.Struct, frozen=True):
    """Slices by themselves, where all cases together are not attainable: each at `delta_each`, the largest first.
    `too_small`: slices with too few labels to be certified without a single error.
    """

    delta_each: float | None
    too_small: int
    slices: list[SliceFoundOut]


class ZoneShareOut(msgspec.Struct, frozen=True):
    """With Wilson's 95 % interval; null where there is nothing to estimate it from."""

    value: float | None
    low: float | None
    high: float | None


class ZoneOut(msgspec.Struct, frozen=True):
    """The cases stated from `low` to below `high`, under `threshold` (null: every case is reviewed).

    `volume`: share of all cases. `error`: of the machine, whoever decides. `errors`, `reviews`, `cost_share`: share of
    all its errors, of all reviews, of the total cost. `reviewed`: share of these cases that people decide.
    """

    low: float
    high: float
    threshold: float | None
    n: int
    volume: ZoneShareOut
    error: ZoneShareOut
    errors: ZoneShareOut
    reviewed: ZoneShareOut
    reviews: ZoneShareOut
    cost: float | None
    cost_share: float | None


class StudyOut(msgspec.Struct, frozen=True):
    """A threshold study. Without `id` and `created_at` it was not stored.

    `guaranteed_threshold` null: not attainable, and `reason` says what would help. `peak`: the second budget, certified
    jointly (each at half of `delta`); absent where none was asked for. `recommended_threshold`: the best certified one
    for the objective; null where none may go live, and for `per_label`, whose thresholds are in `per_label`.
    `uncalibrated`: labels on the model's own scale, which no policy automates on; null: not recorded. Each of the
    certified parts (all cases, `per_label`, `slices`) spends the whole of `delta`: choose before you look.
    """

    task_type: str
    model_version: str | None
    slice: dict[str, Any]
    max_error: float
    delta: float
    n: int
    curve: list[CurvePointOut]
    naive_threshold: float | None
    guaranteed_threshold: float | None
    attainable: bool
    certified: list[float]
    reason: str | None
    best_threshold: float | None
    labels_needed: int | None
    objective: Objective
    costs: CostsOut | None
    recommended_threshold: float | None
    cost: CostOut | None = None
    per_label: LabelsOut | None = None
    critical_zone: ZoneOut | None = None
    slices: SlicesOut | None = None
    uncalibrated: int | None = None
    peak: PeakOut | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET
    created_at: str | msgspec.UnsetType = msgspec.UNSET


def study_result(study: Study, peak: Study | None = None) -> dict[str, Any]:
    """The computed part of a study as plain JSON; what `ThresholdStudy.result` stores. `peak`: certified with it."""
    joint = {} if peak is None else {"peak": {"max_error": peak.max_error} | _findings(peak)}
    return {"curve": [msgspec.to_builtins(point) for point in study.curve]} | _findings(study) | joint


def _findings(study: Study) -> dict[str, Any]:
    return {
        "naive_threshold": study.naive_threshold,
        "guaranteed_threshold": study.guaranteed_threshold,
        "attainable": study.attainable,
        "certified": list(study.certified),
        "reason": study.reason,
        "best_threshold": study.best_threshold,
        "labels_needed": study.labels_needed,
    }


def objective_result(found: ObjectiveStudy) -> dict[str, Any]:
    """All that was found as plain JSON: `study_result`, and what the objective adds."""
    return study_result(found.joint.normal, found.joint.peak) | {
        "recommended_threshold": found.recommended,
        "cost": found.cost and _cost(found.cost),
        "per_label": found.labels and _labels(found.labels),
        "critical_zone": _zone(found.zone),
        "slices": found.slices and _slices(found.slices),
    }


def _cost(cost: CostStudy) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(cost)
    return found | {"cheapest_is_certified": cost.cheapest_is_certified}


def _labels(labels: LabelStudies) -> dict[str, Any]:
    return {
        "delta_each": labels.delta_each,
        "automated_share": labels.automated_share,
        "labels": [_label(one) for one in labels.labels],
    }


def _label(one: LabelStudy) -> dict[str, Any]:
    return {"label": one.label, "share": one.share} | _found(one.study)


def _slices(slices: SliceStudies) -> dict[str, Any]:
    return {
        "delta_each": slices.delta_each,
        "too_small": slices.too_small,
        "slices": [key._asdict() | _found(one) for key, one in slices.slices],
    }


def _found(study: Study) -> dict[str, Any]:
    at = next((p for p in study.curve if p.threshold == study.guaranteed_threshold), None)
    figures = {name: getattr(at, name, None) for name in ("automated", "error", "error_upper")}
    return {"n": study.n} | figures | {key: value for key, value in _findings(study).items() if key != "certified"}


def _zone(zone: CriticalZone) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(zone)
    return found


class StudyAbout(msgspec.Struct, frozen=True):
    """What a study was asked: the part of the answer that is not found out."""

    task_type: str
    model_version: str | None
    slice: dict[str, Any]
    objective: str
    costs: dict[str, Any] | None
    max_error: float
    delta: float


def fresh_study_out(about: StudyAbout, found: ObjectiveStudy) -> StudyOut:
    """A study that is not stored."""
    figures = msgspec.to_builtins(about) | {"n": found.joint.normal.n}
    return msgspec.convert(figures | objective_result(found), StudyOut)


def stored_study_out(row: ThresholdStudy) -> StudyOut:
    """A stored study, with its task type. One of before objectives recommends its guaranteed threshold."""
    about = StudyAbout(
        row.task_type.slug, row.model_version, row.slice, row.objective, row.costs, row.max_error, row.delta
    )
    recommended = {"recommended_threshold": row.result["guaranteed_threshold"]}
    stored = {"id": str(row.pk), "created_at": rfc3339(row.created_at), "n": row.n}
    return msgspec.convert(msgspec.to_builtins(about) | stored | recommended | row.result, StudyOut)


class StudySummaryOut(msgspec.Struct, frozen=True):
    """A stored study without its curves; `GET /threshold-studies/{id}` has them."""

    id: str
    task_type: str
    model_version: str | None
    slice: dict[str, Any]
    objective: Objective
    max_error: float
    delta: float
    n: int
    naive_threshold: float | None
    guaranteed_threshold: float | None
    recommended_threshold: float | None
    attainable: bool
    created_at: str


class StudyList(msgspec.Struct, frozen=True):
    results: list[StudySummaryOut]
    next: str | None


def study_summary_out(row: Any) -> StudySummaryOut:
    """A row of `selectors.studies_for_actor`."""
    most = row.objective == Objective.MOST_AUTOMATION
    return StudySummaryOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        model_version=row.model_version,
        slice=row.slice,
        objective=Objective(row.objective),
        max_error=row.max_error,
        delta=row.delta,
        n=row.n,
        naive_threshold=row.naive,
        guaranteed_threshold=row.guaranteed,
        recommended_threshold=row.guaranteed if most else row.recommended,
        attainable=row.guaranteed is not None,
        created_at=rfc3339(row.created_at) or "",
    )
