"""From the outbox to deliveries: database only, one short transaction a batch, safe in several workers at once."""

import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models.functions import Now

from audit.models import OutboxMessage
from hitl.core.clock import now, rfc3339
from hitl.core.enqueue import ring
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from hitl.delivery.selectors import clients_of_cases, listening_endpoints

BATCH = 500


def relay_outbox(*, batch: int = BATCH) -> int:
    """Turn every available message into one delivery per listening endpoint; returns how many messages were relayed.

    A message is relayed once: rows another worker holds are skipped, and a delivery is unique per endpoint and message.
    """
    total = 0
    while found := _relay_batch(batch):
        total += found
        if found < batch:
            break
    return total


@transaction.atomic
def _relay_batch(size: int) -> int:
    messages = list(
        OutboxMessage.objects.select_for_update(skip_locked=True)
        .filter(relayed_at__isnull=True, cancelled_at__isnull=True, available_at__lte=Now())
        .order_by("available_at", "id")[:size]
    )
    if not messages:
        return 0
    deliveries = list(_deliveries(messages))
    WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    OutboxMessage.objects.filter(pk__in=[m.pk for m in messages]).update(relayed_at=Now())
    if deliveries:
        ring("delivery.send_due")
    return len(messages)


def _deliveries(messages: Sequence[OutboxMessage]) -> Iterable[WebhookDelivery]:
    endpoints = list(listening_endpoints(m.workspace_id for m in messages))
    if not endpoints:
        return
    clients = clients_of_cases(m.case_id for m in messages if m.case_id)
    at = now()
    for message in messages:
        for endpoint in endpoints:
            if _concerns(endpoint, message, clients):
                yield WebhookDelivery(
                    workspace_id=message.workspace_id,
                    endpoint=endpoint,
                    message_id=message.pk,
                    type=message.type,
                    payload={"type": message.type, "timestamp": rfc3339(message.created_at), "data": message.payload},
                    next_attempt_at=at,
                    created_at=at,
                )


def _concerns(endpoint: WebhookEndpoint, message: OutboxMessage, clients: dict[uuid.UUID, uuid.UUID | None]) -> bool:
    """A client's endpoint hears of that client's own cases only; what concerns no case everyone may hear, unless it is
    about one of our people.
    """
    if endpoint.workspace_id != message.workspace_id:
        return False
    if endpoint.event_types and message.type not in endpoint.event_types:
        return False
    if endpoint.client_id is None:
        return True
    if message.case_id is None:
        return not _of_a_person(message)
    return clients.get(message.case_id) == endpoint.client_id


def _of_a_person(message: OutboxMessage) -> bool:
    subject = message.payload.get("subject")
    return isinstance(subject, dict) and subject.get("type") == "reviewer"
