"""Three zones: automate, answer now and review, a person first (mission B5)."""

import pytest

from routing.engine.features import LatencyTolerance
from routing.engine.route import Action, RiskLevel, Zone
from tests.routing.engine.cases import features, route, snapshot

LOW, MEDIUM, HIGH, CRITICAL = RiskLevel
ZONES = {"thresholds": {"default": 0.85}, "zones": {"provisional": {"default": 0.6}}}
NOW, STANDBY, BATCH = LatencyTolerance


@pytest.mark.parametrize(
    "confidence, risk, action",
    [
        (0.85, LOW, Action.AUTOMATE),
        (0.849, LOW, Action.AUTOMATE_AND_REVIEW),
        (0.6, LOW, Action.AUTOMATE_AND_REVIEW),
        (0.599, LOW, Action.REVIEW),
        (0.85, MEDIUM, Action.AUTOMATE_AND_AUDIT),
        (0.7, MEDIUM, Action.AUTOMATE_AND_REVIEW),
        (0.5, MEDIUM, Action.REVIEW),
        (0.85, HIGH, Action.AUTOMATE_AND_AUDIT),
        (0.7, HIGH, Action.ESCALATE),
        (0.5, HIGH, Action.ESCALATE),
        (0.99, CRITICAL, Action.ESCALATE),
        (0.7, CRITICAL, Action.ESCALATE),
    ],
)
def test_the_zone_of_a_confidence(confidence: float, risk: RiskLevel, action: Action) -> None:
    assert route(features(confidence=confidence), snapshot(ZONES, risk=risk)).action is action


def test_a_provisional_answer_is_always_reviewed_by_a_tier_that_can() -> None:
    answer = route(features(confidence=0.7, complexity=0.7), snapshot(ZONES))
    assert (answer.label, answer.zone, answer.threshold) == ("approve", Zone.QUEUE, 0.6)
    assert (answer.tier, answer.review_tier) == ("machine", "tier-2")
    assert (answer.selection_probability, answer.action_propensity, answer.sampled) == (1.0, 1.0, False)


@pytest.mark.parametrize(
    "said, usual, action, outcome",
    [
        (NOW, "batch", Action.AUTOMATE_AND_REVIEW, "provisional"),
        (STANDBY, "provisional", Action.REVIEW, "standby"),
        (BATCH, "provisional", Action.REVIEW, "batch"),
        (None, "provisional", Action.AUTOMATE_AND_REVIEW, "provisional"),
        (None, "standby", Action.REVIEW, "standby"),
        (None, "batch", Action.REVIEW, "batch"),
    ],
)
def test_how_long_a_case_can_wait_selects_what_happens_between_the_thresholds(
    said: LatencyTolerance | None, usual: str, action: Action, outcome: str
) -> None:
    policy = ZONES | {"zones": {"provisional": {"default": 0.6}, "latency": usual}}
    answer = route(features(confidence=0.7, latency_tolerance=said), snapshot(policy))
    assert answer.action is action
    step = next(step for step in answer.trace if step.step == "provisional_zone")
    assert (step.outcome, step.detail["confidence"], step.detail["threshold"]) == (outcome, 0.7, 0.6)


def test_latency_does_not_matter_outside_the_zone() -> None:
    assert route(features(confidence=0.9, latency_tolerance=BATCH), snapshot(ZONES)).action is Action.AUTOMATE
    assert route(features(confidence=0.5, latency_tolerance=NOW), snapshot(ZONES)).action is Action.REVIEW


@pytest.mark.parametrize(
    "case, task",
    [({}, {"reversible": False}), ({"proposed_action_reversible": False}, {}), ({"model_version": "unfitted"}, {})],
)
def test_what_cannot_be_taken_back_or_is_not_calibrated_is_never_answered_provisionally(
    case: dict[str, object], task: dict[str, object]
) -> None:
    assert not route(features(confidence=0.7, **case), snapshot(ZONES, **task)).action.automated


def test_a_standing_by_person_is_asked_first_where_the_policy_weighs_it() -> None:
    taken = snapshot(ZONES | {"priority": {"weights": {"standby": 0.5}}})
    waiting = route(features(confidence=0.7, latency_tolerance=STANDBY), taken)
    assert waiting.priority == pytest.approx(0.3 + 0.5)


def test_the_provisional_threshold_too_depends_on_risk_and_label() -> None:
    entries = [{"label": "approve", "threshold": None}, {"risk": "medium", "label": "approve", "threshold": 0.8}]
    policy = ZONES | {"zones": {"provisional": {"default": 0.6, "entries": entries}}}
    assert route(features(confidence=0.82), snapshot(policy)).action is Action.REVIEW
    assert route(features(confidence=0.82), snapshot(policy, risk=MEDIUM)).action is Action.AUTOMATE_AND_REVIEW
    assert route(features(confidence=0.7, label="reject"), snapshot(policy)).action is Action.AUTOMATE_AND_REVIEW
