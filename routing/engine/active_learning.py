"""Which cases would teach most (mission B12): scores of single cases, and whether a bounded queue takes one more."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from routing.engine.features import Features
from routing.engine.route import PriorityFactor
from routing.engine.signals import Signals

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class LearningWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each part adds to the score at its most. The defaults are the preset of mission B18.

    region: what a case gains whose region people have hardly judged; it comes on top of the preset.
    """

    uncertainty: Share = 0.4
    disagreement: Share = 0.4
    diversity: Share = 0.2
    region: Share = 0.1


class ActiveLearning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How cases are chosen to learn from. uncertainty: its measure, or the mean of all that are known.

    always_above: taken whenever there is room; few_above: taken while fewer than `few` wait. The queue's capacity is
    the queue's own setting; when it is full, only a case that scores above the lowest waiting one gets in.
    window_days: automated cases older than this are no longer asked about.
    """

    weights: LearningWeights = LearningWeights()
    uncertainty: Literal["mean", "entropy", "margin", "least_confidence"] = "mean"
    always_above: Share = 0.7
    few_above: Share = 0.4
    few: Annotated[int, Meta(ge=1, le=100_000)] = 100
    window_days: Annotated[int, Meta(ge=1, le=365)] = 7


class Admission(StrEnum):
    """What a bounded queue does with one more case; `replace`: it takes the place of the lowest that waits."""

    ADMIT = "admit"
    REPLACE = "replace"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class LearningScore:
    """0-1, higher teaches more; the factors' contributions sum to it before it is cut at 1."""

    value: float
    factors: tuple[PriorityFactor, ...]


def learning_score(
    features: Features,
    signals: Signals,
    confidence: float | None,
    settings: ActiveLearning,
    *,
    diversity: float | None,
    rarity: float,
) -> LearningScore:
    """How much a person's answer to this case would teach; pure.

    confidence: calibrated, null without one. diversity: distance to the nearest judged case, 0-1, null without an
    embedding (counts 0). rarity: 1 in a region without judgements, 0 in one with its fair share.
    """
    weights = settings.weights
    measures = _uncertainty(signals, confidence, settings)
    share = weights.uncertainty / len(measures)
    values = (
        *((name, value, share) for name, value in measures),
        ("disagreement", signals.disagreement, weights.disagreement),
        ("diversity", diversity or 0.0, weights.diversity),
        ("region", rarity, weights.region),
    )
    factors = tuple(PriorityFactor(name, value, weight, value * weight) for name, value, weight in values)
    return LearningScore(min(sum(factor.contribution for factor in factors), 1.0), factors)


def admission(
    score: float, settings: ActiveLearning, *, waiting: int, capacity: int, lowest: float | None
) -> Admission:
    """Whether the queue takes a case. waiting: how many are in it; lowest: the least score among them that may go."""
    wanted = score > settings.always_above or (score > settings.few_above and waiting < settings.few)
    if not wanted:
        return Admission.REFUSE
    if waiting < capacity:
        return Admission.ADMIT
    return Admission.REPLACE if lowest is not None and score > lowest else Admission.REFUSE


def _uncertainty(signals: Signals, confidence: float | None, settings: ActiveLearning) -> tuple[tuple[str, float], ...]:
    """The measures that count: those known of the ones asked for, else the least confidence, 1 where nothing is."""
    least = 1.0 if confidence is None else 1.0 - confidence
    known = {
        "entropy": signals.entropy,
        "margin": None if signals.margin is None else 1.0 - signals.margin,
        "least_confidence": least,
    }
    asked = known if settings.uncertainty == "mean" else {settings.uncertainty: known[settings.uncertainty]}
    found = tuple((name, value) for name, value in asked.items() if value is not None)
    return found or (("least_confidence", least),)
