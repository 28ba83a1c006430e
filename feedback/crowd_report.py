"""Majority and Dawid–Skene side by side, by task type; read from what the worker's newest fit stored."""

from collections.abc import Sequence
from typing import Any

import msgspec

from feedback.access import told_by
from feedback.models import CrowdLabel, CrowdRun
from feedback.stats.bounds import clopper_pearson_interval
from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from routing.models import TaskType

SHOWN = 20


class CrowdDifferenceOut(msgspec.Struct, frozen=True):
    """A case on which they part. `majority` null: a tie."""

    case: str
    votes: dict[str, int]
    majority: str | None
    label: str
    probability: float


class CrowdOfTaskTypeOut(msgspec.Struct, frozen=True):
    """`agreement`: share of the compared cases (two people or more, no tie) where both give the same label, with its
    95 % Clopper–Pearson interval; null where there are none. `reason`: why there is no fit.
    """

    task_type: str
    title: str
    cases: int
    people: int
    votes: int
    compared: int
    agreeing: int
    agreement: float | None
    low: float | None
    high: float | None
    priors: dict[str, float]
    converged: bool
    reason: str
    fitted_at: str | None
    differences: list[CrowdDifferenceOut]


class CrowdReportOut(msgspec.Struct, frozen=True):
    results: list[CrowdOfTaskTypeOut]


def crowd_report(actor: Actor, task_types: Sequence[TaskType]) -> CrowdReportOut:
    """The newest fit of each task type, and its newest differences among the cases this actor may see."""
    newest = CrowdRun.objects.filter(task_type__in=task_types).order_by("task_type", "-pk").distinct("task_type")
    runs = {run.task_type_id: run for run in newest}
    return CrowdReportOut([_one(actor, kind, runs.get(kind.pk)) for kind in task_types])


def _one(actor: Actor, kind: TaskType, run: CrowdRun | None) -> CrowdOfTaskTypeOut:
    figures: dict[str, Any] = {"agreement": None, "low": None, "high": None}
    if run is not None and run.compared:
        interval = clopper_pearson_interval(run.agreeing, run.compared)
        figures = {"agreement": run.agreeing / run.compared, "low": interval.low, "high": interval.high}
    return CrowdOfTaskTypeOut(
        task_type=kind.slug,
        title=kind.title,
        cases=run.items if run else 0,
        people=run.raters if run else 0,
        votes=run.votes if run else 0,
        compared=run.compared if run else 0,
        agreeing=run.agreeing if run else 0,
        priors=run.priors if run else {},
        converged=bool(run and run.converged),
        reason=run.reason if run else "not enough data: nobody has judged a case yet",
        fitted_at=rfc3339(run.created_at) if run else None,
        differences=_differences(actor, run) if run and run.compared else [],
        **figures,
    )


def _differences(actor: Actor, run: CrowdRun) -> list[CrowdDifferenceOut]:
    rows = CrowdLabel.objects.filter(task_type_id=run.task_type_id, differs=True)
    return [
        CrowdDifferenceOut(str(row.case_id), row.votes, row.majority, row.label, row.posterior[row.label])
        for row in told_by(actor, rows).order_by("-case_id")[:SHOWN]
    ]
