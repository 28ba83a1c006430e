"""A small weighted sample that stands for the whole, with weights that say for how much. Plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import nlargest

from feedback.stats.thresholds import uniform_draw

Key = str


@dataclass(frozen=True, slots=True)
class PrioritySample:
    """weights: for each chosen key how much of the whole it stands for. threshold: the priority of the first one left
    out; null where everything was taken.
    """

    weights: Mapping[Key, float]
    threshold: float | None


def priority_sample(
    weights: Mapping[Key, float], size: int, salt: str, draw: Callable[[str, str], float] = uniform_draw
) -> PrioritySample:
    """The `size` keys of highest priority w / u, u uniform on (0, 1], each weighing max(w, threshold).

    Priority sampling: Duffield, Lund & Thorup 2007, "Priority sampling for estimation of arbitrary subset sums"
    (J. ACM 54:6), which keeps the sum of every subset unbiased; a case of low selection probability, so of great
    weight, is nearly always in it. weights: above zero, such as inverse selection probabilities (ValueError otherwise);
    size >= 1. Deterministic in key and salt. Nothing gives an empty sample.
    """
    if size < 1 or any(not 0.0 < w < float("inf") for w in weights.values()):
        raise ValueError("size and weights must be above zero")
    if len(weights) <= size:
        return PrioritySample(dict(weights), None)
    ranked = nlargest(size + 1, ((w / (1.0 - draw(key, salt)), key) for key, w in weights.items()))
    threshold = ranked[-1][0]
    return PrioritySample({key: max(weights[key], threshold) for _, key in ranked[:size]}, threshold)
