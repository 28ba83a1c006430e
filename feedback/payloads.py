"""The public JSON of feedback, built once."""

from typing import Any

import msgspec

from feedback.models import Signal
from feedback.stats.agreement import AgreementReport
from hitl.core.clock import rfc3339
from reviews.models import Decision


class OutcomeOut(msgspec.Struct, frozen=True):
    """A recorded outcome. `counts`: it is now the one that wins (latest observed, then last arrived)."""

    id: str
    case: str
    label: str
    observed_at: str
    source: str
    details: dict[str, Any]
    created_at: str
    counts: bool


class AuditOut(msgspec.Struct, frozen=True):
    """A recorded audit. `correction`: the decision that replaces the audited one; null when upheld."""

    id: str
    case: str
    decision: str
    verdict: str
    label: str
    note: str
    created_at: str
    correction: str | None


class CoefficientOut(msgspec.Struct, frozen=True):
    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None


class AgreementOut(msgspec.Struct, frozen=True):
    raters: int
    units: int
    missing: int
    coefficients: list[CoefficientOut]


def outcome_out(signal: Signal, *, counts: bool) -> OutcomeOut:
    """An outcome as its sender gets it."""
    return OutcomeOut(
        id=str(signal.pk),
        case=str(signal.case_id),
        label=signal.label,
        observed_at=rfc3339(signal.observed_at) or "",
        source=signal.origin,
        details=signal.details,
        created_at=rfc3339(signal.created_at) or "",
        counts=counts,
    )


def audit_out(signal: Signal, correction: Decision | None) -> AuditOut:
    """An audit as the supervisor's tool gets it."""
    return AuditOut(
        id=str(signal.pk),
        case=str(signal.case_id),
        decision=str(signal.decision_id),
        verdict=signal.details["verdict"],
        label=signal.label,
        note=signal.details["note"],
        created_at=rfc3339(signal.created_at) or "",
        correction=None if correction is None else str(correction.pk),
    )


def agreement_out(report: AgreementReport) -> AgreementOut:
    """All five coefficients, in a fixed order."""
    return AgreementOut(
        raters=report.raters,
        units=report.units,
        missing=report.missing,
        coefficients=[msgspec.convert(msgspec.to_builtins(c), CoefficientOut) for c in report.coefficients],
    )
