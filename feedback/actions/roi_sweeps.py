"""Which task types get a new ROI report. Imports no numpy until one is due."""

import logging
from datetime import datetime, timedelta

from feedback.models import RoiReport
from feedback.selectors import labels_changed_since
from hitl.core.clock import now
from routing.models import TaskType

log = logging.getLogger(__name__)
FRESH = timedelta(hours=20)


def compute_all_roi(at: datetime | None = None) -> int:
    """Task types with any label made or changed since their last report, at most once in `FRESH`; returns how many."""
    done, at = 0, at or now()
    for task_type in TaskType.objects.order_by("pk"):
        last = (
            RoiReport.objects.filter(task_type=task_type).order_by("-id").values_list("created_at", flat=True).first()
        )
        if last is not None and at - last < FRESH:
            continue
        if labels_changed_since(task_type.pk, last, at_most=1):
            done += _attempt(task_type, at)
    return done


def _attempt(task_type: TaskType, at: datetime) -> int:
    """A failure is logged and keeps none of the others from theirs."""
    # Here and not above: the worker that only looks whether something is due stays small.
    from feedback.actions.roi import compute_roi

    try:
        return int(compute_roi(task_type=task_type, at=at) is not None)
    except Exception:
        log.exception("the ROI of %s failed", task_type.slug)
        return 0
