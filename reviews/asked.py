"""What a model that was asked makes of a case's features: its prediction, or a judge's verdict."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import msgspec

from reviews.checks import prediction_problem
from reviews.features import prediction_features
from reviews.structs import EnsembleIn, PredictionIn
from routing.engine.features import Features, Validation
from routing.model_client import Reply


@dataclass(frozen=True, slots=True)
class Predicted:
    """`prediction` null: there is none to use, `problem` says why, and the features are without any."""

    features: Features
    prediction: PredictionIn | None
    problem: str = ""


def with_verdict(features: Features, key: str, reply: Reply) -> Features:
    """The features with what the judge of the layer `key` said."""
    return replace(features, validations=(*features.validations, Validation(key, reply.outcome, reply.detail)))


def with_prediction(features: Features, reply: Reply, labels: Collection[str]) -> Predicted:
    """The features with the adapter's prediction; without any where it failed, so that a person decides."""
    prediction, problem = _checked(reply, labels)
    if prediction is None:
        return Predicted(replace(features, **prediction_features(None)), None, problem)
    if features.label is not None:  # a specialist revised it: the general model's answer counts as a vote
        before = EnsembleIn(features.model_version or "", features.label, features.confidence)
        prediction = msgspec.structs.replace(prediction, ensemble=[before])
    return Predicted(replace(features, **prediction_features(prediction)), prediction)


def _checked(reply: Reply, labels: Collection[str]) -> tuple[PredictionIn | None, str]:
    if reply.outcome == "error":
        return None, reply.detail
    try:
        prediction = msgspec.convert(reply.prediction, PredictionIn)
    except msgspec.ValidationError as error:
        return None, f"not a usable prediction: {error}"[:500]
    problem = prediction_problem(prediction, labels)
    return (None, f"not a usable prediction: {problem}") if problem else (prediction, "")
