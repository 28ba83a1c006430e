"""The newest ROI reports an actor may read."""

from math import isfinite

from feedback.learning_settings import settings_or_defaults
from feedback.models import RoiReport
from feedback.roi_payloads import RoiOut, roi_out
from feedback.selectors import task_types_for_actor
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, InvalidInput
from routing.models import TaskType

MAX_HOURS = 10_000.0


def roi_reports(actor: Actor, hours: str = "", task_type: str = "") -> list[tuple[TaskType, RoiOut]]:
    """Of every task type, or of one. `hours`: further hours of review a week to place; the settings' unless told.

    Two statements. Raises InvalidInput (hours).
    """
    wanted = _hours(hours)
    kinds = task_types_for_actor(actor)
    found = list(kinds.filter(slug=task_type) if task_type else kinds)
    newest = RoiReport.objects.filter(task_type__in=found).order_by("task_type", "-id").distinct("task_type")
    reports = {row.task_type_id: row for row in newest}
    return [(kind, roi_out(kind.slug, reports.get(kind.pk), _or_settings(wanted, kind))) for kind in found]


def _or_settings(wanted: float | None, kind: TaskType) -> float:
    return settings_or_defaults(kind).roi.weekly_hours if wanted is None else wanted


def _hours(raw: str) -> float | None:
    if raw == "":
        return None
    try:
        value = float(raw.replace(",", "."))
    except ValueError:
        value = -1.0
    if not isfinite(value) or not 0.0 <= value <= MAX_HOURS:
        detail = f"Give a number of hours a week from 0 to {MAX_HOURS:,.0f}."
        raise InvalidInput(errors=[FieldProblem("?hours", detail, "out_of_range")])
    return value
