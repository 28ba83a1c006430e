"""Threshold studies of stored labels (mission F6), on the half of cases no calibration was fitted on. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.certify import certify_half, record_of
from feedback.models import ThresholdStudy
from feedback.proposals import scale
from feedback.selectors import calibrations_in_force, labelled_predictions
from feedback.stats.costs import Costs, ErrorCost
from feedback.stats.objective import Objective, ObjectiveQuestion, objective_study
from feedback.structs import CostsIn, SliceIn
from feedback.study_payloads import objective_result
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.errors import FieldProblem, Forbidden, InvalidInput, Refused
from hitl.core.permissions import Scope
from routing.engine.policy import CalibrationKey
from routing.engine.slices import SlicedMap
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class StudyQuestion:
    """What to study. model_version null: all of them, each on its own scale. max_error, delta: strictly within 0–1.

    peak_error: a second budget, at least max_error, certified jointly. costs: needed by `least_cost`.
    """

    model_version: str | None
    slice: SliceIn
    max_error: float
    delta: float
    peak_error: float | None = None
    objective: Objective = Objective.MOST_AUTOMATION
    costs: CostsIn | None = None


def store_study(*, actor: Actor, task_type: TaskType, question: StudyQuestion) -> ThresholdStudy:
    """Study the stored labels of `task_type` and keep the result.

    Confidences are on the scale of the calibration in force, where there is none on the model's own. Raises Refused
    `unknown_label` for a slice or a cost by a label the task type does not have.
    """
    if actor.kind is not ActorKind.SYSTEM and Scope.POLICIES_READ not in actor.scopes:
        raise Forbidden("The scope `policies:read` is needed here.", code="scope_required")
    asked = objective_question(task_type, question)
    maps = calibrations_in_force(task_type.pk)
    labelled = labelled_predictions(
        task_type.pk,
        model_version=question.model_version,
        predicted=question.slice.label,
        segments=question.slice.segment,
    )
    predictions = certify_half(labelled)
    records = [record_of(p, maps.get((p.model_version, p.confidence_source))) for p in predictions]

    def segments() -> list[Mapping[str, str]]:
        return [{k: v for k, v in p.segments.items() if k not in question.slice.segment} for p in predictions]

    found = objective_study(records, asked, segments)
    scales = {(p.model_version, p.confidence_source) for p in predictions}
    row = ThresholdStudy(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        model_version=question.model_version,
        slice=slice_json(question.slice),
        calibrations=[_scale(key, maps[key]) for key in sorted(scales & set(maps))],
        max_error=question.max_error,
        peak_error=question.peak_error,
        delta=question.delta,
        objective=question.objective,
        costs=costs_json(asked.costs),
        n=found.joint.normal.n,
        result=objective_result(found)
        | {"uncalibrated": sum((p.model_version, p.confidence_source) not in maps for p in predictions)},
        created_at=now(),
    )
    with transaction.atomic():
        row.save(force_insert=True)
        record_event(
            actor=actor,
            action="thresholdstudy.stored",
            subject=Subject("thresholdstudy", row.pk),
            change=Change(
                after={
                    "n": row.n,
                    "objective": str(question.objective),
                    "guaranteed_threshold": found.joint.normal.guaranteed_threshold,
                    "recommended_threshold": found.recommended,
                }
            ),
        )
    return row


def objective_question(task_type: TaskType, question: StudyQuestion) -> ObjectiveQuestion:
    """The question as statistics takes it. Raises InvalidInput where parts do not go together, Refused
    `unknown_label`.
    """
    check_slice(task_type, question.slice)
    if question.peak_error is not None and question.peak_error < question.max_error:
        raise _wrong("/peak_error", "The budget at peak is at least the normal one.", "out_of_range")
    if question.objective is Objective.PER_LABEL and question.peak_error is not None:
        raise _wrong("/peak_error", "Thresholds per label are certified for one budget; leave this out.", "not_allowed")
    if question.objective is Objective.LEAST_COST and question.costs is None:
        raise _wrong("/costs", "The objective least_cost needs what a review and an error cost.", "required")
    labels = (question.slice.label,) if question.slice.label else tuple(task_type.label_values)
    return ObjectiveQuestion(
        max_error=question.max_error,
        delta=question.delta,
        peak_error=question.peak_error,
        objective=question.objective,
        costs=_costs(task_type, question.costs),
        labels=labels,
    )


def _wrong(pointer: str, detail: str, code: str) -> InvalidInput:
    return InvalidInput(errors=[FieldProblem(pointer, detail, code)])


def _costs(task_type: TaskType, given: CostsIn | None) -> Costs | None:
    """With the task type's own costs of pairs where none are given."""
    if given is None:
        return None
    if given.pairs is None:
        own = [ErrorCost(float(c["cost"]), c["truth"], c["decided"]) for c in task_type.error_costs]
        return Costs(given.review, given.error, tuple(own))
    for place, pair in enumerate(given.pairs):
        for name, label in (("truth", pair.truth), ("decided", pair.decided)):
            if label is not None and label not in task_type.label_values:
                raise _unknown_label(label, f"/costs/pairs/{place}/{name}")
    return Costs(given.review, given.error, tuple(ErrorCost(p.cost, p.truth, p.decided) for p in given.pairs))


def costs_json(costs: Costs | None) -> dict[str, object] | None:
    """As stored and answered."""
    if costs is None:
        return None
    pairs = [{"cost": p.cost, "truth": p.truth, "decided": p.decided} for p in costs.pairs]
    return {"review": costs.review, "error": costs.error, "pairs": pairs}


def _scale(key: CalibrationKey, maps: SlicedMap) -> dict[str, object]:
    own = [each.to_json() | {"version": mapping.version} for each, mapping in maps.slices if mapping is not None]
    return scale(*key, maps.parent.version, own)


def check_slice(task_type: TaskType, slice_: SliceIn) -> None:
    """Refuse a slice by a label that the task type does not have."""
    if slice_.label is not None and slice_.label not in task_type.label_values:
        raise _unknown_label(slice_.label, "/slice/label")


def _unknown_label(label: str, pointer: str) -> Refused:
    return Refused(
        f"“{label}” is not a label of this task type.",
        code="unknown_label",
        errors=[FieldProblem(pointer, "Give one of the task type's labels.", "unknown_label")],
    )


def slice_json(slice_: SliceIn) -> dict[str, object]:
    """The slice with what was named only."""
    return ({"label": slice_.label} if slice_.label else {}) | (
        {"segment": dict(slice_.segment)} if slice_.segment else {}
    )
