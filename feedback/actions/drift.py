"""Look whether anything moved; where it did: an alert, and the recalibration or retraining that answers it.

Worker only where a look is due: that imports numpy and scipy.
"""

import logging
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from audit.actions.events import Change, Subject, record_event
from feedback.actions.recalibration_sweeps import request_recalibration
from feedback.actions.retraining import suggest_retraining
from feedback.models import DriftReport
from feedback.stats.drift_causes import RECALIBRATES, Cause
from hitl.core.actors import system_actor
from hitl.core.clock import db_now
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from reviews.models import Alert, Case
from routing.models import TaskType

log = logging.getLogger(__name__)
EVERY, AT_LEAST_APART = timedelta(hours=24), timedelta(hours=6)
AFTER_CASES = 250
KIND = "drift"
_WORDS = (
    gettext_noop("Something has moved: %(task_type)s"),
    gettext_noop("Moved: %(moved)s. Likely: %(causes)s. Tested together at %(alpha)s, Holm's correction."),
    gettext_noop("The drift page shows every test with its figures and what answers each cause."),
)


def watch_drift() -> int:
    """One look at every task type where one is due. Returns in how many something moved; safe to run twice or at once.

    Due: every 24 hours, and after 250 cases, at least 6 hours apart.
    """
    moved = 0
    for task_type in TaskType.objects.order_by("pk"):
        try:
            with transaction.atomic():
                report = look_for_drift(task_type, db_now()) if _mine(task_type) else None
        except Exception:  # one task type's trouble never keeps the others from theirs
            log.exception("drift of %s could not be looked for", task_type.slug)
            continue
        moved += report is not None and report.significant
    return moved


def look_for_drift(task_type: TaskType, at: datetime) -> DriftReport | None:
    """Test, keep the report, alert and ask for a recalibration, in the caller's transaction. Null where none is due."""
    newest = _due(task_type, at)
    if newest is None:
        return None
    # Here and not above: the worker that only looks whether something is due stays small.
    from feedback.drift_report import examined

    found = examined(task_type, at)
    report = DriftReport.objects.create(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        created_at=at,
        newest_case=newest.pk,
        alpha=found.alpha,
        significant=bool(found.moved),
        findings=found.findings,
        causes=[str(cause) for cause in found.causes],
    )
    if found.moved:
        _tell(report, found.moved, found.causes, found.model)
    elif any(finding["p_value"] is not None for finding in found.findings):
        actor = system_actor(task_type.workspace_id, "drift")
        resolve_alert(
            actor=actor, kind=KIND, subject_type="task_type", subject_id=task_type.pk, reason="nothing stands out"
        )
    return report


def _mine(task_type: TaskType) -> bool:
    """Until the end of the transaction; another worker that is at it makes this one pass on."""
    with connection.cursor() as cursor:
        key = f"feedback.drift:{task_type.pk}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        mine: bool = cursor.fetchone()[0]
    return mine


def _due(task_type: TaskType, at: datetime) -> Case | None:
    """The newest case, where a look is due; null where it is not, or nothing came since the last one."""
    last = DriftReport.objects.filter(task_type=task_type).order_by("-pk").first()
    cases = Case.objects.filter(workspace_id=task_type.workspace_id, task_type=task_type)
    if last is not None:
        cases = cases.filter(pk__gt=last.newest_case)
        age = at - last.created_at
        if age < AT_LEAST_APART or (age < EVERY and cases[:AFTER_CASES].count() < AFTER_CASES):
            return None
    return cases.only("pk").order_by("-pk").first()


def _tell(report: DriftReport, moved: list[str], causes: list[Cause], model: str | None) -> None:
    """Once while it lasts: the alert, its event and webhook, and what is asked for in response."""
    task_type, actor = report.task_type, system_actor(report.workspace_id, "drift")
    known = Alert.objects.filter(kind=KIND, subject_id=str(task_type.pk), resolved_at__isnull=True).exists()
    raise_alert(
        actor=actor,
        kind=KIND,
        about=About("task_type", task_type.pk, task_type.title, f"/ops/drift?task_type={task_type.slug}", task_type.pk),
        words=Wording(
            *_WORDS,
            {
                "task_type": task_type.title,
                "moved": ", ".join(moved),
                "causes": ", ".join(cause.replace("_", " ") for cause in causes),
                "alpha": report.alpha,
            },
        ),
    )
    if known:
        return
    record_event(
        actor=actor,
        action="drift.found",
        subject=Subject("driftreport", report.pk),
        change=Change(after={"task_type": task_type.slug, "moved": moved, "causes": report.causes}),
    )
    if RECALIBRATES.intersection(causes):
        request_recalibration(actor=actor, task_type=task_type, trigger="drift")
    if model is not None and Cause.TRAINING_SKEWED in causes:
        suggest_retraining(
            actor=actor,
            task_type=task_type,
            model_version=model,
            trigger="drift",
            reason=f"Other cases come in and confidences are right less often: {', '.join(moved)} moved.",
            figures={"report": str(report.pk)},
        )
