"""When to recalibrate: asked for by a person, enough new labels, or every night. Imports no numpy until one is due."""

import logging

from django.db import IntegrityError, transaction

from audit.actions.events import Change, Subject, record_event
from feedback.learning_settings import settings_or_defaults
from feedback.models import RecalibrationRun
from feedback.selectors import labels_changed_since
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import Forbidden
from hitl.core.permissions import Permission
from routing.models import TaskType

log = logging.getLogger(__name__)
Result = RecalibrationRun.Result


def request_recalibration(*, actor: Actor, task_type: TaskType, trigger: str = "by_hand") -> RecalibrationRun:
    """Ask for a run; a worker takes it within a minute even if the doorbell is lost. A waiting request is returned.

    trigger: `by_hand` for a person; whoever watches for drift says `drift`.
    """
    actor.require(Permission.WRITE_POLICIES)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise Forbidden()
    waiting = RecalibrationRun.objects.filter(task_type=task_type, result=Result.REQUESTED)
    run = RecalibrationRun(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        trigger=trigger,
        result=Result.REQUESTED,
        requested_by_id=actor.user_id,
        created_at=now(),
    )
    try:
        with transaction.atomic():
            if found := waiting.first():
                return found
            run.save(force_insert=True)
            record_event(
                actor=actor,
                action="recalibration.requested",
                subject=Subject("recalibration", run.pk),
                change=Change(after={"task_type": task_type.slug, "trigger": trigger}),
            )
            ring("feedback.recalibrate_triggered")
    except IntegrityError:  # recalibration_one_request: somebody else asked at the same moment
        return waiting.get()
    return run


def recalibrate_triggered() -> int:
    """Work the requests, and the task types with enough new labels since their last run. Returns how many ran."""
    runs = 0
    for task_type in TaskType.objects.order_by("pk"):
        request = RecalibrationRun.objects.filter(task_type=task_type, result=Result.REQUESTED).first()
        if request is not None:
            runs += _attempt(task_type, request.trigger, request)
        elif _enough_new_labels(task_type):
            runs += _attempt(task_type, "new_labels", None)
    return runs


def recalibrate_all() -> int:
    """Every task type that has anything to learn from; returns how many ran."""
    learning = [t for t in TaskType.objects.order_by("pk") if labels_changed_since(t.pk, None, at_most=1)]
    return sum(_attempt(t, "nightly", None) for t in learning)


def _enough_new_labels(task_type: TaskType) -> bool:
    """Counted from the start of the last run's reading, so a label that came during it counts for the next one."""
    needed = settings_or_defaults(task_type).min_new_labels
    last = (
        RecalibrationRun.objects.filter(task_type=task_type)
        .exclude(result=Result.REQUESTED)
        .order_by("-created_at")
        .first()
    )
    return labels_changed_since(task_type.pk, last.created_at if last else None, at_most=needed) >= needed


def _attempt(task_type: TaskType, trigger: str, request: RecalibrationRun | None) -> int:
    """One run; a failure is written down and never keeps the other task types from theirs."""
    # Here and not above: the worker that only looks whether something is due stays small.
    from feedback.actions.recalibration import Outcome, recalibrate, record_run

    started = now()
    try:
        return int(recalibrate(task_type=task_type, trigger=trigger, request=request) is not None)
    except Exception as error:
        log.exception("recalibration of %s failed", task_type.slug)
        record_run(task_type, trigger, Outcome(Result.FAILED, f"{type(error).__name__}: {error}"), 0, started, request)
        return 1
