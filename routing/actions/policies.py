"""The life of a policy version, one action per arrow (docs/policy-life.md).

Propose → approve (four eyes) → shadow → canary → activate → retire; any step but approval may be left out. Reject,
withdraw from a trial, and roll back in one step.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from audit.actions.events import Change, Subject, build_message, record_event
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, FieldProblem, Forbidden, NotFound, Refused
from hitl.core.permissions import Permission
from routing.access import require_configure
from routing.actions.configure import sign
from routing.actions.rule_tests import require_passing_tests
from routing.documents import complete_document
from routing.engine.adapters import AdapterRule
from routing.engine.canary import MAX_SHARE
from routing.engine.cascade import JudgeLayer
from routing.engine.document import PolicyDocument, PolicyError, PolicyProblem, decode_document, problems_in_place
from routing.engine.slices import slice_of
from routing.models import Calibration, DisagreementModel, ModelEndpoint, Policy, PolicyVersion, TaskType, Tier

Status = PolicyVersion.Status


@dataclass(frozen=True, slots=True)
class Trigger:
    """What moves a version: from which states, to which, and the event's name."""

    sources: frozenset[str]
    target: str
    event: str


_TRIED = frozenset({Status.SHADOW, Status.CANARY})
_APPROVED = _TRIED | {Status.APPROVED}
TRIGGERS: Mapping[str, Trigger] = {
    "approve": Trigger(frozenset({Status.DRAFT}), Status.APPROVED, "policyversion.approved"),
    "reject": Trigger(_APPROVED | {Status.DRAFT}, Status.REJECTED, "policyversion.rejected"),
    "shadow": Trigger(frozenset({Status.APPROVED}), Status.SHADOW, "policyversion.shadowed"),
    "canary": Trigger(_APPROVED, Status.CANARY, "policyversion.canary_set"),
    "withdraw": Trigger(_TRIED, Status.APPROVED, "policyversion.withdrawn"),
    "activate": Trigger(_APPROVED, Status.ACTIVE, "policyversion.activated"),
    "retire": Trigger(frozenset({Status.ACTIVE}), Status.RETIRED, "policyversion.retired"),
    "restore": Trigger(frozenset({Status.RETIRED}), Status.ACTIVE, "policyversion.activated"),
}
MAX_SHADOWS = 3
"""Versions of one policy in shadow at a time; each is asked for every case, so this bounds what intake costs."""


@transaction.atomic
def propose_version(
    *, actor: Actor, policy: Policy, document: object, note: str = "", study: Mapping[str, Any] | None = None
) -> PolicyVersion:
    """A draft with the next number. `document`: decoded JSON; stored complete, with every default written out.

    `study`: the threshold study that argues for it, or ``{"studies": […]}``. Raises Forbidden, NotFound, Refused
    (`policy_does_not_compile`) with the place of each error.
    """
    require_configure(actor, Permission.PROPOSE_POLICIES)
    policy = locked_policy(actor, policy.pk)
    complete = checked_document(policy.task_type, document)
    last = policy.versions.aggregate(last=Max("number"))["last"] or 0
    version = PolicyVersion(
        workspace_id=policy.workspace_id,
        policy=policy,
        number=last + 1,
        document=complete,
        note=note,
        study=None if study is None else dict(study),
        proposed_by_id=actor.user_id,
        created_at=now(),
    )
    sign(version, actor)
    version._change_reason = note  # type: ignore[attr-defined]
    version.save(force_insert=True)
    _record(actor, "policyversion.proposed", version, None, note)
    return version


