"""Declare a comparison, start the trial it needs, stop it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import Experiment
from hitl.core.actors import Actor
from hitl.core.clock import now, rfc3339
from hitl.core.errors import Conflict, FieldProblem, Refused
from hitl.core.permissions import Permission
from routing.actions.policies import start_canary, start_shadow
from routing.models import PolicyVersion, TaskType

Kind, Over, Measure = Experiment.Kind, Experiment.Over, Experiment.Measure
MOST_BLOCK_HOURS = 168
OLDEST = timedelta(days=90)
_IN_SHADOW = (Measure.AUTOMATED, Measure.REVIEWED, Measure.ERROR)


@dataclass(frozen=True, slots=True)
class Declared:
    """What is to be compared. starts_at null: now; share: of the cases, for a canary that is still to be started."""

    task_type: TaskType
    title: str
    kind: str
    over: str
    first: str
    second: str
    measure: str
    block_hours: int | None = None
    washout_hours: int = 0
    share: float | None = None
    starts_at: datetime | None = None
    reason: str = ""


@transaction.atomic
def declare_experiment(*, actor: Actor, declared: Declared) -> Experiment:
    """Store what is compared, and put the version that is tried in shadow or make it the canary where it is not yet.

    Raises Forbidden, Refused with the place that is wrong, and what starting the trial may refuse.
    """
    actor.require(Permission.WRITE_POLICIES)
    at = now()
    _check_arms(declared)
    _check_time(declared, at)
    _start_trial(actor, declared)
    row = Experiment(
        workspace_id=actor.workspace_id, task_type=declared.task_type, title=declared.title, kind=declared.kind,
        over=declared.over, first=declared.first, second=declared.second, measure=declared.measure,
        block_hours=declared.block_hours if declared.kind == Kind.TIME else None,
        washout_hours=declared.washout_hours if declared.kind == Kind.TIME else 0, reason=declared.reason,
        starts_at=_start(declared, at), created_by_id=actor.user_id, created_at=at,
    )  # fmt: skip
    row.save(force_insert=True)
    after = {
        "kind": row.kind, "over": row.over, "first": row.first, "second": row.second, "measure": row.measure,
        "starts_at": rfc3339(row.starts_at),
    }  # fmt: skip
    _record(actor, row, "experiment.declared", after, declared.reason)
    return row


@transaction.atomic
def stop_experiment(*, actor: Actor, experiment: Experiment) -> Experiment:
    """End it now; the version's trial goes on until it is withdrawn. Raises Forbidden, Conflict (`not_running`)."""
    actor.require(Permission.WRITE_POLICIES)
    at, running = now(), Experiment.Status.RUNNING
    rows = Experiment.objects.filter(pk=experiment.pk, workspace_id=actor.workspace_id, status=running)
    if not rows.update(status=Experiment.Status.STOPPED, ends_at=at):
        raise Conflict("This experiment is not running.", code="not_running")
    experiment.refresh_from_db()
    _record(actor, experiment, "experiment.stopped", {"ends_at": rfc3339(at)}, "")
    return experiment


def _check_arms(declared: Declared) -> None:
    if declared.first == declared.second:
        raise _refused("second", "Name another one than the first.")
    if declared.kind == Kind.SHADOW and declared.over != Over.POLICY:
        raise _refused("over", "Only policy versions can be in shadow beside another; compare models as a split.")
    if declared.kind == Kind.SHADOW and declared.measure not in _IN_SHADOW:
        raise _refused("measure", "Nobody waits for a shadow or overrules it; choose automated, reviewed or error.")
    if declared.kind == Kind.SEGMENT:
        _check_segments(declared)
    elif declared.over == Over.POLICY:
        _check_versions(declared)


def _check_segments(declared: Declared) -> None:
    names = []
    for field in ("first", "second"):
        name, mark, value = str(getattr(declared, field)).partition("=")
        if not (name and mark and value):
            raise _refused(field, "Write name=value, as in region=EU.")
        names.append(name)
    if names[0] != names[1]:
        raise _refused("second", f"Name another value of {names[0]}.")


def _check_versions(declared: Declared) -> None:
    numbers = _versions(declared)
    for field in ("first", "second"):
        if getattr(declared, field) not in numbers:
            raise _refused(field, "Give the number of a version of this task type's policy.")
    if declared.kind in (Kind.SHADOW, Kind.SPLIT) and numbers[declared.second].status != PolicyVersion.Status.ACTIVE:
        raise _refused("second", "Give the version in force: it decides the other cases.")


def _check_time(declared: Declared, at: datetime) -> None:
    if declared.kind == Kind.TIME:
        if not declared.block_hours or not 1 <= declared.block_hours <= MOST_BLOCK_HOURS:
            raise _refused("block_hours", f"Give whole hours from 1 to {MOST_BLOCK_HOURS}.")
        if not 0 <= declared.washout_hours < declared.block_hours:
            raise _refused("washout_hours", "Leave at least an hour of each block.")
    start = declared.starts_at or at
    if not at - OLDEST <= start <= at + timedelta(minutes=1):
        raise _refused("starts_at", f"Give a time within the last {OLDEST.days} days, or none for now.")


def _start(declared: Declared, at: datetime) -> datetime:
    """A whole hour where hours are what is counted."""
    start = declared.starts_at or at
    if declared.kind in (Kind.SHADOW, Kind.SPLIT) and declared.over == Over.POLICY:
        return start
    return start.replace(minute=0, second=0, microsecond=0)


def _start_trial(actor: Actor, declared: Declared) -> None:
    if declared.over != Over.POLICY or declared.kind not in (Kind.SHADOW, Kind.SPLIT):
        return
    version = _versions(declared)[declared.first]
    wanted = PolicyVersion.Status.SHADOW if declared.kind == Kind.SHADOW else PolicyVersion.Status.CANARY
    if version.status == wanted or (declared.starts_at is not None and version.status != PolicyVersion.Status.APPROVED):
        return  # it runs already, or what has happened is compared
    if wanted == PolicyVersion.Status.SHADOW:
        start_shadow(actor=actor, version=version, reason=declared.reason or declared.title)
    elif declared.share is None:
        raise _refused("share", "Say which share of the cases it decides.")
    else:
        start_canary(actor=actor, version=version, share=declared.share, reason=declared.reason or declared.title)


def _versions(declared: Declared) -> dict[str, PolicyVersion]:
    rows = PolicyVersion.objects.filter(policy__task_type=declared.task_type)
    return {str(version.number): version for version in rows}


def _record(actor: Actor, row: Experiment, action: str, after: dict[str, str | None], reason: str) -> None:
    subject, change = Subject("experiment", row.pk), Change(after=after, reason=reason)
    record_event(actor=actor, action=action, subject=subject, change=change)


def _refused(field: str, cure: str) -> Refused:
    return Refused(cure, code="experiment_refused", errors=[FieldProblem(f"/{field}", cure, "experiment_refused")])
