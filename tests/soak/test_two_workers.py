"""Two workers on the same tables, both asked again and again: each effect happens once."""

import pytest
from django.db import connection, transaction

from audit.models import OutboxMessage
from hitl.delivery.actions.endpoints import register_endpoint
from reviews.models import Queue, ReviewTask
from tests.api.support import overdue
from tests.delivery.receiver import Receiver
from tests.soak.facts import claim_and_lapse, events, once, stuck, undelivered, unrelayed, waiting
from tests.soak.stack import Stack

pytestmark = pytest.mark.soak
LAPSED, LATE, POKES = 24, 24, 20
TASKS = ("reviews.expire_claims", "reviews.expire_slas", "delivery.relay_outbox", "delivery.send_due")


def test_each_effect_happens_once(stack: Stack, receiver: Receiver) -> None:
    world = stack.world
    Queue.objects.filter(workspace=world.workspace).update(max_open_claims=LAPSED)
    register_endpoint(actor=world.actor("alice"), url=receiver.url)
    for _ in range(LAPSED):
        world.submit()
    claims = claim_and_lapse(world, *("bob", "carol") * (LAPSED // 2))
    late = [world.submit() for _ in range(LATE)]
    for case in late:
        overdue(case)
    stack.keep("worker-1", "worker-2")
    stack.eventually(lambda: all("ready." in stack.said(name) for name in ("worker-1", "worker-2")))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE reviews_claim, audit_outboxmessage IN ACCESS EXCLUSIVE MODE")
        stack.run(f"[hitl.celery.app.send_task(name, expires=60) for _ in range({POKES}) for name in {TASKS}]")
        stack.eventually(lambda: set(stuck()) == {"worker-1", "worker-2"})  # so that they begin at the same moment
    stack.keep("worker-1", "worker-2", "beat")
    stack.eventually(lambda: waiting(claims) and len(events(world, "review.overdue")) == LATE and unrelayed(world) == 0)
    stack.eventually(lambda: undelivered(world) == 0)
    assert events(world, "review.expired") == once(c.review_id for c in claims)
    assert events(world, "review.overdue") == once(case["review"]["id"] for case in late)
    told = OutboxMessage.objects.filter(workspace_id=world.workspace.pk)
    heard = [came.headers["webhook-id"] for came in receiver.received]
    assert sorted(heard) == sorted(str(key) for key in told.values_list("pk", flat=True))
    assert ReviewTask.objects.filter(workspace=world.workspace, status="waiting").count() == LAPSED + LATE
