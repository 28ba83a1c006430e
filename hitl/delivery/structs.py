"""What the webhook endpoints of the REST API take and give."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from hitl.core.clock import rfc3339
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint


class EventType(StrEnum):
    """What an endpoint may subscribe to (contract: webhooks)."""

    CASE_DECIDED = "case.decided"
    CASE_PROVISIONAL = "case.provisional"
    CASE_CORRECTED = "case.corrected"
    CASE_ESCALATED = "case.escalated"
    REVIEW_OVERDUE = "review.overdue"
    APPEAL_RESOLVED = "appeal.resolved"
    ACTION_APPROVED = "action.approved"
    ACTION_REJECTED = "action.rejected"
    ACTION_COMPENSATION = "action.compensation"
    CALIBRATION_PROPOSED = "calibration.proposed"
    POLICY_ACTIVATED = "policy.activated"
    RETRAINING_SUGGESTED = "retraining.suggested"
    ALERT_RAISED = "alert.raised"


class WebhookIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`event_types` empty or absent: every type."""

    url: Annotated[str, msgspec.Meta(min_length=8, max_length=500)]
    event_types: Annotated[list[Annotated[str, msgspec.Meta(max_length=60)]], msgspec.Meta(max_length=50)] = []


class WebhookOut(msgspec.Struct, frozen=True):
    """`active` false: it answered 410 Gone. `client` null: the workspace's own. `secret` only when just created."""

    id: str
    url: str
    event_types: list[str]
    active: bool
    client: str | None
    created_at: str | None
    secret: str | msgspec.UnsetType = msgspec.UNSET


class WebhookList(msgspec.Struct, frozen=True):
    results: list[WebhookOut]
    next: str | None


class WebhookDeliveryOut(msgspec.Struct, frozen=True):
    """`message_id` is the header `webhook-id`. `next_attempt_at` null once delivered or dead."""

    id: str
    message_id: str
    type: str
    status: str
    attempts: int
    next_attempt_at: str | None
    last_status: int | None
    last_error: str | None
    created_at: str | None
    delivered_at: str | None
    payload: dict[str, Any]


class WebhookDeliveryList(msgspec.Struct, frozen=True):
    results: list[WebhookDeliveryOut]
    next: str | None


def webhook_out(endpoint: WebhookEndpoint, *, secret: bool = False) -> WebhookOut:
    """The public form; the secret only on creation."""
    return WebhookOut(
        id=str(endpoint.id),
        url=endpoint.url,
        event_types=list(endpoint.event_types),
        active=endpoint.active,
        client=endpoint.client.name if endpoint.client else None,
        created_at=rfc3339(endpoint.created_at),
        secret=endpoint.secret if secret else msgspec.UNSET,
    )


def delivery_out(delivery: WebhookDelivery) -> WebhookDeliveryOut:
    """The public form of a delivery."""
    waiting = delivery.status == WebhookDelivery.Status.WAITING
    return WebhookDeliveryOut(
        id=str(delivery.id),
        message_id=str(delivery.message_id),
        type=delivery.type,
        status=delivery.status,
        attempts=delivery.attempts,
        next_attempt_at=rfc3339(delivery.next_attempt_at) if waiting else None,
        last_status=delivery.last_status,
        last_error=delivery.last_error or None,
        created_at=rfc3339(delivery.created_at),
        delivered_at=rfc3339(delivery.delivered_at),
        payload=delivery.payload,
    )
