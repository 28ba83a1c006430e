"""The rows of what a recalibration fitted: found where the same is stored already, else made. Worker only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db.models import Max

from audit.actions.events import Change, Subject, record_event
from feedback.fitting import FittedSource
from hitl.core.actors import Actor
from hitl.core.clock import now
from routing.engine.calibration import CalibrationMap
from routing.engine.slices import Slice, slice_of
from routing.models import Calibration, TaskType


@dataclass(frozen=True, slots=True)
class Calibrations:
    """One model's calibration and those of its slices, in the order they are tried; unsaved where they are new."""

    parent: Calibration
    own: tuple[Calibration, ...]

    @property
    def slices(self) -> tuple[dict[str, Any], ...]:
        """The slices as a policy document names them."""
        return tuple(row.slice | {"version": row.version} for row in self.own)


def calibrations_for(actor: Actor, task_type: TaskType, fitted: Sequence[FittedSource]) -> list[Calibrations]:
    """For each fit the stored calibrations that say exactly the same, else new, unsaved ones with the next versions."""
    highest = Calibration.objects.filter(task_type=task_type).aggregate(top=Max("version"))["top"] or 0
    versions = count(highest + 1)
    found = []
    for source in fitted:
        parent = _row(actor, task_type, source, None, source.map, source.metrics, versions)
        own = tuple(
            _row(actor, task_type, source, f.slice, f.map, {"reason": f.reason}, versions)
            for f in source.slices
            if f.map is not None
        )
        found.append(Calibrations(parent, own))
    return found


def store_calibrations(actor: Actor, calibrations: Calibrations) -> None:
    """Save those that are new."""
    for row in (calibrations.parent, *calibrations.own):
        if row._state.adding:
            row.save(force_insert=True)
            after = {
                "model_version": row.model_version,
                "confidence_source": row.confidence_source,
                "slice": row.slice,
                "version": row.version,
                "method": row.method,
                "n": row.n,
            }
            record_event(
                actor=actor,
                action="calibration.fitted",
                subject=Subject("calibration", row.pk),
                change=Change(after=after, versions={"model": row.model_version, "calibration": row.version}),
            )


def _row(
    actor: Actor,
    task_type: TaskType,
    source: FittedSource,
    own: Slice | None,
    mapping: CalibrationMap,
    metrics: Mapping[str, Any],
    versions: Iterator[int],
) -> Calibration:
    stored = mapping.to_json()
    row = Calibration(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        model_version=source.model_version,
        confidence_source=source.confidence_source,
        slice=own.to_json() if own else {},
        method=stored["method"],
        parameters=stored["parameters"],
        n=mapping.n,
        metrics=dict(metrics),
        created_at=now(),
    )
    same = _stored(row)
    if same is not None:
        return same
    row.version = next(versions)
    return row


def _stored(row: Calibration) -> Calibration | None:
    """The newest one that says the same; of a model's also only with the same slices, which its metrics tell of."""
    fields = ("task_type", "model_version", "confidence_source", "slice", "method", "parameters", "n")
    same = Calibration.objects.filter(**{name: getattr(row, name) for name in fields}).order_by("-version")
    return next((each for each in same if _slices_used(each) == _slices_used(row)), None)


def _slices_used(row: Calibration) -> list[Slice | None]:
    return [slice_of(found["slice"]) for found in row.metrics.get("slices", ()) if found["used"]]
