"""Alerts as they are read: who may see which, and the public form."""

from typing import Any

import msgspec
from django.db.models import QuerySet

from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from hitl.core.permissions import Permission, Scope
from reviews.models import Alert

PERSON = "reviewer"  # the subject type of what is about one of our people


class AlertOut(msgspec.Struct, frozen=True):
    """`state`: open, acknowledged, resolved. `subject` names what it is about; `values` are the figures in `detail`."""

    id: str
    kind: str
    state: str
    subject: dict[str, str]
    title: str
    detail: str
    runbook: str
    values: dict[str, Any]
    times: int
    raised_at: str | None
    acknowledged_by: str | None
    acknowledged_at: str | None
    resolved_at: str | None


def alert_out(alert: Alert) -> AlertOut:
    """The public form, for REST and the webhook `alert.raised`."""
    return AlertOut(
        id=str(alert.pk),
        kind=alert.kind,
        state=alert.state,
        subject={"type": alert.subject_type, "id": alert.subject_id, "title": alert.subject_title},
        title=alert.headline,
        detail=alert.said,
        runbook=alert.to_do,
        values=alert.values,
        times=alert.times,
        raised_at=rfc3339(alert.raised_at),
        acknowledged_by=alert.acknowledged_by.get_username() if alert.acknowledged_by else None,
        acknowledged_at=rfc3339(alert.acknowledged_at),
        resolved_at=rfc3339(alert.resolved_at),
    )


def alerts_for_actor(actor: Actor) -> QuerySet[Alert]:
    """What this actor may see: whoever reads metrics, less what concerns task types their key does not include.

    A client never sees what is about one of our people.
    """
    rows = Alert.objects.filter(workspace_id=actor.workspace_id)
    if not actor.may(Permission.READ_METRICS):
        partner = actor.user_id is None and Scope.METRICS_READ in actor.scopes
        rows = rows.exclude(subject_type=PERSON) if partner else rows.none()
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    return rows


def in_state(rows: QuerySet[Alert], state: str) -> QuerySet[Alert]:
    """`open`, `acknowledged` or `resolved`; anything else: all."""
    match state:
        case Alert.State.OPEN:
            return rows.filter(resolved_at__isnull=True, acknowledged_at__isnull=True)
        case Alert.State.ACKNOWLEDGED:
            return rows.filter(resolved_at__isnull=True, acknowledged_at__isnull=False)
        case Alert.State.RESOLVED:
            return rows.filter(resolved_at__isnull=False)
    return rows
