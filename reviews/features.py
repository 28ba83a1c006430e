"""A submitted case as the engine sees it, and the hash that tells equal content."""

import hashlib
import re
from typing import Any

import msgspec

from reviews.structs import CaseIn, PredictionIn
from routing.engine.features import EnsembleVote, Features, LatencyTolerance
from routing.engine.route import RiskLevel

_PREDICTED = (
    "label",
    "confidence",
    "confidence_source",
    "model_version",
    "probabilities",
    "ensemble",
    "interpretable_label",
    "nearest_neighbor_distance",
)


def features_of(case: CaseIn) -> Features:
    """The snapshot that is stored with the route; `input` is what rules may see."""
    context, action = case.context, case.proposed_action
    return Features(
        **prediction_features(case.prediction),
        stakes=RiskLevel(context.stakes) if context.stakes else None,
        amount=context.amount,
        risk_score=context.risk_score,
        complexity=context.complexity,
        error_cost=context.error_cost,
        required_expertise=frozenset(context.required_expertise),
        latency_tolerance=LatencyTolerance(context.latency_tolerance) if context.latency_tolerance else None,
        virality=context.virality,
        is_new_user=context.is_new_user,
        affects_multiple_users=context.affects_multiple_users,
        has_appeal=context.has_appeal,
        previous_error=context.previous_error,
        segments=context.segments,
        proposed_action_type=action.type if action else None,
        proposed_action_reversible=action.reversible if action else None,
        input=case.input,
    )


def prediction_features(prediction: PredictionIn | None) -> dict[str, Any]:
    """The features that a prediction gives; for null their names with nothing in them."""
    if prediction is None:
        empty = Features()
        return {name: getattr(empty, name) for name in _PREDICTED}
    said = prediction
    votes = tuple(EnsembleVote(v.model, v.label, v.confidence) for v in said.ensemble)
    readable = said.interpretable.label if said.interpretable else None
    values = (said.label, said.confidence, said.confidence_source, said.model_version, said.probabilities)
    return dict(zip(_PREDICTED, (*values, votes, readable, said.nearest_neighbor_distance), strict=True))


def content_hash(raw: bytes) -> bytes:
    """SHA-256 of the parsed JSON in canonical order: equal JSON, equal hash (1 and 1.0 are equal)."""
    value = msgspec.json.decode(raw)
    if _MAYBE_WHOLE.search(raw):
        value = _plain(value)
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).digest()


_MAYBE_WHOLE = re.compile(rb"\d(?:\.0*(?!\d)|[eE])")  # 1.0 or 1e3, or a text with such letters


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
    return value