def checked_document(task_type: TaskType, document: object) -> dict[str, Any]:
    """The document with all its defaults. Raises Refused (`policy_does_not_compile`) with every place that is wrong."""
    try:
        decoded = decode_document(document)
    except PolicyError as error:
        raise _does_not_compile(error.problems) from None
    tiers = tuple(Tier.objects.filter(workspace_id=task_type.workspace_id).values_list("slug", flat=True))
    problems = problems_in_place(decoded, labels=task_type.label_values, tiers=tiers)
    problems += _unknown_calibrations(task_type, decoded)
    problems += _unknown_disagreement_model(task_type, decoded)
    problems += _unknown_endpoints(task_type, decoded)
    if problems:
        raise _does_not_compile(problems)
    return complete_document(decoded)


@transaction.atomic
def approve_version(*, actor: Actor, version: PolicyVersion, reason: str = "") -> PolicyVersion:
    """Four eyes: a supervisor other than the proposer; the rules' tests pass, and a replay where the policy wants one.

    Raises Forbidden (`four_eyes`), Refused (`rule_tests_fail`), Conflict (`wrong_status`, `replay_required`).
    """
    _require_person(actor)
    policy = locked_policy(actor, version.policy_id)
    if version.proposed_by_id == actor.user_id:
        raise Forbidden("Another person than the proposer must approve.", code="four_eyes")
    if policy.replay_first and not policy.versions.filter(pk=version.pk, replayed_at__isnull=False).exists():
        raise Conflict("This policy wants every version replayed over past cases first.", code="replay_required")
    require_passing_tests(policy.task_type, version.document)
    return move_version(actor, policy, version.pk, "approve", reason, approved_by_id=actor.user_id, approved_at=now())


@transaction.atomic
def reject_version(*, actor: Actor, version: PolicyVersion, reason: str = "") -> PolicyVersion:
    """Refuse a draft or take back an approval. Raises Forbidden, Conflict (`wrong_status`)."""
    _require_person(actor)
    return move_version(actor, locked_policy(actor, version.policy_id), version.pk, "reject", reason)


@transaction.atomic
def start_shadow(*, actor: Actor, version: PolicyVersion, reason: str = "") -> PolicyVersion:
    """Ask this version too for every live case, and never follow it. Raises also Conflict (`too_many_shadows`)."""
    _require_person(actor)
    policy = locked_policy(actor, version.policy_id)
    check_trigger(policy.versions.get(pk=version.pk), "shadow")
    if policy.versions.filter(status=Status.SHADOW).exclude(pk=version.pk).count() >= MAX_SHADOWS:
        raise Conflict(f"{MAX_SHADOWS} versions are in shadow already; withdraw one.", code="too_many_shadows")
    return move_version(actor, policy, version.pk, "shadow", reason)


@transaction.atomic
def start_canary(*, actor: Actor, version: PolicyVersion, share: float, reason: str = "") -> PolicyVersion:
    """Let this version decide a stable share of the cases; on a canary, another share.

    Raises also Refused (`share_out_of_range`), Conflict (`no_active_version`, `canary_exists`).
    """
    _require_person(actor)
    if not 0.0 < share <= MAX_SHARE:
        problem = FieldProblem("/share", f"Give a share above 0 and at most {MAX_SHARE}.", "share_out_of_range")
        raise Refused(problem.detail, code=problem.code, errors=[problem])
    policy = locked_policy(actor, version.policy_id)
    check_trigger(policy.versions.get(pk=version.pk), "canary")
    others = policy.versions.exclude(pk=version.pk)
    if not others.filter(status=Status.ACTIVE).exists():
        raise Conflict("No version is in force that would decide the other cases.", code="no_active_version")
    running = others.filter(status=Status.CANARY).first()
    if running is not None:
        raise Conflict(f"Version {running.number} is the canary already; withdraw it.", code="canary_exists")
    return move_version(actor, policy, version.pk, "canary", reason, canary_share=share)


@transaction.atomic
def withdraw_version(*, actor: Actor, version: PolicyVersion, reason: str = "") -> PolicyVersion:
    """End a version's trial, in shadow or as canary; it stays approved. Raises as `reject_version`."""
    _require_person(actor)
    return move_version(actor, locked_policy(actor, version.policy_id), version.pk, "withdraw", reason)


