"""Raise, acknowledge, resolve and mail alerts. Whoever notices something calls `raise_alert` in its transaction."""

import logging
import uuid
from dataclasses import dataclass, field
from smtplib import SMTPException
from typing import Any

import msgspec
from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.accounts.models import Membership
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, NotFound
from hitl.core.permissions import Permission, Role
from hitl.core.rows import insert_rows
from reviews.alerts import alert_out, alerts_for_actor
from reviews.models import Alert

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class About:
    """What an alert is about. `id` is the row's; `link` a page of ours; `task_type_id` narrows who sees it."""

    type: str
    id: uuid.UUID | str
    title: str = ""
    link: str = ""
    task_type_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """English texts marked with `gettext_noop`; `values` (plain JSON) fills their %(name)s places."""

    title: str
    detail: str
    runbook: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def raise_alert(*, actor: Actor, kind: str, about: About, words: Wording) -> Alert:
    """The open alert of this kind on this subject: a new one with its event and webhook, or the one there is.

    While one is open, noticing the same again only counts and renews its figures; nobody is told twice.
    """
    if found := _notice_again(actor, kind, about, words):
        return found
    at = db_now()
    alert = Alert(
        workspace_id=actor.workspace_id,
        kind=kind,
        subject_type=about.type,
        subject_id=str(about.id),
        subject_title=about.title[:200],
        link=about.link,
        task_type_id=about.task_type_id,
        title=words.title,
        detail=words.detail,
        runbook=words.runbook,
        values=words.values,
        raised_at=at,
        seen_at=at,
    )
    try:
        with transaction.atomic():
            alert.save(force_insert=True)
    except IntegrityError:  # somebody noticed it at the same moment
        return _notice_again(actor, kind, about, words) or alert
    payload = msgspec.to_builtins(alert_out(alert))
    change = Change(after=payload, reason=payload["detail"][:2000])
    insert_rows(
        build_event(actor=actor, action="alert.raised", subject=Subject("alert", alert.pk), change=change, at=at),
        build_message(actor=actor, type="alert.raised", payload=payload),
    )
    ring("delivery.relay_outbox")
    return alert


def _notice_again(actor: Actor, kind: str, about: About, words: Wording) -> Alert | None:
    rows = _open(actor, kind, about.type, about.id)
    if not rows.update(times=F("times") + 1, seen_at=db_now(), values=words.values, detail=words.detail):
        return None
    return rows.first()


def _open(actor: Actor, kind: str, subject_type: str, subject_id: uuid.UUID | str) -> QuerySet[Alert]:
    return Alert.objects.filter(
        workspace_id=actor.workspace_id,
        kind=kind,
        subject_type=subject_type,
        subject_id=str(subject_id),
        resolved_at__isnull=True,
    )


@transaction.atomic
def resolve_alert(*, actor: Actor, kind: str, subject_type: str, subject_id: uuid.UUID | str, reason: str = "") -> bool:
    """What it was about is over. False where none was open; the next `raise_alert` makes a new one."""
    alert = _open(actor, kind, subject_type, subject_id).select_for_update().first()
    if alert is None:
        return False
    at = db_now()
    Alert.objects.filter(pk=alert.pk).update(resolved_at=at)
    change = Change({"state": alert.state}, {"state": "resolved"}, reason)
    insert_rows(
        build_event(actor=actor, action="alert.resolved", subject=Subject("alert", alert.pk), change=change, at=at)
    )
    return True


@transaction.atomic
def acknowledge_alert(*, actor: Actor, alert_id: uuid.UUID, note: str = "") -> Alert:
    """Say that somebody looks after it. Again by anybody changes nothing. Raises Conflict `already_resolved`."""
    alert = alerts_for_actor(actor).select_for_update(of=("self",)).filter(pk=alert_id).first()
    if alert is None:
        raise NotFound()
    actor.require(Permission.ANSWER_ALERTS)
    if alert.acknowledged_at is not None:
        return alert
    if alert.resolved_at is not None:
        raise Conflict("This alert is over already.", code="already_resolved")
    alert.acknowledged_by_id, alert.acknowledged_at = actor.user_id, db_now()
    alert.save(update_fields=["acknowledged_by", "acknowledged_at"])
    change = Change({"state": "open"}, {"state": "acknowledged"}, note[:2000])
    insert_rows(
        build_event(actor=actor, action="alert.acknowledged", subject=Subject("alert", alert.pk), change=change)
    )
    return alert


def mail_alerts() -> int:
    """E-mail new alerts to the supervisors of their workspace, where the installation says so. Returns how many.

    Each is claimed before its mail goes, so that two workers never send it twice; a mail server that is away gives
    it back.
    """
    if not settings.HITL_ALERT_MAIL:
        return 0
    sent = 0
    fresh = Alert.objects.filter(mailed_at__isnull=True, resolved_at__isnull=True).order_by("id")[:50]
    for alert in fresh.select_related("workspace"):
        if not Alert.objects.filter(pk=alert.pk, mailed_at__isnull=True).update(mailed_at=db_now()):
            continue
        try:
            _mail(alert)
        except (SMTPException, OSError) as error:
            log.warning("mail away: %s", error)
            Alert.objects.filter(pk=alert.pk).update(mailed_at=None)
            break
        sent += 1
    return sent


def _mail(alert: Alert) -> None:
    to = Membership.objects.filter(
        workspace_id=alert.workspace_id, role=Role.SUPERVISOR, active=True, user__is_active=True, user__simulated=False
    ).exclude(user__email="")
    addresses = list(to.values_list("user__email", flat=True))
    if not addresses:
        return
    parts = [alert.said, alert.to_do, f"{settings.HITL_BASE_URL}/ops/alerts" if settings.HITL_BASE_URL else ""]
    subject = " ".join(f"{alert.workspace.title}: {alert.headline}".split())
    for address in addresses:  # one each: supervisors' addresses are nobody else's business
        send_mail(subject, "\n\n".join(part for part in parts if part), None, [address])
