"""The presets, with every number that mission B18 states, through the engine."""

from typing import Any

import pytest

from routing.engine.active_learning import admission, learning_score
from routing.engine.document import decode_document
from routing.engine.features import EnsembleVote, LatencyTolerance
from routing.engine.route import Action, RiskLevel, Route
from routing.engine.signals import compute_signals
from routing.engine.specs import TierSpec
from routing.presets import ORDER, preset_named, presets, with_preset
from tests.routing.engine.cases import features, route, snapshot

LOW, MEDIUM, HIGH, CRITICAL = RiskLevel
AGREE, SPLIT = EnsembleVote("b", "approve"), EnsembleVote("c", "reject")
FOUR_OF_FIVE = (AGREE, AGREE, AGREE, SPLIT)
SURE = {"confidence": 0.96, "risk_score": 0.2, "ensemble": FOUR_OF_FIVE, "nearest_neighbor_distance": 0.5}


def under(name: str, case: dict[str, Any], **taken: Any) -> Route:
    return route(features(**case), snapshot(preset_named(name).document, **taken))


@pytest.mark.parametrize("name", ORDER)
def test_every_preset_is_a_valid_document_and_says_what_it_does(name: str) -> None:
    preset = presets()[name]
    assert decode_document(preset.document)
    assert preset.title and preset.description


@pytest.mark.parametrize(
    "changes, action, tier",
    [
        ({}, Action.AUTOMATE, "machine"),
        ({"amount": 100_000.0}, Action.AUTOMATE, "machine"),
        ({"amount": 100_000.01}, Action.ESCALATE, "expert"),
        ({"risk_score": 0.9}, Action.REVIEW, "tier-1"),
        ({"risk_score": 0.901}, Action.ESCALATE, "expert"),
        ({"confidence": 0.5, "risk_score": 0.95}, Action.ESCALATE, "expert"),
        ({"confidence": 0.95}, Action.REVIEW, "tier-1"),
        ({"confidence": 0.951}, Action.AUTOMATE, "machine"),
        ({"confidence": 0.7}, Action.REVIEW, "tier-1"),
        ({"confidence": 0.69}, Action.REVIEW, "tier-1"),
        ({"risk_score": 0.299}, Action.AUTOMATE, "machine"),
        ({"risk_score": 0.3}, Action.REVIEW, "tier-1"),
        ({"ensemble": (AGREE, SPLIT, AGREE)}, Action.REVIEW, "tier-1"),
        ({"nearest_neighbor_distance": 0.51}, Action.REVIEW, "tier-1"),
        ({"risk_score": None}, Action.REVIEW, "tier-1"),
        ({"ensemble": ()}, Action.REVIEW, "tier-1"),
        ({"nearest_neighbor_distance": None}, Action.REVIEW, "tier-1"),
    ],
)
def test_multi_signal(changes: dict[str, Any], action: Action, tier: str) -> None:
    answer = under("multi-signal", SURE | changes)
    assert (answer.action, answer.tier) == (action, tier)


@pytest.mark.parametrize(
    "changes, rule",
    [
        ({"confidence": 0.69}, "low confidence"),
        ({"ensemble": (AGREE, SPLIT, AGREE)}, "the models disagree"),
        ({"nearest_neighbor_distance": 0.51}, "unlike the training data"),
        ({"confidence": 0.9}, "not sure and not safe enough"),
    ],
)
def test_multi_signal_names_the_signal_that_decided(changes: dict[str, Any], rule: str) -> None:
    assert under("multi-signal", SURE | changes).rule == rule


TIERS = tuple(
    TierSpec(**{key: value for key, value in tier.items() if key != "title"})
    for tier in sorted(preset_named("tiers").tiers, key=lambda tier: tier["rank"])
)


def test_the_tiers_are_those_of_the_mission() -> None:
    stated = [(tier.slug, tier.max_complexity, tier.sla_s) for tier in TIERS]
    assert stated == [
        ("automated", 0.3, 0.1),
        ("tier-1", 0.6, 3_600),
        ("tier-2", 0.85, 24 * 3_600),
        ("expert", 1.0, 7 * 24 * 3_600),
    ]


@pytest.mark.parametrize(
    "confidence, complexity, error_cost, tier",
    [
        (0.95, 0.3, 1_000_000.0, "automated"),
        (0.949, 0.3, 0.0, "tier-1"),
        (0.99, 0.31, 0.0, "tier-1"),
        (0.99, 0.6, 0.0, "tier-1"),
        (0.99, 0.61, 0.0, "tier-2"),
        (0.99, 0.85, 0.0, "tier-2"),
        (0.99, 0.86, 0.0, "expert"),
        (0.99, 1.0, 0.0, "expert"),
        (0.99, 0.1, 1_000_000.01, "expert"),
    ],
)
def test_the_lowest_tier_that_may_take_a_case_gets_it(
    confidence: float, complexity: float, error_cost: float, tier: str
) -> None:
    case = {"confidence": confidence, "complexity": complexity, "error_cost": error_cost}
    assert under("tiers", case, tiers=TIERS).tier == tier


