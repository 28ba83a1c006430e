"""A policy's plan of roll-out with the present figures: which step stands where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.models import TrainingLabel
from hitl.core.clock import now
from routing.models import Policy, PolicyVersion

_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Figures:
    """labels: with an answer that calibration may learn from. days: since a version of the plan was first active."""

    labels: int
    days: float


@dataclass(frozen=True, slots=True)
class StepRow:
    """state: in_force, proposed, open or locked. version: the draft made of it, null before."""

    number: int
    title: str
    why: str
    labels: int
    days: int
    version: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Plan:
    """choices: (pattern, reason)."""

    choices: tuple[tuple[str, str], ...]
    steps: tuple[StepRow, ...]
    figures: Figures


def labels_known(policy: Policy) -> int:
    """Cases of its task type with a label that calibration may learn from, at most 100,000."""
    rows = TrainingLabel.objects.filter(task_type_id=policy.task_type_id, unaided_label__isnull=False)
    return rows[:_MOST].count()


def plan_of(policy: Policy) -> Plan | None:
    """The stored plan with the figures of now; null where nobody asked the advisor."""
    if not policy.plan:
        return None
    steps: list[dict[str, Any]] = policy.plan["steps"]
    numbers = [step["version"] for step in steps if step["version"] is not None]
    versions = {v.number: v for v in PolicyVersion.objects.filter(policy=policy, number__in=numbers).defer("document")}
    figures = Figures(labels_known(policy), _days(list(versions.values())))
    rows = tuple(_row(number, step, versions, figures) for number, step in enumerate(steps, start=1))
    return Plan(tuple((c["pattern"], c["reason"]) for c in policy.plan["choices"]), rows, figures)


def _days(versions: list[PolicyVersion]) -> float:
    started: list[datetime] = [v.activated_at for v in versions if v.activated_at is not None]
    return (now() - min(started)).total_seconds() / 86_400 if started else 0.0


def _row(number: int, step: dict[str, Any], versions: dict[int, PolicyVersion], figures: Figures) -> StepRow:
    version = versions.get(step["version"])
    opened = figures.labels >= step["labels"] and figures.days >= step["days"]
    state = "open" if opened else "locked"
    if version is not None and version.status == PolicyVersion.Status.ACTIVE:
        state = "in_force"
    elif version is not None and version.status in (PolicyVersion.Status.DRAFT, PolicyVersion.Status.APPROVED):
        state = "proposed"
    return StepRow(number, step["title"], step["why"], step["labels"], step["days"], step["version"], state)
