"""Confidence × risk → action, end to end (mission B4)."""

from typing import Any

import pytest

from tests.api.support import sample_all, use_policy
from tests.factories import World

MATRIX = {  # static risk, sure → action, zone, status
    ("low", True): ("review", "auto", "pending"),  # drawn: the exploration rate is one here
    ("low", False): ("review", "queue", "pending"),
    ("medium", True): ("automate_and_audit", "auto_audit", "decided"),
    ("medium", False): ("review", "queue", "pending"),
    ("high", True): ("automate_and_audit", "auto_audit", "decided"),
    ("high", False): ("escalate", "escalate", "pending"),
    ("critical", True): ("escalate", "escalate", "pending"),
    ("critical", False): ("escalate", "escalate", "pending"),
}


@pytest.mark.parametrize(("risk", "sure"), MATRIX)
def test_the_risk_matrix(world: World, risk: str, sure: bool) -> None:
    world.task_type.static_risk = risk
    world.task_type.save()
    sample_all(world)
    case = world.submit(world.sure_case_body() if sure else world.case_body())
    routing = case["routing"]
    assert (routing["action"], routing["zone"], case["status"]) == MATRIX[risk, sure]
    assert routing["risk"] == risk
    if routing["action"] == "escalate":
        assert (routing["tier"], routing["queue"]) == ("expert", "loans-expert")
        assert routing["selection_probability"] == 1.0


RAISES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "low"),
    "a new user": ({"is_new_user": True}, "high"),
    "a large amount": ({"amount": 12000}, "critical"),
    "many users": ({"affects_multiple_users": True}, "critical"),
    "both": ({"is_new_user": True, "amount": 12000.5}, "critical"),
}


def test_rules_raise_the_risk_and_never_lower_it(world: World) -> None:
    rules = [
        {"name": "amount", "when": "has(context.amount) && context.amount > 10000.0", "level": "critical"},
        {"name": "many", "when": "context.affects_multiple_users", "level": "critical"},
        {"name": "new", "when": "context.is_new_user", "level": "high"},
        {"name": "calm", "when": "true", "level": "low"},
    ]
    use_policy(world, risk_rules=rules)
    for name, (context, level) in RAISES.items():
        case = world.submit(world.sure_case_body(context=context))
        assert case["routing"]["risk"] == level, name
        if level == "critical":
            assert (case["status"], case["routing"]["action"]) == ("pending", "escalate"), name


def test_an_irreversible_action_waits_for_approval_however_sure(world: World) -> None:
    action = {"type": "disburse", "parameters": {"amount": 5}, "reversible": False}
    case = world.submit(world.sure_case_body(proposed_action=action))
    assert (case["status"], case["decision"], case["routing"]["action"]) == ("pending", None, "gate")


def test_complexity_expertise_and_cost_choose_the_lowest_able_tier(world: World) -> None:
    for context, tier in (
        ({"complexity": 0.6}, "tier-1"),
        ({"complexity": 0.61}, "expert"),
        ({"required_expertise": ["credit"]}, "expert"),
    ):
        assert world.submit(world.case_body(context=context))["routing"]["tier"] == tier


def test_roll_out_acts_provisionally_on_low_risk_reversible_cases_only(world: World) -> None:
    use_policy(world, rollout=True, calibrations=[])
    case = world.submit(world.sure_case_body())
    assert (case["status"], case["routing"]["action"]) == ("provisional", "automate_and_review")
    assert (case["decision"]["provisional"], case["review"] is not None) == (True, True)
    assert case["routing"]["selection_probability"] == 1.0
    irreversible = {"type": "x", "reversible": False}
    assert world.submit(world.sure_case_body(proposed_action=irreversible))["status"] == "pending"


@pytest.mark.parametrize("task_type", [{"static_risk": "medium"}, {"reversible": False}])
def test_roll_out_waits_for_a_person_elsewhere(world: World, task_type: dict[str, Any]) -> None:
    for name, value in task_type.items():
        setattr(world.task_type, name, value)
    world.task_type.save()
    use_policy(world, rollout=True, calibrations=[])
    assert world.submit(world.sure_case_body())["status"] == "pending"
