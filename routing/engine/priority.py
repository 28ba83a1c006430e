"""How urgently a person should look, and why (mission B10)."""

from routing.engine.features import Features, LatencyTolerance
from routing.engine.priority_weights import PriorityDocument
from routing.engine.route import PriorityFactor, RiskLevel
from routing.engine.signals import Signals

_STAKES = {RiskLevel.LOW: 0.0, RiskLevel.MEDIUM: 0.5, RiskLevel.HIGH: 1.0, RiskLevel.CRITICAL: 1.0}


def prioritise(
    features: Features, signals: Signals, confidence: float | None, policy: PriorityDocument
) -> tuple[float, tuple[PriorityFactor, ...]]:
    """Priority 0-1, higher first, with each factor's contribution; their sum is cut at 1.

    Disagreement is the models' or the predicted one, whichever is more. Diversity is 0 here: it needs other cases, a
    sweep adds it later.
    """
    weights = policy.weights
    values = (
        ("uncertainty", 1.0 if confidence is None else 1.0 - confidence, weights.uncertainty),
        ("disagreement", max(signals.disagreement, features.predicted_disagreement or 0.0), weights.disagreement),
        ("diversity", 0.0, weights.diversity),
        ("stakes", 0.0 if features.stakes is None else _STAKES[features.stakes], weights.stakes),
        ("amount", _amount(abs(features.amount or 0.0), policy), weights.amount),
        ("appeal", float(features.has_appeal), weights.appeal),
        ("previous_error", float(features.previous_error), weights.previous_error),
        ("virality", min(max(features.virality, 0.0), 1.0), weights.virality),
        ("standby", float(features.latency_tolerance is LatencyTolerance.STANDBY), weights.standby),
    )
    breakdown = tuple(PriorityFactor(name, value, weight, value * weight) for name, value, weight in values)
    return min(sum(factor.contribution for factor in breakdown), 1.0), breakdown


def _amount(amount: float, policy: PriorityDocument) -> float:
    """0-1: in proportion up to the scale and in full from there, or in full above it alone."""
    if policy.amount_counts == "above":
        return float(amount > policy.amount_scale)
    return min(amount / policy.amount_scale, 1.0)
