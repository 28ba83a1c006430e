"""How much each factor counts for the priority (mission B10)."""

from typing import Annotated, Literal

from msgspec import Meta

from routing.engine.strict import Share, Strict


class PriorityWeights(Strict, frozen=True):
    """What each factor adds to the priority at its most. The defaults are the preset of mission B18."""

    uncertainty: Share = 1.0
    disagreement: Share = 0.0
    diversity: Share = 0.0
    stakes: Share = 0.0
    amount: Share = 0.3
    appeal: Share = 0.2
    previous_error: Share = 0.25
    virality: Share = 0.0
    standby: Share = 0.0


class PriorityDocument(Strict, frozen=True):
    """Weights, and the amount from which on the amount counts in full (partner's currency).

    amount_counts: in proportion below that, or only above it. standby weighs that somebody waits for the answer.
    """

    weights: PriorityWeights = PriorityWeights()
    amount_scale: Annotated[float, Meta(gt=0.0)] = 10_000.0
    amount_counts: Literal["in_proportion", "above"] = "in_proportion"
