"""The public JSON of automatic adjustments."""

import msgspec

from hitl.core.clock import rfc3339
from routing.models import Adjustment, AdjustmentLook


class AdjustmentOut(msgspec.Struct, frozen=True):
    """A value automation put in force. `kind`: `audit_rate` or `threshold` (then `model_version` says whose).

    `declared`: what the policy version says. `until` null: still in force, while that version is.
    """

    id: str
    kind: str
    model_version: str | None
    policy_version: int | None
    value: float
    declared: float | None
    lowest: float
    highest: float
    reason: str
    since: str
    until: str | None


class FindingOut(msgspec.Struct, frozen=True):
    """What the last look found about one value, in words."""

    kind: str
    model_version: str | None
    text: str


class LookOut(msgspec.Struct, frozen=True):
    """The last look at the policy."""

    looked_at: str
    findings: list[FindingOut]


class AdjustmentList(msgspec.Struct, frozen=True):
    """`look` null: nothing has looked at the policy yet."""

    results: list[AdjustmentOut]
    next: str | None
    look: LookOut | None


def adjustment_out(row: Adjustment) -> AdjustmentOut:
    """`row` comes with its policy version."""
    return AdjustmentOut(
        id=str(row.pk),
        kind=row.kind,
        model_version=row.model_version or None,
        policy_version=row.policy_version.number if row.policy_version else None,
        value=row.value,
        declared=row.declared,
        lowest=row.lowest,
        highest=row.highest,
        reason=row.reason,
        since=rfc3339(row.since) or "",
        until=rfc3339(row.until),
    )


def look_out(row: AdjustmentLook) -> LookOut:
    """The last look."""
    findings = [FindingOut(f["kind"], f["model_version"] or None, f["text"]) for f in row.findings]
    return LookOut(rfc3339(row.looked_at) or "", findings)
