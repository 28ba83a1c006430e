"""The public JSON of disagreement models."""

from typing import Any

import msgspec

from hitl.core.clock import rfc3339
from routing.models import DisagreementModel


class DisagreementRegionOut(msgspec.Struct, frozen=True):
    """A kind of case and how often people overrule the machine there, 0-1, with its 95 % interval; n: measured on."""

    name: str
    share: float
    low: float
    high: float
    n: int


class DisagreementModelOut(msgspec.Struct, frozen=True):
    """A fitted model. auc and ece are out of fold, so of cases it has not seen; ece null: not measurable.

    active: the policy in force asks this version. regions: most overruled first.
    """

    id: str
    task_type: str
    version: int
    active: bool
    n: int
    overruled: int
    auc: float
    auc_low: float
    auc_high: float
    ece: float | None
    regions: list[DisagreementRegionOut]
    created_at: str | None


class DisagreementModelList(msgspec.Struct, frozen=True):
    results: list[DisagreementModelOut]
    next: str | None


def disagreement_out(row: DisagreementModel, pinned: int | None) -> DisagreementModelOut:
    """`row` comes with its task type; pinned: the version its task type's policy in force asks."""
    metrics: dict[str, Any] = row.metrics
    regions = [
        DisagreementRegionOut(r["name"], r["share"], r["low"], r["high"], r["n"]) for r in metrics.get("regions", ())
    ]
    return DisagreementModelOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        version=row.version,
        active=row.version == pinned,
        n=row.n,
        overruled=row.overruled,
        auc=metrics["auc"],
        auc_low=metrics["auc_low"],
        auc_high=metrics["auc_high"],
        ece=metrics["after"]["ece"],
        regions=regions,
        created_at=rfc3339(row.created_at),
    )
