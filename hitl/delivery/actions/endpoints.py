"""Registering, revoking, testing and disabling webhook endpoints."""

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.models import Client, Workspace
from hitl.core.actors import Actor
from hitl.core.clock import now, rfc3339
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, FieldProblem, NotFound, Refused
from hitl.core.ids import new_id
from hitl.delivery.access import require_webhooks
from hitl.delivery.addresses import url_problems
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from hitl.delivery.signing import new_secret
from hitl.delivery.structs import EventType

MAX_ENDPOINTS = 20  # per client, and for the workspace itself
TEST_TYPE = "webhook.test"


@transaction.atomic
def register_endpoint(
    *, actor: Actor, url: str, event_types: Sequence[str] = (), client_id: uuid.UUID | None = None
) -> WebhookEndpoint:
    """A new endpoint; its `secret` is to be shown now and never again.

    A client registers for itself; a person for `client_id`, or for the whole workspace when null. Empty `event_types`
    means all. Raises Forbidden, NotFound (client), Refused (`bad_url`, `unknown_event_type`), Conflict (`too_many`).
    """
    require_webhooks(actor)
    _check(url, event_types)
    owner = _lock_owner(actor, actor.client_id or client_id)
    live = WebhookEndpoint.objects.filter(workspace_id=actor.workspace_id, client=owner, revoked_at__isnull=True)
    if live.count() >= MAX_ENDPOINTS:
        raise Conflict(f"There are {MAX_ENDPOINTS} endpoints already; revoke one first.", code="too_many")
    endpoint = WebhookEndpoint.objects.create(
        workspace_id=actor.workspace_id,
        client=owner,
        url=url,
        event_types=sorted(set(event_types)),
        secret=new_secret(),
    )
    _record(actor, "webhook.registered", endpoint)
    return endpoint


@transaction.atomic
def revoke_endpoint(*, actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Stop telling this address; what still waited is dropped. Twice changes nothing."""
    require_webhooks(actor)
    if _switch_off(endpoint, "the endpoint was revoked", revoked=True):
        _record(actor, "webhook.revoked", endpoint)


@transaction.atomic
def disable_endpoint(*, actor: Actor, endpoint: WebhookEndpoint, reason: str) -> None:
    """The system's reaction to 410 Gone: inactive, but still listed, so that its owner sees it."""
    if _switch_off(endpoint, reason, revoked=False):
        _record(actor, "webhook.disabled", endpoint, reason)


@transaction.atomic
def send_test(*, actor: Actor, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Queue a `webhook.test` message that takes the real path. Raises Conflict (`endpoint_inactive`)."""
    require_webhooks(actor)
    _require_active(endpoint)
    at = now()
    delivery = WebhookDelivery.objects.create(
        workspace_id=endpoint.workspace_id,
        endpoint=endpoint,
        message_id=new_id(),
        type=TEST_TYPE,
        payload={"type": TEST_TYPE, "timestamp": rfc3339(at), "data": {"webhook": str(endpoint.id)}},
        next_attempt_at=at,
        created_at=at,
    )
    _record(actor, "webhook.tested", endpoint)
    ring("delivery.send_due")
    return delivery


@transaction.atomic
def replay_delivery(*, actor: Actor, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send it again from the start of the schedule, with the same message id. Raises Conflict (`endpoint_inactive`)."""
    require_webhooks(actor)
    _require_active(delivery.endpoint)
    before = {"status": delivery.status, "attempts": delivery.attempts}
    delivery.status = WebhookDelivery.Status.WAITING
    delivery.attempts = 0
    delivery.next_attempt_at = now()
    delivery.delivered_at = None
    delivery.save(update_fields=["status", "attempts", "next_attempt_at", "delivered_at"])
    record_event(
        actor=actor,
        action="delivery.replayed",
        subject=Subject("webhookdelivery", delivery.pk),
        change=Change(before=before, after={"status": delivery.status, "attempts": 0}),
    )
    ring("delivery.send_due")
    return delivery


def _lock_owner(actor: Actor, client_id: uuid.UUID | None) -> Client | None:
    """The owner under its row lock, so that two requests at once cannot both take the last place."""
    if client_id is None:
        Workspace.objects.select_for_update().get(pk=actor.workspace_id)
        return None
    rows = Client.objects.select_for_update().filter(workspace_id=actor.workspace_id, active=True)
    owner = rows.filter(pk=client_id).first()
    if owner is None:
        raise NotFound()
    return owner


def _switch_off(endpoint: WebhookEndpoint, why: str, *, revoked: bool) -> bool:
    """Compare and swap under the row's lock; whether this call did it."""
    row = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if row.revoked_at is not None or not (row.active or revoked):
        return False
    row.active = False
    row.revoked_at = now() if revoked else None
    row.save(update_fields=["active", "revoked_at"])
    row.deliveries.filter(status=WebhookDelivery.Status.WAITING).update(
        status=WebhookDelivery.Status.DEAD, last_error=why
    )
    return True


def _require_active(endpoint: WebhookEndpoint) -> None:
    if not endpoint.active:
        raise Conflict("This endpoint is no longer active; register it again.", code="endpoint_inactive")


def _check(url: str, event_types: Sequence[str]) -> None:
    wrong = url_problems(url, allow_private=settings.HITL_WEBHOOK_ALLOW_PRIVATE)
    problems = [FieldProblem("/url", problem, "bad_url") for problem in wrong]
    known = set(EventType)
    problems += [
        FieldProblem(f"/event_types/{i}", f"Known types: {', '.join(sorted(known))}.", "unknown_event_type")
        for i, name in enumerate(event_types)
        if name not in known
    ]
    if problems:
        raise Refused("The endpoint was not registered.", code=problems[0].code, errors=problems)


def _record(actor: Actor, action: str, endpoint: WebhookEndpoint, reason: str = "") -> None:
    record_event(
        actor=actor,
        action=action,
        subject=Subject("webhookendpoint", endpoint.pk),
        change=Change(
            after={
                "url": endpoint.url,
                "event_types": list(endpoint.event_types),
                "client": str(endpoint.client_id) if endpoint.client_id else None,
            },
            reason=reason,
        ),
    )
