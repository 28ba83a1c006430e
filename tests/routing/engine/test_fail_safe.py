"""What is missing sends a case to people, and the policy chooses only to whom (mission B15)."""

from typing import Any

import pytest

from routing.engine.document import PolicyError, decode_document
from routing.engine.fail_safe import FailSafe
from routing.engine.features import Validation
from routing.engine.route import Action, RiskLevel, Zone
from tests.routing.engine.cases import features, route, rule, snapshot

JUDGE = {"cascade": {"layers": [{"kind": "judge", "name": "j", "endpoint": "e", "model": "m", "prompt": "p"}]}}
KEY = snapshot(JUDGE).policy.cascade[0].key
MISSING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "calibration": ({"model_version": "unfitted"}, {}),
    "rule": ({}, {"rules": [rule("context.amount > 5.0")]}),
    "signal": ({}, {"signals": {"max_amount": 5}}),
    "disagreement_model": ({}, {"signals": {"max_predicted_disagreement": 0.3}}),
    "judge": ({"validations": (Validation(KEY, "error", "timed out"),)}, JUDGE),
}


@pytest.mark.parametrize("what", MISSING)
def test_by_default_a_person_decides(what: str) -> None:
    case, policy = MISSING[what]
    answer = route(features(**case), snapshot(policy))
    assert (answer.action, answer.zone, answer.tier) == (Action.REVIEW, Zone.QUEUE, "tier-1")


@pytest.mark.parametrize("what", MISSING)
def test_the_policy_may_escalate_and_name_the_tier(what: str) -> None:
    case, policy = MISSING[what]
    answer = route(features(**case), snapshot(policy | {"fail_safe": {what: {"then": "escalate", "tier": "expert"}}}))
    assert (answer.action, answer.zone, answer.tier) == (Action.ESCALATE, Zone.ESCALATE, "expert")
    assert ("fail_safe", "escalate") in [(step.step, step.outcome) for step in answer.trace]


@pytest.mark.parametrize("what", ["signal", "disagreement_model", "judge"])
def test_at_high_risk_a_milder_choice_does_not_count(what: str) -> None:
    case, policy = MISSING[what]
    taken = snapshot(policy | {"fail_safe": {what: {"then": "review"}}}, risk=RiskLevel.HIGH)
    assert route(features(**case), taken).action is Action.ESCALATE


@pytest.mark.parametrize("what", FailSafe.__struct_fields__)
@pytest.mark.parametrize("choice", ["automate", "automate_and_review", "gate", "ignore", None])
def test_nothing_but_people_can_be_chosen(what: str, choice: str | None) -> None:
    with pytest.raises(PolicyError):
        decode_document({"fail_safe": {what: {"then": choice}}})
