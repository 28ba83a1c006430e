"""The critical zone: cases too uncertain to automate lightly and too many to review lightly (mission F6)."""

from dataclasses import dataclass

from feedback.stats.bounds import wilson_interval
from feedback.stats.costs import Costs, Weighed
from feedback.stats.threshold_counts import GRID

ZONE = (0.6, 0.85)
"""From the lower end to below the upper one; both lie on the grid."""


@dataclass(frozen=True, slots=True)
class ShareOf:
    """An estimated share with Wilson's 95 % interval at the effective size; all null where there is nothing."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class CriticalZone:
    """What the zone holds under one threshold; null: every case is reviewed.

    n: records in it. volume: its share of all cases. error: how often the machine is wrong in it, whoever decides.
    errors: its share of all the machine's errors. reviewed: the share of its cases that people decide. reviews: its
    share of all reviews. cost: of its cases, per case of all; cost_share: its share of the total cost; both null
    without costs, and the share where nothing costs anything.
    """

    low: float
    high: float
    threshold: float | None
    n: int
    volume: ShareOf
    error: ShareOf
    errors: ShareOf
    reviewed: ShareOf
    reviews: ShareOf
    cost: float | None
    cost_share: float | None


def critical_zone(weighed: Weighed, threshold: float | None, costs: Costs | None) -> CriticalZone:
    """Describe the cases stated from 0.6 to below 0.85. `threshold`: of the grid; below it people decide.

    Weighted estimates, intervals by Wilson 1927 at Kish's effective size 1965; they describe and certify nothing.
    """
    start, end = (GRID.index(edge) + 1 for edge in ZONE)
    split = len(weighed.weight) if threshold is None else GRID.index(threshold) + 1
    inside, total, n = sum(weighed.weight[start:end]), weighed.total, weighed.effective_n()
    in_zone, wrong_inside, wrong = (
        weighed.effective_n(start, end),
        weighed.wrong_within(start, end),
        weighed.wrong_within(),
    )
    below, below_inside = sum(weighed.weight[:split]), sum(weighed.weight[start : max(start, min(end, split))])
    cost = everywhere = None
    if costs is not None and total:
        cost = _cost(weighed, costs, start, end, split) / total
        everywhere = _cost(weighed, costs, 0, len(weighed.weight), split) / total
    return CriticalZone(
        low=ZONE[0],
        high=ZONE[1],
        threshold=threshold,
        n=sum(weighed.n[start:end]),
        volume=_share(inside, total, n),
        error=_share(wrong_inside, inside, in_zone),
        errors=_share(wrong_inside, wrong, n * wrong / total if total else 0.0),
        reviewed=_share(below_inside, inside, in_zone),
        reviews=_share(below_inside, below, weighed.effective_n(0, split)),
        cost=cost,
        cost_share=cost / everywhere if cost is not None and everywhere else None,
    )


def _cost(weighed: Weighed, costs: Costs, start: int, end: int, split: int) -> float:
    """Of the cells from start to before end: reviews below `split`, errors from there on."""
    middle = max(start, min(end, split))
    errors = sum(price * sum(cells[middle:end]) for price, cells in weighed.wrong.items())
    return costs.review * sum(weighed.weight[start:middle]) + errors


def _share(part: float, whole: float, n: float) -> ShareOf:
    if not whole or not n:
        return ShareOf(None, None, None)
    value = min(part / whole, 1.0)
    return ShareOf(value, *wilson_interval(value * n, n))
