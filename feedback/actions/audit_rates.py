"""Keep each policy's audit rate where its model's record puts it, inside the bounds the policy declares (B11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback.audited import audited_labels
from feedback.stats.audit_rate import AuditRate, RateLimits, RateNow, next_audit_rate
from hitl.core.actors import system_actor
from routing.actions.adjustments import NewValue, adjust_policy, end_adjustment
from routing.engine.document import decode_document
from routing.models import Adjustment, PolicyVersion, TaskType

_ACTOR = "audit rate"


@dataclass(frozen=True, slots=True)
class RateFinding:
    """What one look found, in words (empty: the policy declares no bounds); `moved`: it changed the rate."""

    text: str
    moved: bool


def adjust_audit_rate(*, version: PolicyVersion, at: datetime) -> RateFinding:
    """One look at a policy in force, safe to repeat. Without bounds in its document the rate never moves."""
    document = decode_document(version.document)
    row = version.policy.adjustments.filter(kind=Adjustment.Kind.AUDIT_RATE, until__isnull=True).first()
    bounds = document.sampling.audit_rate_bounds
    models = sorted({ref.model_version for ref in document.calibrations})
    if bounds is None or not models:
        moved = _end(version, row, "The policy in force declares no bounds for it, or no calibrated model.")
        return RateFinding("", moved)
    limits = RateLimits(bounds.lowest, document.sampling.audit_rate, bounds.highest)
    wanted = _of_the_least_proven(version.policy.task_type, models, limits, _present(version, limits, row), at)
    stale = row is not None and row.policy_version_id != version.pk
    if wanted.rate == (limits.start if row is None or stale else row.value):
        moved = stale and _end(version, row, "The version now in force declares the same rate.")
        return RateFinding(wanted.reason, moved)
    new = NewValue(
        Adjustment.Kind.AUDIT_RATE,
        value=wanted.rate,
        declared=limits.start,
        lowest=limits.lowest,
        highest=limits.highest,
        reason=wanted.reason,
        replaces=row.pk if row else None,
    )
    moved = adjust_policy(actor=system_actor(version.workspace_id, _ACTOR), version=version, new=new) is not None
    return RateFinding(wanted.reason, moved)


def _end(version: PolicyVersion, row: Adjustment | None, reason: str) -> bool:
    actor = system_actor(version.workspace_id, _ACTOR)
    return row is not None and end_adjustment(actor=actor, adjustment_id=row.pk, reason=reason)


def _present(version: PolicyVersion, limits: RateLimits, row: Adjustment | None) -> RateNow:
    """A model keeps its record under a new version, so the rate goes on from where it was."""
    if row is None:
        return RateNow(limits.start, version.activated_at)
    return RateNow(row.value, row.since)


def _of_the_least_proven(
    task_type: TaskType, models: Sequence[str], limits: RateLimits, present: RateNow, at: datetime
) -> AuditRate:
    """The highest rate that any calibrated model version asks for: one rate serves them all."""
    rates = []
    for model in models:
        audited = audited_labels(task_type.pk, model)
        found = next_audit_rate(audited, error_budget=task_type.error_budget, limits=limits, present=present, now=at)
        rates.append(AuditRate(found.rate, f"{model}: {found.reason}"))
    return max(rates, key=lambda rate: rate.rate)
