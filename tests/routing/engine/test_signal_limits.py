"""Every signal can keep a case from the machine, and the trace says which and why (mission B2, B17)."""

from typing import Any

import pytest

from routing.engine.features import EnsembleVote, SubjectHistory
from routing.engine.route import Action, RiskLevel
from tests.routing.engine.cases import features, route, rule, snapshot

SPLIT = {"probabilities": {"approve": 0.6, "reject": 0.4}}
REPEATED = {"history": SubjectHistory(cases=4, decided=4, wrong=2, overridden=3, last_decision="reject")}
LIMITS = [
    ("min_ensemble_agreement", 0.6, {"ensemble": (EnsembleVote("b", "reject"),)}, 0.5, 0.5),
    ("min_margin", 0.3, SPLIT, 0.2, 0.2),
    ("max_entropy", 0.9, SPLIT, 0.971, 0.971),
    ("max_least_confidence", 0.3, SPLIT, 0.4, 0.4),
    ("max_distance", 0.5, {"nearest_neighbor_distance": 0.6}, 0.6, 0.6),
    ("max_risk_score", 0.3, {"risk_score": 0.4}, 0.4, 0.4),
    ("max_amount", 100, {"amount": 101.0}, 101.0, 101.0),
    ("max_error_cost", 100, {"error_cost": 101.0}, 101.0, 101.0),
    ("max_complexity", 0.3, {"complexity": 0.31}, 0.31, 0.31),
    ("max_predicted_disagreement", 0.2, {"predicted_disagreement": 0.21}, 0.21, 0.21),
    ("max_known_bad_similarity", 0.9, {"known_bad_similarity": 0.95}, 0.95, 0.95),
    ("interpretable_agrees", True, {"interpretable_label": "reject"}, 1.0, 0.0),
    ("allowed_expertise", ["credit"], {"required_expertise": frozenset({"credit", "law"})}, 1.0, 0.0),
    ("min_history_cases", 5, REPEATED, 4.0, 5.0),
    ("max_history_wrong", 1, REPEATED, 2.0, 1.0),
    ("max_history_overridden", 2, REPEATED, 3.0, 2.0),
]


@pytest.mark.parametrize("name, limit, case, value, _", LIMITS)
def test_a_broken_limit_means_a_person(name: str, limit: Any, case: dict[str, Any], value: float, _: float) -> None:
    answer = route(features(**case), snapshot({"signals": {name: limit}}))
    (step,) = [step for step in answer.trace if step.outcome == "violated"]
    assert step.detail["value"] == pytest.approx(value, abs=1e-3)
    assert answer.action is Action.REVIEW
    assert answer.reason.endswith("so a person decides.")


NEVER_MISSING = ("allowed_expertise",)


@pytest.mark.parametrize("name, limit", [row[:2] for row in LIMITS if row[0] not in NEVER_MISSING])
def test_a_limit_on_a_signal_that_is_not_given_means_a_person(name: str, limit: Any) -> None:
    answer = route(features(), snapshot({"signals": {name: limit}}))
    assert [step.outcome for step in answer.trace if step.step == "signal"] == ["missing"]
    assert answer.action is Action.REVIEW


@pytest.mark.parametrize("name, limit", [row[:2] for row in LIMITS if row[0] not in NEVER_MISSING])
def test_at_high_risk_a_missing_signal_escalates(name: str, limit: Any) -> None:
    taken = snapshot({"signals": {name: limit}}, risk=RiskLevel.HIGH)
    assert route(features(), taken).action is Action.ESCALATE


@pytest.mark.parametrize(
    "predicted, stated, action",
    [
        (None, None, Action.AUTOMATE),
        (0.3, None, Action.AUTOMATE),
        (0.31, None, Action.REVIEW),
        (0.31, 0.5, Action.AUTOMATE),
        (None, 0.5, Action.REVIEW),
        (1.0, 1.0, Action.AUTOMATE),
    ],
)
def test_predicted_disagreement_counts_from_0_3_on_unless_the_policy_says_otherwise(
    predicted: float | None, stated: float | None, action: Action
) -> None:
    answer = route(
        features(predicted_disagreement=predicted), snapshot({"signals": {"max_predicted_disagreement": stated}})
    )
    assert answer.action is action


@pytest.mark.parametrize(
    "when",
    [
        "signals.confidence > 0.9",
        "signals.least_confidence > 0.3 && signals.entropy > 0.9 && signals.margin < 0.3",
        "signals.distance == 0.6 && signals.risk_score == 0.4 && signals.amount == 7.0",
        "signals.error_cost == 8.0 && signals.complexity == 0.1",
        "signals.predicted_disagreement == 0.1 && signals.known_bad_similarity == 0.2",
        "signals.ensemble_agreement == 0.5 && signals.interpretable_disagrees",
        'history.cases == 4.0 && history.decided == 4.0 && history.wrong == 2.0 && history.last_decision == "reject"',
        "history.overridden > 2.0",
    ],
)
def test_rules_see_every_signal(when: str) -> None:
    case = features(
        **SPLIT,
        **REPEATED,
        nearest_neighbor_distance=0.6,
        risk_score=0.4,
        amount=7.0,
        error_cost=8.0,
        complexity=0.1,
        predicted_disagreement=0.1,
        known_bad_similarity=0.2,
        ensemble=(EnsembleVote("b", "reject"),),
        interpretable_label="reject",
    )
    assert route(case, snapshot({"rules": [rule(when, "escalate")]})).action is Action.ESCALATE


def test_a_rule_about_the_past_of_a_case_without_a_subject_means_a_person() -> None:
    answer = route(features(), snapshot({"rules": [rule("history.wrong > 5.0", "gate")]}))
    assert (answer.action, answer.rule) == (Action.REVIEW, "history.wrong > 5.0")


@pytest.mark.parametrize(
    "policy, history, known_bad",
    [
        ({}, False, False),
        ({"signals": {"max_history_wrong": 1}}, True, False),
        ({"signals": {"max_known_bad_similarity": 0.9}}, False, True),
        ({"rules": [rule("has(history.wrong) && history.wrong > 1.0")]}, True, False),
        ({"risk_rules": [{"name": "a", "when": "signals.known_bad_similarity > 0.9", "level": "high"}]}, False, True),
    ],
)
def test_a_policy_says_what_must_be_looked_up_for_it(policy: dict[str, Any], history: bool, known_bad: bool) -> None:
    compiled = snapshot(policy).policy
    assert (compiled.reads_history, compiled.reads_known_bad) == (history, known_bad)


def test_a_rule_in_force_may_call_its_item_like_a_younger_part_of_the_record() -> None:
    taken = snapshot({"rules": [rule("input.items.exists(history, history.bad)", "gate")]})
    assert route(features(input={"items": [{"bad": True}]}), taken).action is Action.GATE
