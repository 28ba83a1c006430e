"""What is in force now for a task type, in one cheap query.

Compiled snapshots are kept per process, by what they were made of.
"""

import logging
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import jsonschema_rs
import msgspec

from hitl.core.rows import run_pipelined
from routing.engine.adjustments import Adjusted, AdjustedThreshold, Adjustments
from routing.engine.calibration import CalibrationMap
from routing.engine.canary import Canary
from routing.engine.disagreement import DisagreementModel as FittedModel
from routing.engine.document import PolicyDocument, decode_document
from routing.engine.policy import CompiledPolicy, Snapshot, compile_policy
from routing.engine.route import RiskLevel
from routing.engine.schemas import compile_schema
from routing.engine.specs import ModelStatus, TaskSpec, TierSpec
from routing.models import Adjustment, Calibration, DisagreementModel, PolicyVersion, TaskType, Tier

log = logging.getLogger(__name__)
Status = PolicyVersion.Status

# xmin changes with every write of a row, so the pair (rows, newest xmin) stamps a small table.
_IN_FORCE = """
SELECT t.id, t.xmin::text, t.machine_stopped, w.machine_stopped, v.id,
       (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'kind', a.kind, 'model_version', a.model_version,
                                            'value', a.value, 'declared', a.declared, 'reason', a.reason))::text
        FROM routing_adjustment a WHERE a.policy_id = p.id AND a.until IS NULL AND a.policy_version_id = v.id),
       (SELECT count(*) || ':' || max(x.xmin::text::bigint) FROM routing_tier x WHERE x.workspace_id = t.workspace_id),
       k.id, k.canary_share,
       (SELECT array_agg(s.id ORDER BY s.id) FROM routing_policyversion s
        WHERE s.policy_id = p.id AND s.status = 'shadow'),
       (SELECT array_agg(m.name || chr(10) || m.status ORDER BY m.name) FROM routing_modelversion m
        WHERE m.task_type_id = t.id AND m.status <> 'accepted')
FROM routing_tasktype t
JOIN accounts_workspace w ON w.id = t.workspace_id
LEFT JOIN routing_policy p ON p.task_type_id = t.id
LEFT JOIN routing_policyversion v ON v.policy_id = p.id AND v.status = 'active'
LEFT JOIN routing_policyversion k ON k.policy_id = p.id AND k.status = 'canary'
WHERE t.workspace_id = %s AND t.slug = %s
"""


@dataclass(frozen=True, slots=True)
class InForce:
    """Everything that decides about one task type at this moment.

    `snapshot`: of the active version; without one (`policy_version_id` null) people decide. `stop_reason` null:
    machines may decide; `button_reason`: only where a stop button is pressed. `adjustment_ids`: the rows behind
    `snapshot.adjustments`, stored with every route of the active version. `canary`, `canary_version_id`: the version
    that decides a share of the cases, or null. `shadows`: versions that are asked and never followed, by id. What
    adjustments moved belongs to the active version alone.
    """

    task_type: TaskType
    policy_version_id: uuid.UUID | None
    snapshot: Snapshot
    tiers: dict[str, uuid.UUID]
    validator: jsonschema_rs.Validator
    stop_reason: str | None
    adjustment_ids: tuple[uuid.UUID, ...] = ()
    button_reason: str | None = None
    canary_version_id: uuid.UUID | None = None
    canary: Canary | None = None
    shadows: tuple[tuple[uuid.UUID, Snapshot], ...] = ()


def in_force(workspace_id: uuid.UUID, slug: str) -> InForce | None:
    """What is in force; null when the workspace has no such task type. One query when nothing changed."""
    (rows,) = run_pipelined((_IN_FORCE, [workspace_id, slug]))
    if not rows:
        return None
    ((task_type_id, stamp, type_stopped, all_stopped, version_id, adjusted, tiers_stamp, *beside),) = rows
    canary_id, share, shadow_ids, held = beside
    parts = _parts(task_type_id, stamp, tiers_stamp, tuple(held or ()))
    pressed = "the stop button of the workspace is set" if all_stopped else None
    if type_stopped:
        pressed = "the stop button of this task type is set"
    adjustments, adjustment_ids = _decoded(adjusted) if adjusted else (Adjustments(), ())
    active = parts.under(compiled_version(version_id) if version_id else _no_policy())
    canary = Canary(parts.under(compiled_version(canary_id)), share, f"canary:{canary_id}") if canary_id else None
    return InForce(
        task_type=parts.task_type,
        policy_version_id=version_id,
        snapshot=replace(active, adjustments=adjustments),
        tiers=parts.tier_ids,
        validator=parts.validator,
        stop_reason=pressed or (None if version_id else "no policy is active for this task type"),
        adjustment_ids=adjustment_ids,
        button_reason=pressed,
        canary_version_id=canary_id,
        canary=canary,
        shadows=tuple(_shadows(parts, shadow_ids or ())),
    )


