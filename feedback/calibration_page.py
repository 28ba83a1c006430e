"""What /ops/calibration shows, read in a fixed number of queries per task type."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.charts import Diagram, reliability_diagram
from feedback.models import RecalibrationRun
from feedback.selectors import latest_runs, policy_versions, task_types_for_actor
from hitl.core.actors import Actor
from routing.models import Calibration, PolicyVersion, TaskType
from routing.slice_rows import SliceRow, slice_rows

RUNS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with the version it proposed or found to say the same; null: none."""

    run: RecalibrationRun
    version: PolicyVersion | None

    @property
    def version_url(self) -> str:
        """The policy's page, where versions are compared, approved and activated."""
        return f"/policies/{self.version.policy.slug}" if self.version else ""


@dataclass(frozen=True, slots=True)
class CalibrationCard:
    """The newest map of one model version and source. `in_force`: the active policy uses exactly this one.

    slices: those looked at when it was fitted. not_looked_at: how many more there were, with fewer labels.
    """

    calibration: Calibration
    in_force: bool
    diagram: Diagram | None
    slices: tuple[SliceRow, ...]
    not_looked_at: int


@dataclass(frozen=True, slots=True)
class TaskTypeSection:
    """One task type's part of the page. `waiting`: a run was asked for and not yet taken."""

    task_type: TaskType
    waiting: bool
    cards: tuple[CalibrationCard, ...]
    runs: tuple[RunRow, ...]


def calibration_sections(actor: Actor) -> list[TaskTypeSection]:
    """Every task type the actor may see."""
    task_types = list(task_types_for_actor(actor))
    runs = latest_runs([t.pk for t in task_types], each=RUNS_SHOWN)
    versions = policy_versions({r.policy_version_id for rows in runs.values() for r in rows if r.policy_version_id})
    return [_section(t, runs[t.pk], versions) for t in task_types]


def _section(
    task_type: TaskType, runs: Sequence[RecalibrationRun], versions: dict[uuid.UUID, PolicyVersion]
) -> TaskTypeSection:
    waiting = any(r.result == RecalibrationRun.Result.REQUESTED for r in runs)
    rows = tuple(RunRow(r, versions.get(r.policy_version_id) if r.policy_version_id else None) for r in runs)
    return TaskTypeSection(task_type, waiting, _cards(task_type), rows)


def _cards(task_type: TaskType) -> tuple[CalibrationCard, ...]:
    newest = (
        Calibration.objects.filter(task_type=task_type, slice={})
        .order_by("model_version", "confidence_source", "-version")
        .distinct("model_version", "confidence_source")
    )
    active = PolicyVersion.objects.filter(policy__task_type=task_type, status="active").first()
    named = {c["version"] for c in active.document.get("calibrations", ())} if active else set()
    return tuple(_card(c, c.version in named) for c in newest)


def _card(calibration: Calibration, in_force: bool) -> CalibrationCard:
    metrics = calibration.metrics
    return CalibrationCard(
        calibration,
        in_force,
        reliability_diagram(metrics),
        slice_rows(metrics.get("slices", ())),
        metrics.get("slices_not_looked_at", 0),
    )