@transaction.atomic
def activate_version(*, actor: Actor, version: PolicyVersion, reason: str = "") -> PolicyVersion:
    """Put an approved version in force, also straight from its trial.

    The active one retires, and another's canary ends, in the same transaction. Raises as `approve_version`.
    """
    _require_person(actor)
    return put_in_force(actor, locked_policy(actor, version.policy_id), version.pk, "activate", reason)


@transaction.atomic
def retire_version(*, actor: Actor, version: PolicyVersion, reason: str = "") -> PolicyVersion:
    """Take the active version out of force; people decide until another is activated. Raises as `approve_version`."""
    _require_person(actor)
    policy, at = locked_policy(actor, version.policy_id), now()
    retired = move_version(actor, policy, version.pk, "retire", reason, at, retired_at=at)
    _end_canary(actor, policy, version.pk, "no version is in force beside it", at)
    return retired


@transaction.atomic
def rollback_policy(
    *, actor: Actor, policy: Policy, reason: str = "", from_version: int | None = None
) -> PolicyVersion:
    """Put the version that was in force before back in force, in one step, by one person.

    from_version: the number believed to be in force, so that a second press of the button does not undo the first.
    Raises Forbidden, Conflict (`nothing_to_roll_back_to`, `not_in_force`).
    """
    _require_person(actor)
    policy = locked_policy(actor, policy.pk)
    active = policy.versions.filter(status=Status.ACTIVE).first()
    if from_version is not None and (active is None or active.number != from_version):
        raise Conflict(f"Version {from_version} is not in force any more.", code="not_in_force")
    before = policy.versions.filter(status=Status.RETIRED).order_by("-retired_at").first()
    if before is None:
        raise Conflict("No version was in force before.", code="nothing_to_roll_back_to")
    restored = put_in_force(actor, policy, before.pk, "restore", reason or "rolled back")
    change = Change({"version": active and active.number}, {"version": restored.number}, reason)
    record_event(actor=actor, action="policy.rolled_back", subject=Subject("policy", policy.pk), change=change)
    return restored


@transaction.atomic
def note_replayed(*, actor: Actor, version: PolicyVersion) -> PolicyVersion:
    """Remember that this version was replayed over past cases, which some policies want before approval."""
    require_configure(actor, Permission.WRITE_POLICIES)
    policy = locked_policy(actor, version.policy_id)
    row = policy.versions.get(pk=version.pk)
    row.policy, row.replayed_at = policy, now()
    sign(row, actor)
    row._change_reason = "replayed"  # type: ignore[attr-defined]
    row.save(update_fields=["replayed_at"])
    _record(actor, "policyversion.replayed", row, row.status, "")
    return row


@transaction.atomic
def activate_initial_version(*, actor: Actor, version: PolicyVersion, reason: str) -> PolicyVersion:
    """Approve and activate a policy's first version at once; for the operator's command only, and the event says so.

    There is nothing in force yet that a second person could protect. Raises Forbidden, Conflict (`not_initial`),
    Refused (`rule_tests_fail`).
    """
    require_configure(actor)
    policy = locked_policy(actor, version.policy_id)
    if policy.versions.exclude(activated_at=None).exists():
        raise Conflict("A version was in force already; this one needs a supervisor's approval.", code="not_initial")
    require_passing_tests(policy.task_type, version.document)
    move_version(actor, policy, version.pk, "approve", reason, approved_at=now())
    return put_in_force(actor, policy, version.pk, "activate", reason)


