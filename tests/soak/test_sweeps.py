"""Worker and beat keep the clocks: what falls due is done, although nobody asks for it."""

import json

import pytest
from standardwebhooks.webhooks import Webhook

from feedback.models import RecalibrationRun
from hitl.delivery.actions.endpoints import register_endpoint
from reviews.models import Case, Decision
from tests.api.support import claim, overdue
from tests.delivery.make import make_message
from tests.delivery.receiver import Receiver
from tests.soak.facts import claim_and_lapse, events, once, undelivered, unrelayed, waiting
from tests.soak.stack import Stack

pytestmark = pytest.mark.soak


@pytest.fixture(autouse=True)
def processes(stack: Stack) -> None:
    stack.keep("worker", "beat")


def test_a_lapsed_claim_returns_to_its_queue(stack: Stack) -> None:
    stack.world.submit()
    claims = claim_and_lapse(stack.world, "bob")
    stack.eventually(lambda: waiting(claims))
    assert events(stack.world, "review.expired") == once(c.review_id for c in claims)
    again = claim(stack.world, "carol")
    assert again["review"]["id"] == str(claims[0].review_id)


def test_an_overdue_review_gets_its_fallback(stack: Stack) -> None:
    stack.world.task_type.fallback = "safest_label"
    stack.world.task_type.save()
    case = stack.world.submit()
    overdue(case)
    stack.eventually(lambda: Case.objects.get(pk=case["id"]).status == "decided")
    decision = Decision.objects.get(case_id=case["id"])
    assert (decision.label, decision.owner) == ("reject", "fallback")
    assert events(stack.world, "review.overdue") == once([case["review"]["id"]])


def test_a_partner_hears_exactly_what_it_registered_for_signed(stack: Stack, receiver: Receiver) -> None:
    wanted = ["case.corrected", "case.decided"]
    endpoint = register_endpoint(actor=stack.world.actor("alice"), url=receiver.url, event_types=wanted)
    messages = {
        kind: make_message(stack.world, kind, label="größer") for kind in ("case.escalated", *wanted, "review.overdue")
    }
    stack.eventually(lambda: len(receiver.received) >= len(wanted) and unrelayed(stack.world) == 0)
    heard = {}
    for came in receiver.received:
        heard[came.headers["webhook-id"]] = Webhook(endpoint.secret).verify(came.body, came.headers)["type"]
        assert json.loads(came.body)["data"] == {"label": "größer"}
    assert heard == {str(messages[kind].pk): kind for kind in wanted}
    assert len(receiver.received) == len(wanted)
    stack.eventually(lambda: undelivered(stack.world) == 0)


def test_a_recalibration_asked_for_is_worked(stack: Stack) -> None:
    world = stack.world
    stack.run(
        "from feedback.actions.recalibration_sweeps import request_recalibration;"
        "from hitl.accounts.models import User; from hitl.accounts.selectors import actor_of_user;"
        "from routing.models import TaskType;"
        f"actor = actor_of_user(User.objects.get(pk='{world.users['alice'].pk}'));"
        f"request_recalibration(actor=actor, task_type=TaskType.objects.get(pk='{world.task_type.pk}'))"
    )
    runs = RecalibrationRun.objects.filter(workspace=world.workspace)
    stack.eventually(lambda: not runs.filter(result="requested").exists())
    run = runs.get()
    assert (run.trigger, run.result, run.requested_by) == ("by_hand", "not_enough_data", world.users["alice"])
