from collections import Counter

from audit.models import OutboxMessage
from hitl.delivery import tasks
from hitl.delivery.actions.endpoints import MAX_ENDPOINTS, register_endpoint
from hitl.delivery.actions.relay import relay_outbox
from hitl.delivery.actions.sending import send_due
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from hitl.delivery.single_flight import single_flight
from tests.delivery.make import make_message
from tests.delivery.race import at_once
from tests.delivery.receiver import Receiver
from tests.factories import World


def test_two_workers_relay_every_message_once(race_world: World) -> None:
    register_endpoint(actor=race_world.actor("alice"), url="http://127.0.0.1:9/hook")
    for _ in range(60):
        make_message(race_world)
    relayed = at_once(lambda: relay_outbox(batch=7), lambda: relay_outbox(batch=7))
    assert sum(relayed) + relay_outbox() == 60
    assert WebhookDelivery.objects.count() == 60
    assert not OutboxMessage.objects.filter(relayed_at__isnull=True).exists()


def test_two_workers_send_every_delivery_once(race_world: World, receiver: Receiver) -> None:
    for _ in range(2):
        register_endpoint(actor=race_world.actor("alice"), url=receiver.url)
    for _ in range(40):
        make_message(race_world)
    relay_outbox()
    sent = at_once(send_due, send_due)
    assert sum(sent) == 80
    times = Counter(r.headers["webhook-id"] for r in receiver.received)
    assert len(times) == 40
    assert set(times.values()) == {2}  # once for each endpoint
    assert {d.status for d in WebhookDelivery.objects.all()} == {"delivered"}


def test_two_requests_cannot_both_take_the_last_place(race_world: World) -> None:
    actor = race_world.actor("partner")
    for _ in range(MAX_ENDPOINTS - 1):
        register_endpoint(actor=actor, url="https://example.org/hook")
    results = at_once(*[lambda: register_endpoint(actor=actor, url="https://example.org/hook")] * 2)
    assert WebhookEndpoint.objects.count() == MAX_ENDPOINTS
    assert [getattr(r, "code", None) for r in results].count("too_many") == 1


def test_a_task_that_runs_elsewhere_already_is_not_run_again(race_world: World) -> None:
    make_message(race_world)
    with single_flight("delivery.relay_outbox") as free:
        assert free
        at_once(tasks.relay_outbox)
        assert OutboxMessage.objects.filter(relayed_at__isnull=True).exists()
    at_once(tasks.relay_outbox)
    assert not OutboxMessage.objects.filter(relayed_at__isnull=True).exists()
