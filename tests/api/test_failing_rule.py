"""A rule that fails at run time sends the case to a person and says so in the trace (mission B9)."""

from typing import Any

import pytest

from reviews.models import Case
from tests.api.support import get, use_policy
from tests.factories import World

FAILING = {
    "a number that is not there": "context.amount > 5.0",
    "a key that is not there": "input.nothing == 1",
    "a type that does not fit": "input.purpose > 3",
}


def failed_steps(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in case["routing"]["trace"] if step["outcome"] == "failed"]


@pytest.mark.parametrize("when", FAILING.values(), ids=FAILING.keys())
def test_a_failing_rule_means_a_person(world: World, when: str) -> None:
    use_policy(world, rules=[{"name": "shaky", "when": when, "then": "review"}])
    case = world.submit(world.sure_case_body())
    assert (case["status"], case["decision"], case["routing"]["rule"]) == ("pending", None, "shaky")
    assert "shaky" in case["routing"]["reason"]
    (step,) = failed_steps(get(world, "partner", f"cases/{case['id']}").json())
    assert "shaky" in str(step)


def test_a_failing_risk_rule_means_at_least_high_risk_and_a_person(world: World) -> None:
    use_policy(world, risk_rules=[{"name": "shaky", "when": "context.amount > 5.0", "level": "low"}])
    case = world.submit(world.sure_case_body())
    assert (case["status"], case["decision"], case["routing"]["risk"]) == ("pending", None, "high")
    assert case["routing"]["action"] in ("review", "escalate")
    assert "shaky" in str(failed_steps(case))


def test_a_rule_that_holds_sends_to_the_tier_it_names_with_its_reason(world: World) -> None:
    rule = {"name": "cars", "when": 'input.purpose == "car"', "then": "review", "reason": "Cars.", "tier": "expert"}
    use_policy(world, rules=[rule])
    routing = world.submit(world.sure_case_body())["routing"]
    assert (routing["action"], routing["rule"], routing["reason"], routing["tier"]) == (
        "review",
        "cars",
        "Cars.",
        "expert",
    )


def test_a_policy_that_names_a_missing_calibration_means_people(world: World) -> None:
    use_policy(world, calibrations=[{"model_version": "credit-1", "confidence_source": "probability", "version": 99}])
    world.submit(world.sure_case_body())
    assert Case.objects.get().status == "pending"
