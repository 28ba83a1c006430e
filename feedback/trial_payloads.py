"""The public JSON of trials: shadow and canary compared with what was in force."""

import msgspec

from feedback.stats.difference import Proportion
from feedback.trials import CanaryComparison
from hitl.core.clock import rfc3339
from routing.models import PolicyVersion, ShadowDecision
from routing.shadows import ShadowComparison, Slice


class CellOut(msgspec.Struct, frozen=True):
    """Cases with this live action for which the shadow had that one."""

    live: str
    shadow: str
    n: int


class SliceOut(msgspec.Struct, frozen=True):
    """Cases of one label, risk or tier: how many differ, and how many people see under either version."""

    name: str
    n: int
    differ: int
    live_reviewed: int
    shadow_reviewed: int


class ShadowOut(msgspec.Struct, frozen=True):
    """Of the newest cases, at most 50,000 (`capped`). `load`: reviews by tier."""

    n: int
    differ: int
    capped: bool
    matrix: list[CellOut]
    by_label: list[SliceOut]
    by_risk: list[SliceOut]
    load: list[SliceOut]


class ProportionOut(msgspec.Struct, frozen=True):
    """A share with its 95 % interval; `n` observations, fewer than counted where they are weighted."""

    share: float | None
    low: float
    high: float
    n: float


class MeasureOut(msgspec.Struct, frozen=True):
    """automated, reviewed, overridden or error, of both; `difference`: canary less active, with its 95 % interval."""

    name: str
    canary: ProportionOut
    active: ProportionOut
    difference: float | None
    low: float
    high: float


class CanaryOut(msgspec.Struct, frozen=True):
    """A version's newest time as canary, beside the version then in force; `until` null: still."""

    share: float | None
    since: str | None
    until: str | None
    active_version: int | None
    canary_cases: int
    active_cases: int
    measures: list[MeasureOut]


class ComparisonOut(msgspec.Struct, frozen=True):
    """What a version's trials showed; null where it had none."""

    policy: str
    number: int
    status: str
    shadow: ShadowOut | None
    canary: CanaryOut | None


class DifferingCase(msgspec.Struct, frozen=True):
    """A case the shadow would have treated otherwise."""

    case: str
    at: str | None
    live_action: str
    shadow_action: str
    live_tier: str
    shadow_tier: str
    risk: str
    label: str | None
    reason: str


class DifferingCases(msgspec.Struct, frozen=True):
    results: list[DifferingCase]
    next: str | None


def comparison_out(
    version: PolicyVersion, shadow: ShadowComparison | None, canary: CanaryComparison | None
) -> ComparisonOut:
    """`version` comes with its policy."""
    return ComparisonOut(
        policy=version.policy.slug,
        number=version.number,
        status=version.status,
        shadow=_shadow(shadow) if shadow else None,
        canary=_canary(canary) if canary else None,
    )


def differing_case(row: ShadowDecision) -> DifferingCase:
    return DifferingCase(
        case=str(row.case_id),
        at=rfc3339(row.created_at),
        live_action=row.live_action,
        shadow_action=row.action,
        live_tier=row.live_tier,
        shadow_tier=row.tier,
        risk=row.risk,
        label=row.label,
        reason=row.reason,
    )


def _shadow(found: ShadowComparison) -> ShadowOut:
    return ShadowOut(
        n=found.n,
        differ=found.differ,
        capped=found.capped,
        matrix=[CellOut(c.live, c.shadow, c.n) for c in found.matrix],
        by_label=[_slice(s) for s in found.by_label],
        by_risk=[_slice(s) for s in found.by_risk],
        load=[_slice(s) for s in found.load],
    )


def _slice(row: Slice) -> SliceOut:
    return SliceOut(row.name, row.n, row.differ, row.live_reviewed, row.shadow_reviewed)


def _canary(found: CanaryComparison) -> CanaryOut:
    return CanaryOut(
        share=found.interval.share,
        since=rfc3339(found.interval.since),
        until=rfc3339(found.interval.until),
        active_version=found.active.number or None,
        canary_cases=found.canary.n,
        active_cases=found.active.n,
        measures=[
            MeasureOut(
                m.name,
                _proportion(m.canary),
                _proportion(m.active),
                m.difference.value,
                m.difference.low,
                m.difference.high,
            )
            for m in found.measures
        ],
    )


def _proportion(found: Proportion) -> ProportionOut:
    return ProportionOut(found.share, found.interval.low, found.interval.high, round(found.n, 2))
