"""When the SLA passes: four fallbacks, and where no machine may answer (mission C4)."""

from typing import Any

import pytest

from audit.models import OutboxMessage
from reviews.actions.sla import expire_slas
from tests.api.support import claim, get, judge, overdue, submit_until, use_policy, verb
from tests.factories import World


def fall_back(world: World, kind: str, **task_type: Any) -> None:
    for name, value in ({"fallback": kind} | task_type).items():
        setattr(world.task_type, name, value)
    world.task_type.save()


def after_sla(world: World, case: dict[str, Any]) -> dict[str, Any]:
    """The case once its SLA has passed and the sweep has run, twice."""
    overdue(case)
    assert expire_slas() == 1
    assert expire_slas() == 0
    assert OutboxMessage.objects.filter(case_id=case["id"], type="review.overdue").count() == 1
    return get(world, "partner", f"cases/{case['id']}").json()


def test_nothing_happens_before_the_time(world: World) -> None:
    fall_back(world, "safest_label")
    world.submit()
    assert expire_slas() == 0


def test_the_priority_is_raised(world: World) -> None:
    fall_back(world, "raise_priority")
    case = after_sla(world, world.submit())
    assert (case["status"], case["decision"]) == ("pending", None)
    assert claim(world, "bob")["case"]["id"] == case["id"]


def test_it_escalates_to_the_next_tier_and_gets_that_tiers_time(world: World) -> None:
    fall_back(world, "escalate")
    made = world.submit()
    case = after_sla(world, made)
    assert (case["status"], case["routing"]["queue"]) == ("pending", "loans-expert")
    assert case["review"]["due_at"] > made["created_at"]
    assert claim(world, "dave", queue="loans-expert")["case"]["id"] == case["id"]


def test_the_safest_label_is_decided_by_the_fallback(world: World) -> None:
    fall_back(world, "safest_label")
    case = after_sla(world, world.submit())
    assert (case["status"], case["review"]) == ("decided", None)
    assert (case["decision"]["label"], case["decision"]["owner"]) == ("reject", "fallback")


def test_the_models_answer_is_sent_and_may_be_revised(world: World) -> None:
    fall_back(world, "model_answer")
    case = after_sla(world, world.submit())
    assert case["status"] == "provisional"
    decision = case["decision"]
    assert (decision["label"], decision["owner"], decision["provisional"]) == ("approve", "fallback", True)
    assert case["review"] is not None
    revised = judge(world, "bob", claim(world, "bob"), "reject")
    assert (revised["status"], revised["decision"]["label"], revised["decision"]["provisional"]) == (
        "decided",
        "reject",
        False,
    )
    assert OutboxMessage.objects.filter(case_id=case["id"], type="case.corrected").count() == 1


@pytest.mark.parametrize(
    "task_type",
    [{"static_risk": "critical"}, {"static_risk": "high"}, {"reversible": False}, {"machine_stopped": True}],
)
def test_the_models_answer_is_never_sent_where_it_may_not_act(world: World, task_type: dict[str, Any]) -> None:
    fall_back(world, "model_answer", **{k: v for k, v in task_type.items() if k != "machine_stopped"})
    case = world.submit()
    fall_back(world, "model_answer", **task_type)
    found = after_sla(world, case)
    assert (found["status"], found["decision"]) == ("pending", None)


@pytest.mark.parametrize("fallback", ["safest_label", "model_answer"])
def test_critical_escalated_and_gated_cases_never_get_an_automatic_answer(world: World, fallback: str) -> None:
    fall_back(world, fallback)
    use_policy(world, risk_rules=[{"name": "large", "when": "context.amount > 9000.0", "level": "critical"}])
    action = {"type": "disburse", "reversible": False}
    bodies = {
        "escalate": world.case_body(context={"amount": 9500}),
        "gate": world.case_body(proposed_action=action, context={"amount": 1}),
    }
    for wanted, body in bodies.items():
        made = world.submit(body)
        assert made["routing"]["action"] == wanted
        found = after_sla(world, made)
        assert (found["status"], found["decision"]) == ("pending", None), wanted


def test_whoever_holds_it_can_finish_unless_the_fallback_decided(world: World) -> None:
    fall_back(world, "escalate")
    made = world.submit()
    lease = claim(world, "bob")
    case = after_sla(world, made)
    assert (case["status"], case["routing"]["queue"]) == ("in_review", "loans")
    assert judge(world, "bob", lease, "reject")["status"] == "decided"


def test_a_late_word_after_the_fallback_decided_is_refused_with_its_draft(world: World) -> None:
    fall_back(world, "safest_label")
    made = world.submit()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="approve")
    assert after_sla(world, made)["decision"]["label"] == "reject"
    refused = verb(world, "bob", lease, "judgement", label="approve", reasoning="long text")
    assert (refused.status_code, refused.json()["code"]) == (409, "claim_lost")
    assert refused.json()["submitted"]["reasoning"] == "long text"


@pytest.mark.parametrize("fallback", ["safest_label", "model_answer"])
def test_what_people_are_asked_to_label_is_never_labelled_by_time(world: World, fallback: str) -> None:
    fall_back(world, fallback)
    found = after_sla(world, world.submit(world.case_body(mode="annotate")))
    assert (found["status"], found["decision"]) == ("pending", None)


@pytest.mark.parametrize("fallback", ["safest_label", "escalate", "model_answer"])
def test_an_audit_that_is_late_only_rises(world: World, fallback: str) -> None:
    fall_back(world, fallback, static_risk="high")
    use_policy(world, sampling={"exploration_rate": 0.01, "audit_rate": 1.0})
    made = submit_until(world, "automate_and_audit", world.sure_case_body())
    before = made["decision"]
    found = after_sla(world, made)
    assert found["decision"]["id"] == before["id"]
    assert found["review"] is not None
