"""The public JSON of task types, policies, versions and calibrations; and differences of documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from hitl.core.clock import rfc3339
from routing.models import Calibration, ModelVersion, Policy, PolicyVersion, TaskType
from routing.selectors import Standing


class TaskTypeOut(msgspec.Struct, frozen=True):
    """A kind of case. `error_costs`: pairs not named cost 1. `machine_stopped`: the stop button is set."""

    slug: str
    title: str
    labels: list[dict[str, Any]]
    input_schema: Any
    static_risk: str
    reversible: bool
    error_costs: list[dict[str, Any]]
    safest_label: str | None
    fallback: str
    default_mode: str
    sensitive_pointers: list[str]
    presentation: list[dict[str, Any]]
    form: dict[str, Any]
    questions: list[dict[str, Any]]
    label_rules: list[dict[str, Any]]
    error_budget: float
    recalibration: dict[str, Any]
    machine_stopped: bool


class TaskTypeList(msgspec.Struct, frozen=True):
    results: list[TaskTypeOut]
    next: str | None


class PolicyOut(msgspec.Struct, frozen=True):
    """A policy. `active_version` null: none is in force and people decide. `canary_version`: decides a share."""

    slug: str
    title: str
    task_type: str
    active_version: int | None
    canary_version: int | None
    shadow_versions: list[int]
    replay_first: bool


class PolicyList(msgspec.Struct, frozen=True):
    results: list[PolicyOut]
    next: str | None


class PolicyVersionOut(msgspec.Struct, frozen=True):
    """An immutable version. `proposed_by` null: hitl or a client. `study`: what argues for it, or null.

    `canary_share`: of the cases, while it is the canary. `licensed_by`: the version, approved by two people, whose
    bounds allowed this one without them.
    """

    policy: str
    number: int
    status: str
    document: dict[str, Any]
    note: str
    study: dict[str, Any] | None
    proposed_by: str | None
    approved_by: str | None
    created_at: str | None
    approved_at: str | None
    activated_at: str | None
    retired_at: str | None
    replayed_at: str | None
    canary_share: float | None
    licensed_by: int | None


class PolicyVersionList(msgspec.Struct, frozen=True):
    results: list[PolicyVersionOut]
    next: str | None


class CalibrationOut(msgspec.Struct, frozen=True):
    """A fitted map; `n` labels it was fitted on. `slice`: the cases it is for, empty for all of the model version."""

    id: str
    task_type: str
    model_version: str
    confidence_source: str
    slice: dict[str, Any]
    version: int
    method: str
    parameters: Any
    n: int
    metrics: Any
    created_at: str | None


class CalibrationList(msgspec.Struct, frozen=True):
    results: list[CalibrationOut]
    next: str | None


class ModelVersionOut(msgspec.Struct, frozen=True):
    """A partner's model. `status`: accepted; shadow (routed, but a person decides); withdrawn (never automates)."""

    id: str
    task_type: str
    name: str
    status: str
    first_seen_at: str | None


class ModelVersionList(msgspec.Struct, frozen=True):
    results: list[ModelVersionOut]
    next: str | None


def model_version_out(row: ModelVersion) -> ModelVersionOut:
    """`row` comes with its task type."""
    return ModelVersionOut(str(row.pk), row.task_type.slug, row.name, row.status, rfc3339(row.first_seen_at))


def task_type_out(row: TaskType) -> TaskTypeOut:
    return TaskTypeOut(
        slug=row.slug,
        title=row.title,
        labels=row.labels,
        input_schema=row.input_schema,
        static_risk=row.static_risk,
        reversible=row.reversible,
        error_costs=row.error_costs,
        safest_label=row.safest_label or None,
        fallback=row.fallback,
        default_mode=row.default_mode,
        sensitive_pointers=row.sensitive_pointers,
        presentation=row.presentation,
        form=row.form,
        questions=row.questions,
        label_rules=row.label_rules,
        error_budget=row.error_budget,
        recalibration=row.recalibration,
        machine_stopped=row.machine_stopped,
    )


def policy_out(row: Policy, standing: Standing) -> PolicyOut:
    """`row` comes with its task type."""
    return PolicyOut(
        slug=row.slug,
        title=row.title,
        task_type=row.task_type.slug,
        active_version=standing.active,
        canary_version=standing.canary,
        shadow_versions=list(standing.shadows),
        replay_first=row.replay_first,
    )


def version_out(row: PolicyVersion) -> PolicyVersionOut:
    """`row` comes with policy, proposer, approver and licence."""
    return PolicyVersionOut(
        policy=row.policy.slug,
        number=row.number,
        status=row.status,
        document=row.document,
        note=row.note,
        study=row.study,
        proposed_by=row.proposed_by.username if row.proposed_by else None,
        approved_by=row.approved_by.username if row.approved_by else None,
        created_at=rfc3339(row.created_at),
        approved_at=rfc3339(row.approved_at),
        activated_at=rfc3339(row.activated_at),
        retired_at=rfc3339(row.retired_at),
        replayed_at=rfc3339(row.replayed_at),
        canary_share=row.canary_share,
        licensed_by=row.licensed_by.number if row.licensed_by else None,
    )


def calibration_out(row: Calibration) -> CalibrationOut:
    """`row` comes with its task type."""
    return CalibrationOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        model_version=row.model_version,
        confidence_source=row.confidence_source,
        slice=row.slice,
        version=row.version,
        method=row.method,
        parameters=row.parameters,
        n=row.n,
        metrics=row.metrics,
        created_at=rfc3339(row.created_at),
    )


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One place that differs, as text; null means absent."""

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.field} {self.before or 'nothing'} → {self.after or 'nothing'}"


def document_changes(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """Where two JSON documents differ, leaf by leaf, in the order of the second; named entries are found by name."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    places = [*new, *(place for place in old if place not in new)]
    return tuple(FieldChange(p, old.get(p), new.get(p)) for p in places if old.get(p) != new.get(p))


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{place} › {key}" if place else str(key))
    elif isinstance(value, list | tuple) and value and all(isinstance(part, dict | list) for part in value):
        for number, part in enumerate(value, start=1):
            yield from _leaves(part, f"{place} › {_name(part, number)}")
    elif value is not None and value != [] and value != {}:
        yield place, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _name(part: Any, number: int) -> str:
    """A rule by its name, a threshold or calibration by what it is for, anything else by its place."""
    if not isinstance(part, dict):
        return str(number)
    if named := part.get("name") or part.get("value") or part.get("pointer"):
        return str(named)
    keys = [str(part[key]) for key in ("risk", "label", "model_version", "confidence_source") if part.get(key)]
    keys += [f"{key} {value}" for key, value in (part.get("segment") or {}).items()]
    return " ".join(keys) or str(number)
