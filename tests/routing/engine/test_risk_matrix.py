"""The matrix of confidence and risk, and the steps that come before it (mission B4, B5, B6, B15)."""

from typing import Any

import pytest

from routing.engine.route import Action, RiskLevel, Zone
from tests.routing.engine.cases import features, route, rule, snapshot, steps

LOW, MEDIUM, HIGH, CRITICAL = RiskLevel


@pytest.mark.parametrize(
    "confidence, risk, action, zone, tier",
    [
        (0.97, LOW, Action.AUTOMATE, Zone.AUTO, "machine"),
        (0.97, MEDIUM, Action.AUTOMATE_AND_AUDIT, Zone.AUTO_AUDIT, "machine"),
        (0.97, HIGH, Action.AUTOMATE_AND_AUDIT, Zone.AUTO_AUDIT, "machine"),
        (0.97, CRITICAL, Action.ESCALATE, Zone.ESCALATE, "tier-2"),
        (0.90, LOW, Action.REVIEW, Zone.QUEUE, "tier-1"),
        (0.90, MEDIUM, Action.REVIEW, Zone.QUEUE, "tier-1"),
        (0.90, HIGH, Action.ESCALATE, Zone.ESCALATE, "tier-2"),
        (0.90, CRITICAL, Action.ESCALATE, Zone.ESCALATE, "tier-2"),
    ],
)
def test_confidence_and_risk_decide_where_a_case_goes(
    confidence: float, risk: RiskLevel, action: Action, zone: Zone, tier: str
) -> None:
    answer = route(features(confidence=confidence), snapshot(risk=risk))
    assert (answer.action, answer.zone, answer.risk, answer.tier) == (action, zone, risk, tier)
    assert answer.label == ("approve" if action.automated else None)


def test_a_confidence_equal_to_the_threshold_automates() -> None:
    taken = snapshot({"thresholds": {"default": 0.5}})
    assert route(features(confidence=0.5), taken).action is Action.AUTOMATE


def test_an_unclassified_task_type_is_medium() -> None:
    taken = snapshot()
    unclassified = type(taken.task)(slug="loan", labels=("approve",))
    assert unclassified.risk is MEDIUM


@pytest.mark.parametrize(
    "case, task, policy, decided_by, action",
    [
        ({}, {"stopped": True}, {}, ("stop_button", "pressed"), Action.REVIEW),
        ({"label": None}, {}, {}, ("prediction", "no_prediction"), Action.REVIEW),
        ({"label": "maybe"}, {}, {}, ("prediction", "unknown_label"), Action.REVIEW),
        ({"confidence": None}, {}, {}, ("prediction", "no_confidence"), Action.REVIEW),
        ({"proposed_action_type": "pay", "proposed_action_reversible": False}, {}, {}, ("gate", "closed"), Action.GATE),
        ({"proposed_action_type": "pay"}, {"reversible": False}, {}, ("gate", "closed"), Action.GATE),
        ({"amount": 9.0}, {}, {"rules": [rule("context.amount > 5.0")]}, ("rule", "true"), Action.REVIEW),
        ({}, {}, {"rules": [rule("context.amount > 5.0")]}, ("rule", "failed"), Action.REVIEW),
        ({}, {}, {"signals": {"min_margin": 0.2}}, ("signal", "missing"), Action.REVIEW),
        ({"amount": 9.0}, {}, {"signals": {"max_amount": 5}}, ("signal", "violated"), Action.REVIEW),
        ({"amount": 9.0}, {"risk": HIGH}, {"signals": {"max_amount": 5}}, ("signal", "violated"), Action.ESCALATE),
        ({"model_version": "m-2"}, {}, {}, ("calibration", "missing"), Action.REVIEW),
        ({"model_version": None}, {}, {}, ("calibration", "missing"), Action.REVIEW),
        ({"confidence_source": "self_assessment"}, {}, {}, ("calibration", "missing"), Action.REVIEW),
        ({}, {}, {"thresholds": {"default": None}}, ("threshold", "never"), Action.REVIEW),
        ({"confidence": 0.6}, {}, {}, ("threshold", "missed"), Action.REVIEW),
    ],
)
def test_each_step_can_send_a_case_to_people(
    case: dict[str, Any], task: dict[str, Any], policy: dict[str, Any], decided_by: tuple[str, str], action: Action
) -> None:
    answer = route(features(**case), snapshot(policy, **task))
    # The step that decides is the last but for the choice of the tier.
    assert steps(answer)[-2] == decided_by
    assert answer.action is action
    assert answer.zone is (Zone.QUEUE if action is Action.REVIEW else Zone.ESCALATE)
    assert (answer.selection_probability, answer.action_propensity, answer.sampled) == (1.0, 1.0, False)


