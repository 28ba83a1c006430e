"""Error monitors as they are read: who may see which, what state they are in, and the rows of their page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from feedback.models import ErrorMonitor
from feedback.monitor_charts import Chart, error_chart, evidence_chart
from hitl.core.actors import Actor
from hitl.core.numbers import fixed, percent

STATES = ("not_enough", "holding", "refuted", "lifted", "ended")
CLOSED_SHOWN = 20
_MOST_OPEN = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table beside the charts, ready to read."""

    at: datetime
    judged: int
    error: str
    e_value: str


@dataclass(frozen=True, slots=True)
class MonitorCard:
    """A monitor that goes on. The charts null before the first draw."""

    row: ErrorMonitor
    name: str
    state: str
    budget: str
    error: str
    e_value: str
    limit: str
    judged: int
    wrong: int
    waiting: int
    effective: int
    needed: int
    errors: Chart | None
    evidence: Chart | None
    steps: tuple[Step, ...]


def monitors_for_actor(actor: Actor) -> QuerySet[ErrorMonitor]:
    """Those of the workspace, of the task types the key includes, with what they name."""
    rows = ErrorMonitor.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    return rows.select_related("task_type", "policy_version__policy", "lifted_by")


def state_of(monitor: ErrorMonitor) -> str:
    """One of `STATES`: while it watches, whether it would have seen an error of three budgets by now."""
    if monitor.status != ErrorMonitor.Status.WATCHING:
        return str(monitor.status)
    return "holding" if monitor.reading.get("enough") else "not_enough"


def open_cards(actor: Actor) -> list[MonitorCard]:
    """Refuted ones first."""
    rows = monitors_for_actor(actor).filter(status__in=ErrorMonitor.OPEN)
    return [_card(row) for row in rows.order_by("status", "task_type__slug", "-pk")[:_MOST_OPEN]]


def closed_monitors(actor: Actor) -> list[ErrorMonitor]:
    """The epochs that ended last."""
    rows = monitors_for_actor(actor).exclude(status__in=ErrorMonitor.OPEN)
    return list(rows.order_by("-closed_at", "-pk")[:CLOSED_SHOWN])


def _card(row: ErrorMonitor) -> MonitorCard:
    reading = row.reading
    points: list[dict[str, Any]] = reading.get("points", [])
    return MonitorCard(
        row=row,
        name=str(row.pk),
        state=state_of(row),
        budget=percent(row.budget),
        error=_error(points[-1]) if points else _("nothing drawn yet"),
        e_value=_evidence(reading.get("peak", 1.0)),
        limit=_evidence(1.0 / row.delta),
        judged=reading.get("judged", 0),
        wrong=reading.get("wrong", 0),
        waiting=reading.get("waiting", 0),
        effective=int(reading.get("effective", 0)),
        needed=reading.get("needed", 0),
        errors=error_chart(points, row.budget) if points else None,
        evidence=evidence_chart(points, 1.0 / row.delta) if points else None,
        steps=tuple(
            Step(datetime.fromisoformat(p["at"]), p["judged"], _error(p), _evidence(p["e_value"])) for p in points[::-4]
        ),
    )


def _error(point: dict[str, Any]) -> str:
    """“1.9 % (0.8–3.7 %), 412 judged”."""
    if point["estimate"] is None:
        return _("nothing judged yet")
    return _("%(error)s (%(low)s–%(high)s), %(n)s judged") % {
        "error": percent(point["estimate"]),
        "low": percent(point["low"]),
        "high": percent(point["high"]),
        "n": point["judged"],
    }


def _evidence(value: float) -> str:
    if value > 1e6:
        return _("more than a million")
    return fixed(value, 0 if value >= 100 else 2)