@transaction.atomic
def set_task_type_stopped(*, actor: Actor, task_type: TaskType, stopped: bool, reason: str) -> bool:
    """The stop button of one task type: while set, no machine decides its cases. Whether this call changed it.

    Raises Forbidden, NotFound, Refused (`reason_required`).
    """
    actor.require(Permission.STOP_MACHINE)
    if not (reason := reason.strip()):
        problem = FieldProblem("/reason", "Say why.", "reason_required")
        raise Refused("Say why.", code="reason_required", errors=[problem])
    row = TaskType.objects.select_for_update().filter(pk=task_type.pk, workspace_id=actor.workspace_id).first()
    if row is None:
        raise NotFound()
    if row.machine_stopped == stopped:
        return False
    row.machine_stopped = stopped
    sign(row, actor)
    row._change_reason = reason  # type: ignore[attr-defined]
    row.save(update_fields=["machine_stopped"])
    record_event(
        actor=actor,
        action=f"tasktype.machine_{'stopped' if stopped else 'resumed'}",
        subject=Subject("tasktype", row.pk),
        change=Change({"machine_stopped": not stopped}, {"machine_stopped": stopped}, reason),
    )
    return True


VERBS: Mapping[str, Callable[..., PolicyVersion]] = {
    "approve": approve_version,
    "reject": reject_version,
    "shadow": start_shadow,
    "canary": start_canary,
    "withdraw": withdraw_version,
    "activate": activate_version,
    "retire": retire_version,
}
"""What a person may do to one version, by the word that REST and pages use. Only `canary` takes a `share`."""


def put_in_force(actor: Actor, policy: Policy, version_id: uuid.UUID, trigger: str, reason: str) -> PolicyVersion:
    """Under the policy's lock, in the caller's transaction: what was in force retires, at the same instant."""
    at = now()
    active = policy.versions.filter(status=Status.ACTIVE).first()
    if active is not None and active.pk != version_id:
        because = f"replaced: {reason}" if reason else "replaced"
        move_version(actor, policy, active.pk, "retire", because, at, retired_at=at)
    _end_canary(actor, policy, version_id, "another version was put in force", at)
    version = move_version(actor, policy, version_id, trigger, reason, at, activated_at=at)
    payload = {"policy": policy.slug, "task_type": policy.task_type.slug, "version": version.number}
    build_message(actor=actor, type="policy.activated", payload=payload).save(force_insert=True)
    ring("delivery.relay_outbox")
    return version


def move_version(
    actor: Actor,
    policy: Policy,
    version_id: uuid.UUID,
    trigger: str,
    reason: str,
    at: datetime | None = None,
    **stamps: Any,
) -> PolicyVersion:
    """Compare-and-swap under the policy's lock, with history and event. at: what the history says, now by default."""
    rule = TRIGGERS[trigger]
    version = policy.versions.get(pk=version_id)
    version.policy = policy
    check_trigger(version, trigger)
    before, version.status = version.status, rule.target
    for name, value in ({"canary_share": None} | stamps).items():
        setattr(version, name, value)
    sign(version, actor)
    version._change_reason = reason  # type: ignore[attr-defined]
    version._history_date = at or now()  # type: ignore[attr-defined]
    version.save(update_fields=["status", "canary_share", *(name.removesuffix("_id") for name in stamps)])
    _record(actor, rule.event, version, before, reason)
    return version


def check_trigger(version: PolicyVersion, trigger: str) -> None:
    """Raises Conflict (`wrong_status`) where this status has no such arrow."""
    rule = TRIGGERS[trigger]
    if version.status not in rule.sources:
        detail = f"Version {version.number} is {version.status}; it cannot become {rule.target}."
        raise Conflict(detail, code="wrong_status")


def _end_canary(actor: Actor, policy: Policy, except_id: uuid.UUID, reason: str, at: datetime) -> None:
    """A canary is compared with what is in force, so it ends when that changes."""
    canary = policy.versions.filter(status=Status.CANARY).exclude(pk=except_id).first()
    if canary is not None:
        move_version(actor, policy, canary.pk, "withdraw", reason, at)


