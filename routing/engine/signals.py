"""Signals computed from one prediction. Null where what they need was not given."""

from dataclasses import dataclass
from math import log

from routing.engine.features import Features


@dataclass(frozen=True, slots=True)
class Signals:
    """What is computed from a prediction; for the first three see Settles, "Active Learning Literature Survey" (2009).

    entropy: Shannon's, as a share of the most possible (log of the number of labels), 0-1, so without a unit.
    least_confidence: 1 less the likeliest label's probability, 0-1. margin: the likeliest label's probability less the
    second's, 0-1. ensemble_agreement: share of all models, the main one included, that give its label, above 0 to 1.
    interpretable_disagrees: the readable model gives another label.
    """

    entropy: float | None
    least_confidence: float | None
    margin: float | None
    ensemble_agreement: float | None
    interpretable_disagrees: bool | None

    @property
    def disagreement(self) -> float:
        """0-1: share of the ensemble that contradicts, 1 where the interpretable model does, 0 where unknown."""
        if self.interpretable_disagrees:
            return 1.0
        return 0.0 if self.ensemble_agreement is None else 1.0 - self.ensemble_agreement


def compute_signals(features: Features, labels: tuple[str, ...]) -> Signals:
    """All signals of a prediction; a label without a probability counts as 0."""
    return Signals(
        entropy=_entropy(features, len(labels)),
        least_confidence=1.0 - max(features.probabilities.values()) if features.probabilities else None,
        margin=_margin(features),
        ensemble_agreement=_agreement(features),
        interpretable_disagrees=_disagrees(features),
    )


def _entropy(features: Features, labels: int) -> float | None:
    total = sum(features.probabilities.values())
    if total <= 0.0:
        return None
    possible = max(labels, len(features.probabilities))
    if possible < 2:
        return 0.0
    shares = (p / total for p in features.probabilities.values() if p > 0.0)
    # A denormal share may round to 0, whose term is 0; rounding may also leave 0..1 by an ulp.
    return min(max(-sum(s * log(s) for s in shares if s > 0.0) / log(possible), 0.0), 1.0)


def _margin(features: Features) -> float | None:
    if not features.probabilities:
        return None
    ranked = sorted(features.probabilities.values(), reverse=True)
    return ranked[0] - (ranked[1] if len(ranked) > 1 else 0.0)


def _agreement(features: Features) -> float | None:
    if features.label is None or not features.ensemble:
        return None
    agreeing = sum(vote.label == features.label for vote in features.ensemble)
    return (1 + agreeing) / (1 + len(features.ensemble))


def _disagrees(features: Features) -> bool | None:
    if features.label is None or features.interpretable_label is None:
        return None
    return features.label != features.interpretable_label
