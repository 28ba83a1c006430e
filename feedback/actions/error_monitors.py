"""Watch the error of automated decisions; when audits refute the budget, people decide until a person lifts it."""

import logging
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from audit.actions.events import Change, Subject, record_event
from feedback.models import ErrorMonitor
from feedback.monitor_data import MOST, Drawn, drawn_cases, lowest_probability, promised_error
from feedback.stats.error_monitor import Reading, read_monitor
from hitl.core.actors import Actor, ActorKind, system_actor
from hitl.core.clock import db_now, rfc3339
from hitl.core.errors import Conflict, FieldProblem, Forbidden, NotFound, Refused
from hitl.core.numbers import percent
from hitl.core.permissions import Permission
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from routing.actions.policies import set_task_type_stopped
from routing.engine.document import decode_document
from routing.models import PolicyVersion, TaskType

log = logging.getLogger(__name__)
DELTA = 0.05
"""The probability that a version whose error stays within its budget is ever refuted, in one epoch."""
ALERT = "error_budget_refuted"
Status = ErrorMonitor.Status
_WORDING = (
    gettext_noop("The error budget is refuted: %(task_type)s"),
    gettext_noop(
        "Audits show that version %(version)s decides wrongly more often than its budget of %(budget)s: %(wrong)s of "
        "%(judged)s judged draws were wrong, the error is estimated at %(estimate)s (%(low)s to %(high)s). "
        "From now on people decide."
    ),
    gettext_noop(
        "Read the audited errors. Recalibrate, raise the threshold, or withdraw the model version; put the corrected "
        "version in force, then lift the fallback on the monitor's page with your reason."
    ),
)


