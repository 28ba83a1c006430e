"""Sending what is due: claim in one statement, POST outside any transaction, record in another.

At least once: a worker that dies between POST and record leaves the row to be sent again when its lease ends; receivers
drop repeats by `webhook-id`.
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta

import httpx
import msgspec
from django.db import connection, transaction
from django.db.models.functions import Now

from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.delivery import safe_http
from hitl.delivery.actions.endpoints import disable_endpoint
from hitl.delivery.models import WebhookDelivery
from hitl.delivery.retries import Outcome, delay_after
from hitl.delivery.signing import signed_headers

LEASE_S = 120  # longer than a round can last
ROUND_S = 60  # no new POST is started later in a round
PER_ENDPOINT = 16
THREADS = 8
Status = WebhookDelivery.Status

# A few of each endpoint, so that one long backlog cannot keep the others waiting. The pushed due time is the lease.
_CLAIM = """
UPDATE delivery_webhookdelivery d SET next_attempt_at = statement_timestamp() + make_interval(secs => %s)
FROM (
    SELECT due.id FROM delivery_webhookendpoint e LEFT JOIN accounts_client c ON c.id = e.client_id
    CROSS JOIN LATERAL (
        SELECT w.id FROM delivery_webhookdelivery w
        WHERE w.endpoint_id = e.id AND w.status = 'waiting' AND w.next_attempt_at <= statement_timestamp()
        ORDER BY w.next_attempt_at, w.id LIMIT %s FOR UPDATE SKIP LOCKED
    ) due
    WHERE e.active AND c.active IS NOT FALSE
) claimed
WHERE d.id = claimed.id RETURNING d.id
"""


def send_due(*, budget_s: float = 30.0) -> int:
    """Send what is due until nothing is or `budget_s` is used; returns how many attempts were made."""
    attempts = 0
    until = time.monotonic() + budget_s
    while time.monotonic() < until and (claimed := _claim()):
        attempts += _send(claimed)
    return attempts


def _claim() -> list[WebhookDelivery]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE_S, PER_ENDPOINT])
        ids: list[uuid.UUID] = [row[0] for row in cursor.fetchall()]
    return list(WebhookDelivery.objects.filter(pk__in=ids).select_related("endpoint").order_by("created_at", "id"))


def _send(deliveries: Sequence[WebhookDelivery]) -> int:
    """One thread per endpoint posts (no database there); this thread records as answers come."""
    by_endpoint: dict[uuid.UUID, list[WebhookDelivery]] = defaultdict(list)
    for delivery in deliveries:
        by_endpoint[delivery.endpoint_id].append(delivery)
    stop_at = time.monotonic() + ROUND_S
    attempts = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as pool:
        for done in as_completed([pool.submit(_post_in_turn, rows, stop_at) for rows in by_endpoint.values()]):
            for delivery, outcome in done.result():
                _record(delivery, outcome)
                attempts += 1
    return attempts


def _post_in_turn(rows: Sequence[WebhookDelivery], stop_at: float) -> list[tuple[WebhookDelivery, Outcome]]:
    """Post until one gets no answer: the rest would only wait for the same silence; their lease brings them back."""
    results: list[tuple[WebhookDelivery, Outcome]] = []
    for delivery in rows:
        if time.monotonic() > stop_at:
            break
        outcome = _post(delivery)
        results.append((delivery, outcome))
        if outcome.status is None or outcome.gone:
            break
    return results


def _post(delivery: WebhookDelivery) -> Outcome:
    body = msgspec.json.encode(delivery.payload)
    headers = signed_headers(
        secret=delivery.endpoint.secret, message_id=delivery.message_id, timestamp=int(time.time()), body=body
    )
    headers |= {"content-type": "application/json", "user-agent": "hitl-webhooks/1"}
    try:
        answer = safe_http.post(delivery.endpoint.url, body=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Outcome(None, f"{type(error).__name__}: {error}"[:300])
    # The body is not kept: it is somebody else's text, and would show what a private address answers.
    return Outcome(answer.status, "" if answer.status < 300 else f"HTTP {answer.status}", answer.retry_after)


@transaction.atomic
def _record(delivery: WebhookDelivery, outcome: Outcome) -> None:
    """Compare and swap on the attempt count: whoever lost the lease changes nothing."""
    attempts = delivery.attempts + 1
    rows = WebhookDelivery.objects.filter(pk=delivery.pk, status=Status.WAITING, attempts=delivery.attempts)
    if outcome.delivered:
        rows.update(
            status=Status.DELIVERED, attempts=attempts, last_status=outcome.status, last_error="", delivered_at=Now()
        )
        return
    delay = delay_after(attempts, outcome, now=now())
    rows.update(
        status=Status.DEAD if delay is None else Status.WAITING,
        attempts=attempts,
        last_status=outcome.status,
        last_error=outcome.error,
        next_attempt_at=Now() + (delay or timedelta(0)),
    )
    if outcome.gone:
        actor = system_actor(delivery.workspace_id, "webhooks")
        disable_endpoint(actor=actor, endpoint=delivery.endpoint, reason="the endpoint answered 410 Gone")