def _record(actor: Actor, event: str, version: PolicyVersion, before: str | None, reason: str) -> None:
    after: dict[str, Any] = {"policy": version.policy.slug, "number": version.number, "status": version.status}
    if version.canary_share is not None:
        after["share"] = version.canary_share
    if before is None:
        after["document"] = version.document
    record_event(
        actor=actor,
        action=event,
        subject=Subject("policyversion", version.pk),
        change=Change({"status": before} if before else None, after, reason, {"policy": version.number}),
    )


def locked_policy(actor: Actor, policy_id: uuid.UUID) -> Policy:
    """The policy under its row lock, so that versions of one policy move one at a time."""
    rows = Policy.objects.select_for_update(of=("self",)).select_related("task_type")
    policy = rows.filter(pk=policy_id, workspace_id=actor.workspace_id).first()
    if policy is None or not actor.sees_task_type(policy.task_type_id):
        raise NotFound()
    return policy


def _require_person(actor: Actor) -> None:
    """Putting a policy in force is a person's act, never a client's or a schedule's."""
    if actor.kind is not ActorKind.USER:
        raise Forbidden("A person must do this.", code="person_required")
    actor.require(Permission.APPROVE_POLICIES)


def _does_not_compile(problems: tuple[PolicyProblem, ...]) -> Refused:
    return Refused(
        "The policy does not compile; nothing was stored.",
        code="policy_does_not_compile",
        errors=[FieldProblem(f"/document{p.pointer}", _placed(p), p.code) for p in problems],
    )


def _placed(problem: PolicyProblem) -> str:
    if problem.line is None:
        return problem.detail
    return f"Line {problem.line}, column {problem.column}: {problem.detail}"


def _unknown_endpoints(task_type: TaskType, document: PolicyDocument) -> tuple[PolicyProblem, ...]:
    """Judges and adapters that nobody could ask, so that every case would go to a person."""
    rows = ModelEndpoint.objects.filter(workspace_id=task_type.workspace_id)
    known = set(rows.values_list("kind", "slug")) if document.cascade.judges or document.adapters else set()
    named = [
        *((f"/cascade/layers/{n}", "judge", j) for n, j in enumerate(document.cascade.layers)),
        *((f"/adapters/{n}", "adapter", rule) for n, rule in enumerate(document.adapters)),
    ]
    return tuple(
        PolicyProblem(f"{pointer}/endpoint", "unknown_endpoint", f"There is no {kind} called {asked.endpoint!r}.")
        for pointer, kind, asked in named
        if isinstance(asked, JudgeLayer | AdapterRule) and (kind, asked.endpoint) not in known
    )


def _unknown_calibrations(task_type: TaskType, document: PolicyDocument) -> tuple[PolicyProblem, ...]:
    """A calibration that does not exist would silently mean people; better to refuse the document."""
    if not document.calibrations:
        return ()
    rows = Calibration.objects.filter(task_type=task_type)
    fields = rows.values_list("model_version", "confidence_source", "version", "slice")
    known = {(model, source, version, slice_of(own)) for model, source, version, own in fields}
    named = [
        (f"/calibrations/{place}{where}", (ref.model_version, ref.confidence_source, version, own))
        for place, ref in enumerate(document.calibrations)
        for where, version, own in (
            ("", ref.version, None),
            *((f"/slices/{n}", each.version, each.slice) for n, each in enumerate(ref.slices)),
        )
    ]
    return tuple(
        PolicyProblem(pointer, "unknown_calibration", "There is no such calibration of this task type.")
        for pointer, wanted in named
        if wanted not in known
    )


def _unknown_disagreement_model(task_type: TaskType, document: PolicyDocument) -> tuple[PolicyProblem, ...]:
    """A model that does not exist would silently mean people."""
    wanted = document.disagreement
    if wanted is None or DisagreementModel.objects.filter(task_type=task_type, version=wanted.model).exists():
        return ()
    detail = f"This task type has no disagreement model {wanted.model}."
    return (PolicyProblem("/disagreement/model", "unknown_disagreement_model", detail),)