class _Stored(msgspec.Struct, frozen=True):
    """An adjustment's row, as far as the engine needs it."""

    id: uuid.UUID
    kind: str
    model_version: str
    value: float
    declared: float | None
    reason: str


@lru_cache(maxsize=256)
def _decoded(stored: str) -> tuple[Adjustments, tuple[uuid.UUID, ...]]:
    rows = msgspec.json.decode(stored, type=list[_Stored])
    return _adjustments(rows), tuple(sorted(row.id for row in rows))


def _adjustments(rows: Iterable[_Stored | Adjustment]) -> Adjustments:
    """Kinds that this release does not know are left out."""
    rate, thresholds = None, {}
    for row in rows:
        if row.kind == Adjustment.Kind.AUDIT_RATE:
            rate = Adjusted(row.value, row.reason)
        elif row.kind == Adjustment.Kind.THRESHOLD and row.declared is not None:
            thresholds[row.model_version] = AdjustedThreshold(row.value, row.declared, row.reason)
    return Adjustments(audit_rate=rate, thresholds=thresholds)


def adjustments_of(ids: Collection[uuid.UUID]) -> Adjustments:
    """What the adjustments stored with a route said: with them replay gives the route again."""
    return _adjustments(Adjustment.objects.filter(pk__in=ids)) if ids else Adjustments()


@dataclass(frozen=True, slots=True)
class _Parts:
    task_type: TaskType
    task: TaskSpec
    tiers: tuple[TierSpec, ...]
    tier_ids: dict[str, uuid.UUID]
    validator: jsonschema_rs.Validator

    def under(self, policy: CompiledPolicy) -> Snapshot:
        return Snapshot(policy=policy, tiers=self.tiers, task=self.task)


@lru_cache(maxsize=256)
def _parts(task_type_id: uuid.UUID, _stamp: str, _tiers: str, held: tuple[str, ...]) -> _Parts:
    task_type = TaskType.objects.get(pk=task_type_id)
    tiers = list(Tier.objects.filter(workspace_id=task_type.workspace_id).order_by("rank"))
    names = (line.rpartition("\n") for line in held)
    models = {name: ModelStatus(status) for name, _, status in names}
    return _Parts(
        task_type=task_type,
        task=task_spec(task_type, models),
        tiers=tuple(tier_spec(t) for t in tiers),
        tier_ids={t.slug: t.pk for t in tiers},
        validator=compile_schema(task_type.input_schema or True),
    )


def _shadows(parts: _Parts, ids: Sequence[uuid.UUID]) -> Iterator[tuple[uuid.UUID, Snapshot]]:
    """A shadow that cannot be read must not keep live cases out, so it is left out and logged."""
    for version_id in ids:
        try:
            yield version_id, parts.under(compiled_version(version_id))
        except Exception:
            log.exception("shadow_not_readable", extra={"policy_version": str(version_id)})


@lru_cache(maxsize=256)
def compiled_version(version_id: uuid.UUID) -> CompiledPolicy:
    """The compiled policy of an immutable version, with the calibrations its document names."""
    version = PolicyVersion.objects.select_related("policy").get(pk=version_id)
    document = decode_document(version.document)
    refs = document.calibrations
    wanted = [ref.version for ref in refs] + [own.version for ref in refs for own in ref.slices]
    rows = Calibration.objects.filter(task_type_id=version.policy.task_type_id, version__in=wanted)
    maps = {row.version: calibration_map(row) for row in rows.defer("metrics")}
    return compile_policy(
        document,
        calibrations={(r.model_version, r.confidence_source): maps[r.version] for r in refs if r.version in maps},
        slices=maps,
        version=version.number,
        salt=str(version.policy_id),
        disagreement=_pinned_model(version.policy.task_type_id, document),
    )


