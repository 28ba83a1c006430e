"""Queues over their declared limits: noticed, told, and over again once they are clearly below (mission C4)."""

from django.db.models import Q
from django.utils.translation import gettext_noop as _

from hitl.core.actors import Actor, system_actor
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from reviews.models import Alert, Queue
from reviews.queue_stats import stats_of

WAITING, OVERDUE = "backlog_waiting", "backlog_overdue"
_CLEARLY_BELOW = 0.9  # of the limit: a queue that hovers round it does not ring again and again
_WORDS = {
    WAITING: (_("Too much waits in %(queue)s"), _("%(value)s reviews wait; the declared limit is %(limit)s.")),
    OVERDUE: (
        _("Too much is overdue in %(queue)s"),
        _("%(value)s reviews are overdue; the declared limit is %(limit)s."),
    ),
}
_RUNBOOK = _(
    "See who is on under Staff, rotate people to this queue, or assign its overdue cases. "
    "If it lasts, recalibrate before asking for more people."
)


def check_backlogs() -> int:
    """Raise and resolve the alerts of every queue with a limit. Returns how many are over one; idempotent."""
    limited = Queue.objects.filter(Q(alert_waiting__isnull=False) | Q(alert_overdue__isnull=False))
    open_about = Alert.objects.filter(kind__in=_WORDS, resolved_at__isnull=True).values_list("subject_id", flat=True)
    queues = list(limited | Queue.objects.filter(pk__in=list(open_about)))
    stats = stats_of([q.pk for q in queues], waits=False)
    found = [
        _check(queue, kind, limit, value)
        for queue in queues
        for kind, limit, value in (
            (WAITING, queue.alert_waiting, stats[queue.pk].depth),
            (OVERDUE, queue.alert_overdue, stats[queue.pk].overdue),
        )
    ]
    return sum(found)


def _check(queue: Queue, kind: str, limit: int | None, value: int) -> bool:
    actor = system_actor(queue.workspace_id, "backlog")
    if limit is not None and value > limit:
        _raise(actor, queue, kind, limit, value)
        return True
    if limit is None or value <= limit * _CLEARLY_BELOW:
        reason = "no limit is declared" if limit is None else f"{value} of {limit}"
        resolve_alert(actor=actor, kind=kind, subject_type="queue", subject_id=queue.pk, reason=reason)
    return False


def _raise(actor: Actor, queue: Queue, kind: str, limit: int, value: int) -> None:
    title, detail = _WORDS[kind]
    about = About("queue", queue.pk, queue.title, f"/queues/{queue.slug}", queue.task_type_id)
    values = {"queue": queue.title, "value": value, "limit": limit}
    raise_alert(actor=actor, kind=kind, about=about, words=Wording(title, detail, _RUNBOOK, values))
