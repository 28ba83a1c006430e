"""kill -9 in the middle of work: what was begun is undone by the database, and the next sweep does it once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from hitl.core.clock import now
from hitl.delivery.actions.endpoints import register_endpoint
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from reviews.models import Case, Claim
from tests.delivery.make import make_message
from tests.delivery.receiver import Receiver
from tests.soak.facts import claim_and_lapse, events, once, stuck, waiting
from tests.soak.stack import PATIENCE_S, Stack

pytestmark = pytest.mark.soak


@contextmanager
def in_the_middle(stack: Stack, claims: list[Claim]) -> Iterator[None]:
    """The worker has ended these claims, not yet committed, and waits for their cases, which this test has locked."""
    with transaction.atomic():
        assert list(Case.objects.select_for_update().filter(reviews__in=[c.review_id for c in claims]))
        stack.eventually(lambda: "worker" in stuck())
        yield


def test_claims_are_returned_once_although_pool_and_worker_are_killed_in_the_middle(stack: Stack) -> None:
    for _ in range(2):
        stack.world.submit()
    claims = claim_and_lapse(stack.world, "bob", "carol")
    stack.keep("worker", "beat")
    with in_the_middle(stack, claims):
        stack.kill_pool()
    stack.eventually(lambda: waiting(claims))
    assert events(stack.world, "review.expired") == once(c.review_id for c in claims)

    again = claim_and_lapse(stack.world, "bob", "carol")
    with in_the_middle(stack, again):
        stack.kill("worker")
    assert not waiting(again)
    stack.keep("worker", "beat")
    stack.eventually(lambda: waiting(again))
    assert events(stack.world, "review.expired") == once(c.review_id for c in claims) + once(c.review_id for c in again)


def test_a_webhook_whose_sender_was_killed_is_sent_again_under_the_same_id(stack: Stack, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        endpoint = register_endpoint(
            actor=stack.world.actor("alice"), url=f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        )
        message = make_message(stack.world)
        stack.keep("worker", "beat")
        asked, _ = silent.accept()
        with asked:
            assert str(message.pk).encode() in asked.recv(1 << 16)
            stack.kill_pool()
    delivery = WebhookDelivery.objects.filter(message_id=message.pk)
    assert (delivery.get().status, delivery.get().attempts) == ("waiting", 0)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=receiver.url)
    delivery.update(next_attempt_at=now())  # as the end of its lease would
    stack.eventually(lambda: delivery.get().status == "delivered")
    assert [came.headers["webhook-id"] for came in receiver.received] == [str(message.pk)]
