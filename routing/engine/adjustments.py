"""What may change between two versions of a policy, by itself, inside bounds that the version declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.engine.dynamic import DynamicThresholds
from routing.engine.rates import SamplingRates
from routing.engine.route import RiskLevel


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A value set automatically, and why."""

    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class AdjustedThreshold:
    """A model version's threshold under the present load, in place of `normal`, the one its policy declares."""

    value: float
    normal: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustments:
    """The values in force now; null: what the policy version says. Bounds are the document's, see each reader.

    thresholds: by model version.
    """

    audit_rate: Adjusted | None = None
    thresholds: Mapping[str, AdjustedThreshold] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRate:
    """The share of AUTO+AUDIT cases to audit. reason null: it is the document's own."""

    rate: float
    reason: str | None = None


def audit_rate(declared: SamplingRates, adjustments: Adjustments) -> AuditRate:
    """The adjusted rate, cut to the document's bounds; the declared one where either is missing."""
    adjusted, bounds = adjustments.audit_rate, declared.audit_rate_bounds
    if adjusted is None or bounds is None:
        return AuditRate(declared.audit_rate)
    return AuditRate(min(max(adjusted.value, bounds.lowest), bounds.highest), adjusted.reason)


def adjusted_threshold(
    declared: float | None,
    risk: RiskLevel,
    model_version: str | None,
    dynamic: DynamicThresholds | None,
    adjustments: Adjustments,
) -> AdjustedThreshold | None:
    """The threshold in place of `declared`; null: `declared` holds.

    Never at high or critical risk, never where the policy never automates or declares no dynamic thresholds. Load
    lowers only the model's normal threshold: one that people set for a risk or a label stays. Idle reviewers raise all.
    """
    found = adjustments.thresholds.get(model_version or "")
    if found is None or dynamic is None or declared is None or risk.rank >= RiskLevel.HIGH.rank:
        return None
    if found.value < found.normal:
        value = max(found.value, dynamic.lowest)
        changes = declared == found.normal and value < declared
    else:
        value = min(found.value, dynamic.idle_max or 0.0)
        changes = found.value > found.normal and value > declared
    return AdjustedThreshold(value, declared, found.reason) if changes else None