def watch_errors() -> int:
    """One look at every version that decides cases. Returns how many were refuted; safe to run twice or at once."""
    refuted = 0
    _open_epochs()
    for monitor_id in list(ErrorMonitor.objects.filter(status__in=ErrorMonitor.OPEN).values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                refuted += _look(monitor_id)
        except Exception:  # one version's trouble never keeps the others from theirs
            log.exception("error monitor %s could not look", monitor_id)
    return refuted


@transaction.atomic
def lift_fallback(*, actor: Actor, monitor_id: uuid.UUID, reason: str) -> int:
    """Let the machine decide the task type's cases again; every refuted version in force starts a new epoch.

    Returns how many monitors were lifted. A stop button that somebody had pressed before stays pressed. Raises
    Forbidden, NotFound, Refused (`reason_required`), Conflict (`not_refuted`).
    """
    actor.require(Permission.STOP_MACHINE)
    if actor.kind is not ActorKind.USER:
        raise Forbidden("A person must do this.", code="person_required")
    rows = ErrorMonitor.objects.filter(pk=monitor_id, workspace_id=actor.workspace_id)
    found = rows.select_related("task_type").first()
    if found is None or not actor.sees_task_type(found.task_type_id):
        raise NotFound()
    if not (reason := reason.strip()):
        problem = FieldProblem("/reason", "Say why.", "reason_required")
        raise Refused("Say why.", code="reason_required", errors=[problem])
    refuted = _refuted_of(found.task_type)
    if not refuted:
        raise Conflict("Nothing is refuted here any more.", code="not_refuted")
    _lift(actor, refuted, reason)
    if any(monitor.stopped for monitor in refuted):
        set_task_type_stopped(actor=actor, task_type=found.task_type, stopped=False, reason=reason)
    _open_epochs()
    return len(refuted)


def _open_epochs() -> None:
    """A monitor for every version that decides cases and has none. The first counts all it ever decided."""
    deciding = PolicyVersion.objects.filter(status__in=["active", "canary"]).select_related("policy__task_type")
    watched = ErrorMonitor.objects.filter(status__in=ErrorMonitor.OPEN).values("policy_version")
    for version in deciding.exclude(pk__in=watched):
        try:
            with transaction.atomic():
                _open_epoch(version)
        except Exception:  # a document of an older release, say: nobody else goes unwatched for it
            log.exception("no error monitor for policy version %s", version.pk)


def _open_epoch(version: PolicyVersion) -> None:
    task_type, document = version.policy.task_type, decode_document(version.document)
    before = ErrorMonitor.objects.filter(policy_version=version).order_by("-epoch").first()
    row = ErrorMonitor(
        workspace_id=version.workspace_id,
        task_type=task_type,
        policy_version=version,
        epoch=before.epoch + 1 if before else 1,
        budget=promised_error(document, task_type.error_budget),
        delta=DELTA,
        floor=lowest_probability(document),
        since=db_now() if before else version.created_at,
    )
    if 0.0 < row.budget < 1.0:  # a budget of nothing or of everything cannot be refuted
        ErrorMonitor.objects.bulk_create([row], ignore_conflicts=True)


def _look(monitor_id: uuid.UUID) -> bool:
    """Whether this look refuted the budget."""
    rows = ErrorMonitor.objects.select_for_update(of=("self",)).select_related("task_type", "policy_version__policy")
    monitor = rows.filter(pk=monitor_id, status__in=ErrorMonitor.OPEN).first()
    if monitor is None:
        return False
    if monitor.status == Status.REFUTED:
        if not monitor.task_type.machine_stopped:
            actor = system_actor(monitor.workspace_id, "error monitor")
            _lift(actor, [monitor], "The stop button was released.")
        return False
    at = db_now()
    ended = _why_ended(monitor)
    if ended is not None:
        ErrorMonitor.objects.filter(pk=monitor.pk).update(status=Status.ENDED, closed_at=at, reason=ended)
        return False
    drawn = drawn_cases(monitor)
    floor = min([monitor.floor, *(draw.probability for draw in drawn.draws)])
    reading = read_monitor(drawn.draws, budget=monitor.budget, delta=monitor.delta, floor=floor)
    monitor.reading, monitor.looked_at = stored_reading(reading, drawn), at
    monitor.save(update_fields=["reading", "looked_at"])
    if reading.refuted:
        _refute(monitor, reading, at)
    elif len(drawn.draws) == MOST:
        text = f"It held {MOST} drawn cases; the next epoch goes on."
        ErrorMonitor.objects.filter(pk=monitor.pk).update(status=Status.ENDED, closed_at=at, reason=text)
    return reading.refuted


def stored_reading(reading: Reading, drawn: Drawn) -> dict[str, Any]:
    """As JSON, every point with the time of its last case."""
    points = [asdict(point) | {"at": rfc3339(drawn.times[point.draws - 1])} for point in reading.points]
    return asdict(reading) | {"enough": reading.enough, "points": points}


def _why_ended(monitor: ErrorMonitor) -> str | None:
    """Null while it goes on."""
    version = monitor.policy_version
    if version.status not in (PolicyVersion.Status.ACTIVE, PolicyVersion.Status.CANARY):
        return "The version does not decide any more."
    if promised_error(decode_document(version.document), monitor.task_type.error_budget) != monitor.budget:
        return "The error budget was changed."
    return None


def _refute(monitor: ErrorMonitor, reading: Reading, at: datetime) -> None:
    """In the caller's transaction: the state, the stop button with its event, the monitor's event, the alert."""
    actor = system_actor(monitor.workspace_id, "error monitor")
    said = f"The error of version {monitor.policy_version.number} exceeds its budget of {percent(monitor.budget)}."
    stopped = set_task_type_stopped(actor=actor, task_type=monitor.task_type, stopped=True, reason=said)
    ErrorMonitor.objects.filter(pk=monitor.pk).update(status=Status.REFUTED, refuted_at=at, stopped=stopped)
    figures = {"judged": reading.judged, "wrong": reading.wrong, "e_value": reading.peak, "budget": monitor.budget}
    _record(actor, monitor, "errormonitor.refuted", Status.WATCHING, Status.REFUTED, said, figures)
    last = reading.points[-1]
    values = {
        "task_type": monitor.task_type.title,
        "version": monitor.policy_version.number,
        "budget": percent(monitor.budget),
        "wrong": reading.wrong,
        "judged": reading.judged,
        "estimate": percent(last.estimate or 0.0),
        "low": percent(last.low),
        "high": percent(last.high),
    }
    raise_alert(
        actor=actor,
        kind=ALERT,
        about=About("task_type", monitor.task_type_id, monitor.task_type.title, "/ops/monitor", monitor.task_type_id),
        words=Wording(*_WORDING, values),
    )


def _refuted_of(task_type: TaskType) -> list[ErrorMonitor]:
    """Locked, and before the task type's row as in every look, so that the two never wait for each other."""
    rows = ErrorMonitor.objects.select_for_update(of=("self",)).select_related("policy_version", "task_type")
    return list(rows.filter(task_type=task_type, status=Status.REFUTED).order_by("pk"))


def _lift(actor: Actor, monitors: list[ErrorMonitor], reason: str) -> None:
    for monitor in monitors:
        ErrorMonitor.objects.filter(pk=monitor.pk, status=Status.REFUTED).update(
            status=Status.LIFTED, closed_at=db_now(), lifted_by_id=actor.user_id, reason=reason
        )
        _record(actor, monitor, "errormonitor.lifted", Status.REFUTED, Status.LIFTED, reason, {})
        resolve_alert(actor=actor, kind=ALERT, subject_type="task_type", subject_id=monitor.task_type_id, reason=reason)


def _record(
    actor: Actor, monitor: ErrorMonitor, action: str, before: str, after: str, reason: str, figures: dict[str, Any]
) -> None:
    record_event(
        actor=actor,
        action=action,
        subject=Subject("errormonitor", monitor.pk),
        change=Change(
            {"status": before},
            {"status": after, "epoch": monitor.epoch} | figures,
            reason,
            {"policy": monitor.policy_version.number},
        ),
    )