def _pinned_model(task_type_id: uuid.UUID, document: PolicyDocument) -> FittedModel | None:
    """The disagreement model the document names; null where it names none, or one that cannot be read."""
    if document.disagreement is None:
        return None
    rows = DisagreementModel.objects.filter(task_type_id=task_type_id, version=document.disagreement.model)
    found = rows.defer("metrics").first()
    try:
        return None if found is None else disagreement_model(found)
    except ValueError:  # the limit then has no value to compare, and people decide
        log.exception("disagreement model %s cannot be read", found)
        return None


def snapshot_of_version(version: PolicyVersion) -> Snapshot:
    """A version as it would decide today: its document, with the task type and the tiers as they are now.

    `version` with its policy's task type. Stop buttons are no part of it.
    """
    task_type = version.policy.task_type
    tiers = Tier.objects.filter(workspace_id=version.workspace_id).order_by("rank")
    policy = compiled_version(version.pk)
    return Snapshot(policy=policy, tiers=tuple(tier_spec(t) for t in tiers), task=task_spec(task_type))


@lru_cache(maxsize=1)
def _no_policy() -> CompiledPolicy:
    return compile_policy(decode_document({"thresholds": {"default": None}}), calibrations={}, version=0, salt="none")


@dataclass(frozen=True, slots=True)
class Standing:
    """The numbers of a policy's versions: in force, canary (null: none), in shadow, and drafted or approved."""

    active: int | None = None
    canary: int | None = None
    shadows: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()


def standing_of(policy_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """The standing of every one of these policies, in one query."""
    standing = (Status.DRAFT, Status.APPROVED, Status.SHADOW, Status.CANARY, Status.ACTIVE)
    rows = PolicyVersion.objects.filter(policy_id__in=policy_ids, status__in=standing).order_by("number")
    found = dict.fromkeys(policy_ids, Standing())
    for policy_id, status, number in rows.values_list("policy_id", "status", "number"):
        before = found[policy_id]
        if status == Status.SHADOW:
            found[policy_id] = replace(before, shadows=(*before.shadows, number))
        elif status == Status.CANARY:
            found[policy_id] = replace(before, canary=number)
        elif status == Status.ACTIVE:
            found[policy_id] = replace(before, active=number)
        else:
            found[policy_id] = replace(before, waiting=(*before.waiting, number))
    return found


def pinned_disagreement_models(task_type_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Task type → the disagreement model its policy in force asks; absent where it asks none."""
    active = PolicyVersion.objects.filter(policy__task_type_id__in=task_type_ids, status=PolicyVersion.Status.ACTIVE)
    pinned = active.values_list("policy__task_type_id", "document__disagreement__model")
    return {task_type_id: model for task_type_id, model in pinned if model is not None}


def disagreement_model(row: DisagreementModel) -> FittedModel:
    """The stored fit as the engine evaluates it."""
    return FittedModel.from_json(row.version, row.trees, row.calibration)


def calibration_map(row: Calibration) -> CalibrationMap:
    """The stored fit as the engine's map."""
    return CalibrationMap.from_json(
        {"method": row.method, "parameters": row.parameters, "version": row.version, "n": row.n}
    )


def tier_spec(tier: Tier) -> TierSpec:
    """A tier as the engine sees it."""
    return TierSpec(
        slug=tier.slug,
        rank=tier.rank,
        automated=tier.automated,
        max_complexity=tier.max_complexity,
        expertise=frozenset(tier.expertise),
        sla_s=tier.sla_s,
        max_error_cost=tier.max_error_cost,
    )


def task_spec(task_type: TaskType, models: Mapping[str, ModelStatus] | None = None) -> TaskSpec:
    """A task type as the engine sees it; stop buttons are given per evaluation, never cached.

    models: the model versions that may not act.
    """
    return TaskSpec(
        slug=task_type.slug,
        labels=task_type.label_values,
        risk=RiskLevel(task_type.static_risk),
        reversible=task_type.reversible,
        safest_label=task_type.safest_label or None,
        models=models or {},
    )
