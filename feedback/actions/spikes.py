"""Appeals and reports of a task type against their own past: more than it lets expect is an early warning (E6)."""

import uuid
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from feedback.stats.spikes import DEFAULT_ALPHA, Spike, spike
from hitl.core.actors import system_actor
from hitl.core.clock import db_now
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from reviews.models import Appeal, Case, Report
from routing.models import TaskType

RECENT = timedelta(hours=24)
PAST = timedelta(days=28)
_WATCHED = ((Appeal, "appeals_spike"), (Report, "reports_spike"))
_WORDS = {
    "appeals_spike": (
        gettext_noop("Unusually many appeals: %(task_type)s"),
        gettext_noop(
            "%(recent)s appeals in the last 24 hours; the 28 days before let expect %(expected)s for as many cases "
            "(exact conditional test, p = %(p)s)."
        ),
        gettext_noop(
            "Read the newest appeals; compare by label, model version and segment. If the machine errs, stop it for "
            "this task type or withdraw the model version; if a guideline misleads people, correct it."
        ),
    ),
    "reports_spike": (
        gettext_noop("Unusually many reports: %(task_type)s"),
        gettext_noop(
            "%(recent)s reports in the last 24 hours; the 28 days before let expect %(expected)s for as many cases "
            "(exact conditional test, p = %(p)s)."
        ),
        gettext_noop(
            "Read the newest reports. One source sending many may be a campaign; many sources on one label point at "
            "the decisions themselves."
        ),
    ),
}


def watch_spikes() -> int:
    """Look at every task type once; raises and resolves alerts. Returns how many stand out. Safe to run twice."""
    at = db_now()
    return sum(_look(task_type, at) for task_type in TaskType.objects.all())


def _look(task_type: TaskType, at: datetime) -> int:
    """Exposure is the cases that arrived: twice the cases bring twice the appeals, and that is no warning."""
    found = 0
    exposure: tuple[int, int] | None = None
    for model, kind in _WATCHED:
        rows = model.objects.filter(task_type=task_type)
        recent = rows.filter(created_at__gte=at - RECENT).count()
        past = rows.filter(created_at__gte=at - PAST - RECENT, created_at__lt=at - RECENT).count()
        if recent:
            exposure = exposure or _cases(task_type, at)
            seen = spike(recent, past, recent_exposure=exposure[0], past_exposure=exposure[1])
            if seen.alarm:
                _raise(task_type, kind, recent, seen)
                found += 1
                continue
        _resolve(task_type, kind)
    return found


def _cases(task_type: TaskType, at: datetime) -> tuple[int, int]:
    """Cases that arrived in the recent and in the past window, by the time inside their UUIDv7 ids: an index range."""
    rows = Case.objects.filter(workspace_id=task_type.workspace_id, task_type=task_type)
    recent = rows.filter(pk__gte=_first_id(at - RECENT)).count()
    return recent, rows.filter(pk__gte=_first_id(at - PAST - RECENT), pk__lt=_first_id(at - RECENT)).count()


def _first_id(at: datetime) -> uuid.UUID:
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _raise(task_type: TaskType, kind: str, recent: int, seen: Spike) -> None:
    title, detail, runbook = _WORDS[kind]
    values = {
        "task_type": task_type.title,
        "recent": recent,
        "expected": f"{seen.expected:.1f}",
        "p": f"{seen.p_value:.2g}",
        "alpha": DEFAULT_ALPHA,
    }
    raise_alert(
        actor=system_actor(task_type.workspace_id, "early warning"),
        kind=kind,
        about=About("task_type", task_type.pk, task_type.title, f"/appeals?task_type={task_type.slug}", task_type.pk),
        words=Wording(title, detail, runbook, values),
    )


def _resolve(task_type: TaskType, kind: str) -> None:
    actor = system_actor(task_type.workspace_id, "early warning")
    resolve_alert(actor=actor, kind=kind, subject_type="task_type", subject_id=task_type.pk, reason="back to normal")
