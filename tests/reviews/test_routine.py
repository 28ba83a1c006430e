"""Routine cases: what the machine decided comes to people once more, changes nothing, and is marked afterwards."""

from typing import Any

from audit.models import Event, OutboxMessage
from reviews.actions.routine import draw_routine_cases
from reviews.models import Case, Decision, Queue, ReviewTask
from tests.api.support import claim, judge, use_policy
from tests.factories import World


def automated(world: World) -> dict[str, Any]:
    """A case the machine decided that was not drawn for audit; those drawn before it wait no more."""
    use_policy(world, sampling={"exploration_rate": 0.01, "audit_rate": 0.01})
    for _ in range(100):
        case = world.submit(world.sure_case_body())
        if case["status"] == "decided" and case["review"] is None:
            ReviewTask.objects.update(status="cancelled")
            return case
    raise AssertionError("every case was drawn")


def test_a_drawn_machine_decision_is_judged_blind_and_marked_afterwards(world: World) -> None:
    Queue.objects.filter(pk=world.queue.pk).update(routine_share=1.0)
    case = automated(world)
    assert draw_routine_cases() == 1 and draw_routine_cases() == 0
    assert Event.objects.get(action="review.routine_sampled").after["selection_probability"] == 1.0
    messages = OutboxMessage.objects.count()
    lease = claim(world, "bob")
    assert "routing" not in lease["case"] and "status" not in lease["case"]
    judge(world, "bob", lease, "reject")
    assert OutboxMessage.objects.count() == messages
    assert Decision.objects.get(case_id=case["id"], is_current=True).label == "approve"
    assert Case.objects.get(pk=case["id"]).queue_id is None, "it goes home: no queue decided it"
    page = world.browser("bob").get("/quality/mine").content.decode()
    assert "Routine cases" in page and "the machine “Approve”" in page


def test_off_by_default(world: World) -> None:
    automated(world)
    assert draw_routine_cases() == 0 and not ReviewTask.objects.filter(kind="blind").exists()
