"""Set and end what automation may change between two versions of a policy. Only hitl's own schedule does."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.errors import Forbidden
from routing.models import Adjustment, AdjustmentLook, Policy, PolicyVersion


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value between bounds, and why. model_version: a threshold's. declared: what the version itself says.

    replaces: the adjustment it was chosen from; null: none was in force.
    """

    kind: Adjustment.Kind
    value: float
    declared: float
    lowest: float
    highest: float
    reason: str
    replaces: uuid.UUID | None
    model_version: str = ""


@transaction.atomic
def adjust_policy(*, actor: Actor, version: PolicyVersion, new: NewValue) -> Adjustment | None:
    """Put `new` in force for `version` from now on; null where version or adjustment were replaced meanwhile.

    Raises Forbidden for anyone but hitl itself, ValueError for a value outside its bounds.
    """
    _require_system(actor)
    if not new.lowest <= new.value <= new.highest:
        raise ValueError(f"{new.value!r} lies outside {new.lowest!r}..{new.highest!r}")
    policy = Policy.objects.select_for_update(of=("self",)).get(pk=version.policy_id)
    if not policy.versions.filter(pk=version.pk, status=PolicyVersion.Status.ACTIVE).exists():
        return None
    at = now()
    before = policy.adjustments.filter(kind=new.kind, model_version=new.model_version, until__isnull=True).first()
    if (before.pk if before else None) != new.replaces:
        return None
    if before is not None:
        Adjustment.objects.filter(pk=before.pk).update(until=at)
    row = Adjustment.objects.create(
        workspace_id=policy.workspace_id,
        policy=policy,
        policy_version=version,
        kind=new.kind,
        model_version=new.model_version,
        value=new.value,
        declared=new.declared,
        lowest=new.lowest,
        highest=new.highest,
        reason=new.reason,
        since=at,
    )
    was = new.declared if before is None or before.policy_version_id != version.pk else before.value
    record_event(
        actor=actor,
        action="policy.adjusted",
        subject=Subject("policy", policy.pk),
        change=Change(_said(row, was), _said(row, row.value), new.reason, {"policy": version.number}),
        at=at,
    )
    return row


@transaction.atomic
def end_adjustment(*, actor: Actor, adjustment_id: uuid.UUID, reason: str) -> bool:
    """From now on the policy's own value counts again. Whether this call ended it. Raises Forbidden."""
    _require_system(actor)
    at = now()
    if not Adjustment.objects.filter(pk=adjustment_id, until__isnull=True).update(until=at):
        return False
    row = Adjustment.objects.select_related("policy_version").get(pk=adjustment_id)
    record_event(
        actor=actor,
        action="policy.adjustment_ended",
        subject=Subject("policy", row.policy_id),
        change=Change(
            _said(row, row.value),
            _said(row, row.declared),
            reason,
            {"policy": row.policy_version.number if row.policy_version else None},
        ),
        at=at,
    )
    return True


def note_look(*, version: PolicyVersion, findings: Sequence[Mapping[str, str]], at: datetime) -> None:
    """Keep what the last look at a policy found; a measurement, so no event. findings: kind, model_version, text."""
    AdjustmentLook.objects.update_or_create(
        policy_id=version.policy_id,
        defaults={"workspace_id": version.workspace_id, "looked_at": at, "findings": list(findings)},
    )


def _said(row: Adjustment, value: float | None) -> dict[str, object]:
    return {"kind": str(row.kind), "model_version": row.model_version or None, "value": value}


def _require_system(actor: Actor) -> None:
    if actor.kind is not ActorKind.SYSTEM:
        raise Forbidden("Only hitl itself adjusts a policy; people propose a version.")
