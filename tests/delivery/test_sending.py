import json
from collections.abc import Callable
from datetime import timedelta

from standardwebhooks.webhooks import Webhook

from audit.models import Event
from hitl.core.clock import now
from hitl.delivery.actions.endpoints import register_endpoint, replay_delivery, revoke_endpoint, send_test
from hitl.delivery.actions.relay import relay_outbox
from hitl.delivery.actions.sending import send_due
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from tests.delivery.make import make_message
from tests.delivery.receiver import Receiver
from tests.factories import World


def register(world: World, receiver: Receiver, url: str = "") -> WebhookEndpoint:
    return register_endpoint(actor=world.actor("alice"), url=url or receiver.url)


def test_the_partner_receives_a_message_it_can_verify(world: World, receiver: Receiver) -> None:
    endpoint = register(world, receiver)
    message = make_message(world, label="größer")
    relay_outbox()
    assert send_due() == 1
    (came,) = receiver.received
    assert came.headers["webhook-id"] == str(message.pk)
    assert came.headers["content-type"] == "application/json"
    assert Webhook(endpoint.secret).verify(came.body, came.headers)["data"] == {"label": "größer"}
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 1, 204)
    assert delivery.delivered_at is not None
    assert send_due() == 0


def test_a_failing_endpoint_is_retried_as_a_row_until_it_is_dead(
    world: World, receiver: Receiver, due_now: Callable[[], None]
) -> None:
    register(world, receiver)
    make_message(world)
    relay_outbox()
    receiver.status = 500
    waits = []
    for _ in range(8):
        due_now()
        assert send_due() == 1
        delivery = WebhookDelivery.objects.get()
        waits.append(delivery.next_attempt_at - now())
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("dead", 8, "HTTP 500")
    expected = [5, 30, 120, 600, 3600, 21600, 86400]
    assert all(
        timedelta(0) <= timedelta(seconds=s) - w < timedelta(seconds=5)
        for s, w in zip(expected, waits[:7], strict=True)
    )
    due_now()
    assert send_due() == 0
    assert len({r.headers["webhook-id"] for r in receiver.received}) == 1


def test_nothing_is_sent_before_it_is_due_again(world: World, receiver: Receiver) -> None:
    register(world, receiver)
    make_message(world)
    relay_outbox()
    receiver.status = 500
    assert send_due() == 1
    assert send_due() == 0


def test_retry_after_is_honoured(world: World, receiver: Receiver) -> None:
    register(world, receiver)
    make_message(world)
    relay_outbox()
    receiver.status, receiver.headers = 429, {"retry-after": "1800"}
    send_due()
    wait = WebhookDelivery.objects.get().next_attempt_at - now()
    assert timedelta(minutes=29) < wait <= timedelta(minutes=30)


def test_gone_disables_the_endpoint_and_says_so(world: World, receiver: Receiver) -> None:
    endpoint = register(world, receiver)
    for _ in range(3):
        make_message(world)
    relay_outbox()
    receiver.status = 410
    assert send_due() == 1
    endpoint.refresh_from_db()
    assert not endpoint.active
    assert endpoint.revoked_at is None
    assert {d.status for d in WebhookDelivery.objects.all()} == {"dead"}
    assert Event.objects.filter(action="webhook.disabled", object_id=str(endpoint.pk)).count() == 1


def test_an_endpoint_that_cannot_be_reached_is_left_alone_while_others_are_served(
    world: World, receiver: Receiver
) -> None:
    register(world, receiver)
    dead = register(world, receiver, "http://127.0.0.1:1/hook")
    for _ in range(3):
        make_message(world)
    relay_outbox()
    assert send_due() == 4
    assert len(receiver.received) == 3
    tried = dead.deliveries.filter(attempts=1)
    assert [d.last_error.startswith("ConnectError") for d in tried] == [True]
    assert dead.deliveries.filter(status="waiting").count() == 3


def test_redirects_count_as_failures(world: World, receiver: Receiver) -> None:
    register(world, receiver)
    make_message(world)
    relay_outbox()
    receiver.status, receiver.headers = 302, {"location": receiver.url}
    send_due()
    assert WebhookDelivery.objects.get().status == "waiting"
    assert len(receiver.received) == 1


def test_a_forbidden_address_is_never_dialled(world: World, receiver: Receiver, settings: object) -> None:
    register(world, receiver)
    make_message(world)
    relay_outbox()
    settings.HITL_WEBHOOK_ALLOW_PRIVATE = False  # type: ignore[attr-defined]
    send_due()
    assert receiver.received == []
    assert "not allowed" in WebhookDelivery.objects.get().last_error


def test_what_waits_for_a_revoked_endpoint_is_dropped(world: World, receiver: Receiver) -> None:
    endpoint = register(world, receiver)
    make_message(world)
    relay_outbox()
    revoke_endpoint(actor=world.actor("alice"), endpoint=endpoint)
    assert send_due() == 0
    assert WebhookDelivery.objects.get().status == "dead"


def test_the_test_message_takes_the_real_path(world: World, receiver: Receiver) -> None:
    endpoint = register(world, receiver)
    send_test(actor=world.actor("alice"), endpoint=endpoint)
    assert send_due() == 1
    assert json.loads(receiver.received[0].body)["type"] == "webhook.test"


def test_a_replay_sends_the_same_message_id_again(world: World, receiver: Receiver) -> None:
    register(world, receiver)
    make_message(world)
    relay_outbox()
    send_due()
    replay_delivery(actor=world.actor("alice"), delivery=WebhookDelivery.objects.get())
    assert send_due() == 1
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert WebhookDelivery.objects.get().status == "delivered"
