"""Celery's doorbell for deliveries; the tables say what is to be done."""

from celery import shared_task

from hitl.delivery.actions import relay, sending
from hitl.delivery.single_flight import single_flight


@shared_task(name="delivery.relay_outbox")
def relay_outbox() -> None:
    with single_flight("delivery.relay_outbox") as free:
        if free:
            relay.relay_outbox()


@shared_task(name="delivery.send_due")
def send_due() -> None:
    with single_flight("delivery.send_due") as free:
        if free:
            sending.send_due()
