"""When to learn anew where people overrule the machine. Imports no numpy until it is due."""

import logging

from feedback.models import DisagreementRun
from feedback.selectors import labels_changed_since
from hitl.core.clock import now
from routing.models import TaskType

log = logging.getLogger(__name__)
ENOUGH_NEW = 100
"""Labels made or changed since the last run that start one before the night does."""


def train_triggered() -> int:
    """Task types with enough new labels since their last run; returns how many ran."""
    return _train("new_judgements", ENOUGH_NEW)


def train_all() -> int:
    """Task types with any new label since their last run; returns how many ran."""
    return _train("nightly", 1)


def _train(trigger: str, needed: int) -> int:
    runs = 0
    for task_type in TaskType.objects.order_by("pk"):
        last = DisagreementRun.objects.filter(task_type=task_type).order_by("-created_at").first()
        since = last.created_at if last else None
        if labels_changed_since(task_type.pk, since, at_most=needed) >= needed:
            runs += _attempt(task_type, trigger)
    return runs


def _attempt(task_type: TaskType, trigger: str) -> int:
    """One run; a failure is written down and never keeps the other task types from theirs."""
    # Here and not above: the worker that only looks whether something is due stays small.
    from feedback.actions.disagreement import Outcome, record_run, train_disagreement

    started = now()
    try:
        return int(train_disagreement(task_type=task_type, trigger=trigger) is not None)
    except Exception as error:
        log.exception("learning the disagreement of %s failed", task_type.slug)
        outcome = Outcome(DisagreementRun.Result.FAILED, f"{type(error).__name__}: {error}")
        record_run(task_type, trigger, outcome, 0, started)
        return 1