def test_the_stop_for_everything_says_why() -> None:
    answer = route(features(), snapshot(), stop_reason="incident 12")
    assert answer.action is Action.REVIEW
    assert "incident 12" in answer.reason


def test_risk_rules_raise_the_risk_but_never_lower_it() -> None:
    rules = [
        {"name": "new", "when": "context.is_new_user", "level": "high"},
        {"name": "calm", "when": "true", "level": "low"},
    ]
    answer = route(features(is_new_user=True), snapshot({"risk_rules": rules}))
    assert answer.risk is HIGH
    assert answer.action is Action.AUTOMATE_AND_AUDIT
    assert [s.outcome for s in answer.trace if s.step == "risk_rule"] == ["true", "true"]


def test_rules_see_the_raised_risk_and_risk_rules_the_static_one() -> None:
    policy = {
        "risk_rules": [{"name": "raise", "when": 'case.risk == "low"', "level": "high"}],
        "rules": [rule('case.risk == "high"', "gate")],
    }
    assert route(features(), snapshot(policy)).action is Action.GATE


def test_a_risk_rule_that_fails_means_a_person_and_at_least_high_risk() -> None:
    risk_rules = [{"name": "amount", "when": "context.amount > 5.0", "level": "medium"}]
    answer = route(features(), snapshot({"risk_rules": risk_rules}))
    assert (answer.action, answer.risk, answer.rule) == (Action.REVIEW, HIGH, "amount")
    assert "amount" in answer.reason


def test_a_failing_risk_rule_does_not_open_the_gate() -> None:
    risk_rules = [{"name": "amount", "when": "context.amount > 5.0", "level": "medium"}]
    answer = route(features(proposed_action_reversible=False), snapshot({"risk_rules": risk_rules}))
    assert answer.action is Action.GATE


def test_the_first_true_rule_wins_and_names_itself() -> None:
    rules = [rule("false"), rule("context.virality >= 0.0", "escalate", reason="Look twice."), rule("true", "gate")]
    answer = route(features(), snapshot({"rules": rules}))
    assert (answer.action, answer.rule, answer.reason) == (Action.ESCALATE, "context.virality >= 0.0", "Look twice.")


def test_a_rule_that_fails_does_not_hide_a_stricter_one_after_it() -> None:
    rules = [rule("context.amount > 5.0"), rule("true", "gate")]
    answer = route(features(), snapshot({"rules": rules}))
    assert answer.action is Action.GATE
    assert ("rule", "failed") in steps(answer)


def test_every_violated_signal_is_in_the_trace() -> None:
    answer = route(
        features(amount=9.0, risk_score=0.9), snapshot({"signals": {"max_amount": 5, "max_risk_score": 0.5}})
    )
    assert [s.detail["signal"] for s in answer.trace if s.outcome == "violated"] == ["risk_score", "amount"]


def test_the_machine_does_not_take_what_its_own_tier_may_not() -> None:
    tiers = tuple(snapshot().tiers)
    limited = (type(tiers[0])(slug="machine", rank=0, automated=True, max_complexity=0.3), *tiers[1:])
    answer = route(features(complexity=0.5), snapshot(tiers=limited))
    assert (answer.action, answer.tier) == (Action.REVIEW, "tier-1")


@pytest.mark.parametrize("risk, reversible, acts", [(LOW, True, True), (LOW, False, False), (MEDIUM, True, False)])
def test_during_a_roll_out_low_risk_reversible_cases_act_provisionally(
    risk: RiskLevel, reversible: bool, acts: bool
) -> None:
    answer = route(features(), snapshot({"rollout": True}, fitted=False, risk=risk, reversible=reversible))
    assert answer.action is (Action.AUTOMATE_AND_REVIEW if acts else Action.REVIEW)
    assert answer.selection_probability == 1.0
    assert answer.label == ("approve" if acts else None)


def test_a_fitted_model_is_routed_by_its_threshold_during_a_roll_out() -> None:
    assert route(features(), snapshot({"rollout": True})).action is Action.AUTOMATE


def test_until_a_calibration_is_fitted_the_confidence_is_the_models_own() -> None:
    answer = route(features(confidence=0.8), snapshot(fitted=False))
    assert (answer.calibrated_confidence, answer.calibration_version) == (0.8, None)


def test_a_map_of_another_version_than_the_policy_names_is_not_in_force() -> None:
    named = [{"model_version": "m-1", "confidence_source": "probability", "version": 4}]
    assert route(features(), snapshot({"calibrations": named})).action is Action.REVIEW
