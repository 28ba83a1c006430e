"""What /ops/disagreement shows: the newest model of each task type, how good it is, and where people overrule."""

from dataclasses import dataclass
from typing import Any

from feedback.charts import Diagram, reliability_diagram
from feedback.models import DisagreementRun
from feedback.selectors import policy_versions, task_types_for_actor
from hitl.core.actors import Actor
from hitl.core.numbers import percent
from routing.models import DisagreementModel, PolicyVersion, TaskType
from routing.selectors import pinned_disagreement_models

RUNS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with the version it proposed; null: none."""

    run: DisagreementRun
    version: PolicyVersion | None


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A kind of case; cells are ready to read. more, less: surely above or below the share of all cases."""

    name: str
    share: str
    interval: str
    n: int
    more: bool
    less: bool


@dataclass(frozen=True, slots=True)
class DisagreementSection:
    """One task type's part of the page. `model` null: none yet. `pinned`: the version the policy in force asks."""

    task_type: TaskType
    model: DisagreementModel | None
    pinned: int | None
    diagram: Diagram | None
    regions: tuple[RegionRow, ...]
    runs: tuple[RunRow, ...]

    @property
    def in_force(self) -> bool:
        return self.model is not None and self.model.version == self.pinned


def disagreement_sections(actor: Actor) -> list[DisagreementSection]:
    """Every task type the actor may see."""
    task_types = list(task_types_for_actor(actor))
    newest = DisagreementModel.objects.filter(task_type__in=task_types).order_by("task_type", "-version")
    models = {row.task_type_id: row for row in newest.distinct("task_type").defer("trees")}
    pinned = pinned_disagreement_models([t.pk for t in task_types])
    runs = {t.pk: list(t.disagreement_runs.order_by("-created_at")[:RUNS_SHOWN]) for t in task_types}
    versions = policy_versions({r.policy_version_id for rows in runs.values() for r in rows if r.policy_version_id})
    rows = {
        pk: [RunRow(r, versions.get(r.policy_version_id) if r.policy_version_id else None) for r in found]
        for pk, found in runs.items()
    }
    return [_section(t, models.get(t.pk), pinned.get(t.pk), rows[t.pk]) for t in task_types]


def _section(
    task_type: TaskType, model: DisagreementModel | None, pinned: int | None, runs: list[RunRow]
) -> DisagreementSection:
    metrics = model.metrics if model else {}
    regions = tuple(_region(found) for found in metrics.get("regions", ()))
    return DisagreementSection(task_type, model, pinned, reliability_diagram(metrics), regions, tuple(runs))


def _region(found: dict[str, Any]) -> RegionRow:
    interval = f"{percent(found['low'], 0)}–{percent(found['high'], 0)}"
    return RegionRow(found["name"], percent(found["share"], 0), interval, found["n"], found["more"], found["less"])
