"""Which threshold costs least in all, reviews and errors together (mission F6)."""

from collections.abc import Collection
from dataclasses import dataclass

from feedback.stats.costs import Costs, Weighed, linear_interval, up_to
from feedback.stats.threshold_counts import GRID, from_above


@dataclass(frozen=True, slots=True)
class CostPoint:
    """The expected cost per case under one threshold, with a pointwise 95 % interval; null: every case is reviewed."""

    threshold: float | None
    cost: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CostStudy:
    """Cost per case over the grid.

    curve: one point per grid threshold; empty without records. review_all: every case to a person, a known price.
    cheapest: the least of all of these, whether certified or not; of equals the one that automates least; its
    interval does not allow for having been picked as the least. similar: the lowest and highest grid threshold whose
    cost cannot be told from the cheapest's (paired, 95 %), null where none. certified: the cheapest among the
    thresholds certified to hold the error budget, null with the `reason` where there is none or reviewing every case
    costs no more. Only `certified` may go live.
    """

    curve: tuple[CostPoint, ...]
    review_all: CostPoint
    cheapest: CostPoint | None
    similar: tuple[float, float] | None
    certified: CostPoint | None
    reason: str | None

    @property
    def cheapest_is_certified(self) -> bool:
        """Whether the optimum by cost also holds the error budget with its guarantee."""
        return self.cheapest is not None and self.cheapest == self.certified


def cost_study(weighed: Weighed, costs: Costs, certified: Collection[float]) -> CostStudy:
    """The cost of every grid threshold t under "automate iff confidence >= t", and the cheapest.

    Cost per case: review x P(below t) + sum over prices of price x P(at or above t and wrong at that price), each
    share the inverse-probability weighted estimate (Hájek 1971), the interval `linear_interval` at Kish's effective
    size. `certified`: thresholds all certified together; choosing the cheapest of them spends no further risk
    (Angelopoulos et al. 2021, Learn then Test, section 2). Elkan 2001 (IJCAI, "The foundations of cost-sensitive
    learning") for the cost model. Without records: no curve, and the reason.
    """
    review_all = CostPoint(None, costs.review, costs.review, costs.review)
    total, n = weighed.total, weighed.effective_n()
    if not total:
        return CostStudy((), review_all, None, None, None, "There are no labelled records, so costs are not known.")
    below = up_to(weighed.weight)
    wrong = {price: from_above(list(cells)) for price, cells in weighed.wrong.items()}
    curve = []
    for index, threshold in enumerate(GRID):
        terms = [(costs.review, below[index] / total), *((p, above[index] / total) for p, above in wrong.items())]
        value, low, high = linear_interval(terms, n)
        curve.append(CostPoint(threshold, value, max(0.0, low), high))
    cheapest = min([*curve, review_all], key=_order)
    held = min((point for point in curve if point.threshold in certified), key=_order, default=None)
    reason = _reason(held, review_all)
    return CostStudy(
        curve=tuple(curve),
        review_all=review_all,
        cheapest=cheapest,
        similar=_similar(weighed, costs, cheapest),
        certified=None if reason else held,
        reason=reason,
    )


def _order(point: CostPoint) -> tuple[float, float]:
    return point.cost, -1.0 if point.threshold is None else -point.threshold


def _reason(held: CostPoint | None, review_all: CostPoint) -> str | None:
    if held is None:
        return "No threshold is certified to hold the error budget, so none goes live, whatever it costs."
    if held.cost >= review_all.cost:
        return "Reviewing every case costs no more than any certified threshold, so nothing is worth automating."
    return None


def _similar(weighed: Weighed, costs: Costs, cheapest: CostPoint) -> tuple[float, float] | None:
    """Two thresholds differ only in the cases between them: reviewed under one, automated under the other."""
    best = len(GRID) if cheapest.threshold is None else GRID.index(cheapest.threshold)
    total, n = weighed.total, weighed.effective_n()
    found = []
    for index, threshold in enumerate(GRID):
        start, end = sorted((index + 1, best + 1))
        terms = [(-costs.review, sum(weighed.weight[start:end]) / total)]
        terms += [(price, sum(cells[start:end]) / total) for price, cells in weighed.wrong.items()]
        _, low, high = linear_interval(terms, n)
        if index == best or low <= 0.0 <= high:
            found.append(threshold)
    return (found[0], found[-1]) if found else None