@pytest.mark.parametrize(
    "case, priority",
    [
        ({"confidence": 0.8}, 0.2),
        ({"confidence": 0.8, "amount": 10_000.0}, 0.2),
        ({"confidence": 0.8, "amount": 10_000.01}, 0.5),
        ({"confidence": 0.8, "has_appeal": True}, 0.4),
        ({"confidence": 0.8, "previous_error": True}, 0.45),
        ({"confidence": 0.8, "amount": 20_000.0, "has_appeal": True, "previous_error": True}, 0.95),
        ({"confidence": 0.5, "amount": 20_000.0, "has_appeal": True, "previous_error": True}, 1.0),
    ],
)
def test_priority(case: dict[str, Any], priority: float) -> None:
    assert under("priority", case).priority == pytest.approx(priority)


@pytest.mark.parametrize(
    "confidence, action",
    [
        (0.85, Action.AUTOMATE),
        (0.84, Action.AUTOMATE_AND_REVIEW),
        (0.6, Action.AUTOMATE_AND_REVIEW),
        (0.59, Action.REVIEW),
    ],
)
def test_zones(confidence: float, action: Action) -> None:
    assert under("zones", {"confidence": confidence}).action is action


def test_in_the_middle_zone_a_person_on_standby_is_asked_first() -> None:
    answer = under("zones", {"confidence": 0.7, "latency_tolerance": LatencyTolerance.STANDBY})
    assert (answer.action, answer.priority) == (Action.REVIEW, 1.0)


@pytest.mark.parametrize("domain, threshold", [("support", 0.70), ("medical", 0.95), ("finance", 0.99)])
def test_domains(domain: str, threshold: float) -> None:
    assert under(f"domain-{domain}", {"confidence": threshold}).action is Action.AUTOMATE
    assert under(f"domain-{domain}", {"confidence": threshold - 0.001}).action is Action.REVIEW


@pytest.mark.parametrize(
    "case, risk",
    [
        ({}, LOW),
        ({"amount": 10_000.0}, LOW),
        ({"amount": 10_000.01}, CRITICAL),
        ({"affects_multiple_users": True}, CRITICAL),
        ({"is_new_user": True}, HIGH),
        ({"is_new_user": True, "amount": 10_001.0}, CRITICAL),
    ],
)
def test_risk(case: dict[str, Any], risk: RiskLevel) -> None:
    assert under("risk", case).risk is risk


def test_risk_audits_between_10_and_20_percent() -> None:
    sampling = decode_document(preset_named("risk").document).sampling
    assert sampling.audit_rate_bounds is not None
    assert (sampling.audit_rate_bounds.lowest, sampling.audit_rate_bounds.highest) == (0.1, 0.2)
    assert under("risk", {"is_new_user": True}).selection_probability == 0.15


LEARNING = decode_document(preset_named("active-learning").document).active_learning


@pytest.mark.parametrize(
    "confidence, ensemble, diversity, score",
    [(0.5, (), 0.0, 0.2), (0.0, (SPLIT,), 0.0, 0.6), (0.25, (SPLIT,), 0.5, 0.6), (0.0, (), 1.0, 0.6)],
)
def test_active_learning_scores(confidence: float, ensemble: Any, diversity: float, score: float) -> None:
    assert LEARNING is not None
    case = features(confidence=confidence, ensemble=ensemble)
    signals = compute_signals(case, ("approve", "reject"))
    found = learning_score(case, signals, confidence, LEARNING, diversity=diversity, rarity=1.0)
    assert found.value == pytest.approx(score)


@pytest.mark.parametrize(
    "score, waiting, lowest, what",
    [
        (0.71, 0, None, "admit"),
        (0.71, 150, 0.1, "admit"),
        (0.41, 99, 0.1, "admit"),
        (0.40, 0, None, "refuse"),
        (0.41, 100, 0.1, "refuse"),
        (0.70, 100, 0.1, "refuse"),
        (0.71, 200, 0.7, "replace"),
        (0.71, 200, 0.71, "refuse"),
    ],
)
def test_active_learning_admits(score: float, waiting: int, lowest: float | None, what: str) -> None:
    assert LEARNING is not None
    assert admission(score, LEARNING, waiting=waiting, capacity=200, lowest=lowest) == what


def test_claims_last_ten_minutes() -> None:
    assert preset_named("claims").queues == {"lease_s": 10 * 60}


def test_a_preset_leaves_what_it_does_not_name() -> None:
    before = {"thresholds": {"default": 0.9, "entries": [{"risk": "low", "threshold": 0.8}]}, "rollout": True}
    after = with_preset(before, preset_named("domain-medical"))
    assert after == {"thresholds": {"default": 0.95, "entries": []}, "rollout": True}
