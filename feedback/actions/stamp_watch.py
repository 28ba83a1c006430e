"""Warn where somebody seems to rubber-stamp. The alert names the queue, not the person: webhooks carry it outside."""

from django.db.models import Count, Q
from django.utils.translation import gettext_noop

from feedback.models import ReviewerFigures
from hitl.core.actors import system_actor
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from reviews.models import Queue

KIND = "rubber_stamp"


def watch_stamps() -> int:
    """Look at every queue with figures once; raises and resolves alerts. Returns how many stand. Safe to run twice."""
    signals = Count("pk", filter=Q(figures__stamp__status="signal"))
    rows = ReviewerFigures.objects.order_by().values("queue_id").annotate(signals=signals)
    found = {row["queue_id"]: row["signals"] for row in rows}
    return sum(_look(queue, found[queue.pk]) for queue in Queue.objects.filter(pk__in=found))


def _look(queue: Queue, people: int) -> bool:
    actor = system_actor(queue.workspace_id, "quality")
    if not people:
        reason = "no sign any more"
        resolve_alert(actor=actor, kind=KIND, subject_type="queue", subject_id=queue.pk, reason=reason)
        return False
    raise_alert(
        actor=actor,
        kind=KIND,
        about=About("queue", queue.pk, queue.title, "/quality/reviewers", queue.task_type_id),
        words=Wording(
            title=gettext_noop("Signs of rubber-stamping: %(queue)s"),
            detail=gettext_noop(
                "%(people)s of its reviewers agree with the machine more than colleagues, are faster, and follow it "
                "more where it is known to be wrong."
            ),
            runbook=gettext_noop(
                "Look at their figures on /quality/reviewers and talk with them: load, fatigue and guideline first. "
                "Judging first and fewer cases an hour help; lower no threshold on their agreement meanwhile."
            ),
            values={"queue": queue.title, "people": people},
        ),
    )
    return True
