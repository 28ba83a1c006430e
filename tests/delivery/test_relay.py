from datetime import timedelta

from audit.actions.events import cancel_messages
from audit.models import OutboxMessage
from hitl.accounts.models import Client
from hitl.delivery.actions.endpoints import register_endpoint, revoke_endpoint
from hitl.delivery.actions.relay import relay_outbox
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from tests.delivery.make import make_case, make_message
from tests.factories import World, make_world

URL = "http://127.0.0.1:9/hook"


def endpoint(world: World, *types: str, name: str = "alice") -> WebhookEndpoint:
    return register_endpoint(actor=world.actor(name), url=URL, event_types=types)


def test_a_message_becomes_one_delivery_with_the_envelope_and_is_relayed_once(world: World) -> None:
    listening = endpoint(world)
    message = make_message(world, label="approve")
    assert relay_outbox() == 1
    assert relay_outbox() == 0
    delivery = WebhookDelivery.objects.get()
    assert (delivery.endpoint, delivery.message_id, delivery.status) == (listening, message.pk, "waiting")
    assert set(delivery.payload) == {"type", "timestamp", "data"}
    assert delivery.payload["type"] == "case.decided"
    assert delivery.payload["timestamp"].endswith("Z")
    assert delivery.payload["data"] == {"label": "approve"}


def test_messages_are_relayed_even_when_nobody_listens(world: World) -> None:
    make_message(world)
    assert relay_outbox() == 1
    assert OutboxMessage.objects.filter(relayed_at__isnull=True).count() == 0


def test_held_and_cancelled_messages_stay(world: World) -> None:
    endpoint(world)
    case = make_case(world, world.client)
    make_message(world, hold=timedelta(seconds=8))
    make_message(world, case=case)
    assert cancel_messages(workspace_id=world.workspace.pk, case_id=case.pk, types=("case.decided",)) == 1
    assert relay_outbox() == 0
    assert not WebhookDelivery.objects.exists()


def test_an_endpoint_hears_only_the_types_it_asked_for(world: World) -> None:
    endpoint(world, "case.corrected")
    make_message(world, "case.decided")
    make_message(world, "case.corrected")
    relay_outbox()
    assert [d.type for d in WebhookDelivery.objects.all()] == ["case.corrected"]


def test_a_clients_endpoint_hears_of_its_own_cases_only(world: World) -> None:
    rival = Client.objects.create(workspace=world.workspace, name="rival")
    own = endpoint(world, name="partner")
    everything = endpoint(world, name="alice")
    messages = [make_message(world, case=make_case(world, client)) for client in (world.client, rival, None)]
    relay_outbox()
    heard = {d.message_id for d in own.deliveries.all()}
    assert heard == {messages[0].pk}
    assert everything.deliveries.count() == 3


def test_another_workspace_never_hears(world: World) -> None:
    other = make_world("other")
    theirs = endpoint(other)
    make_message(world)
    make_message(world, case=make_case(world, world.client))
    assert relay_outbox() == 2
    assert not theirs.deliveries.exists()


def test_revoked_endpoints_and_those_of_inactive_clients_hear_nothing(world: World) -> None:
    actor = world.actor("alice")
    revoke_endpoint(actor=actor, endpoint=endpoint(world))
    endpoint(world, name="partner")
    Client.objects.filter(pk=world.client.pk).update(active=False)
    make_message(world)
    relay_outbox()
    assert not WebhookDelivery.objects.exists()


def test_many_messages_are_relayed_in_batches(world: World) -> None:
    endpoint(world)
    for _ in range(7):
        make_message(world)
    assert relay_outbox(batch=3) == 7
    assert WebhookDelivery.objects.count() == 7
