"""What reviewing and erring cost, and cases weighed by it in one pass. Plain Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, sqrt

from feedback.stats.bounds import wilson_interval
from feedback.stats.difference import Measured
from feedback.stats.threshold_counts import GRID, Record, cell_of


@dataclass(frozen=True, slots=True)
class ErrorCost:
    """What it costs to decide `decided` where `truth` is right; null stands for any label."""

    cost: float
    truth: str | None = None
    decided: str | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs per case, all in one unit, finite and not negative (ValueError).

    review: one person judging one case. error: a wrong automated decision that no entry of `pairs` names. Of the
    entries that match the one naming most counts, of equals the later. A right automated decision costs nothing, and
    a review's own errors are to be put into its price.
    """

    review: float
    error: float = 1.0
    pairs: tuple[ErrorCost, ...] = ()

    def __post_init__(self) -> None:
        for value in self.prices() | {self.review}:
            if not 0.0 <= value < inf:
                raise ValueError(f"a cost must be finite and not negative, not {value!r}")

    def of_error(self, truth: str | None, decided: str | None) -> float:
        """What deciding `decided` costs where `truth` is right."""
        best, cost = 0, self.error
        for pair in self.pairs:
            named = (pair.truth is not None) + (pair.decided is not None)
            if named >= best and pair.truth in (None, truth) and pair.decided in (None, decided):
                best, cost = named, pair.cost
        return cost

    def prices(self) -> frozenset[float]:
        """Every price an error may have."""
        return frozenset({self.error, *(pair.cost for pair in self.pairs)})


@dataclass(frozen=True, slots=True)
class Weighed:
    """Records by cell of the grid: cell j holds those that reach exactly j thresholds, so there is one more.

    weight: sums of inverse selection probabilities; squares: of their squares; wrong: by price of the error, the
    weights of the wrong ones. n: records per cell.
    """

    n: tuple[int, ...]
    weight: tuple[float, ...]
    squares: tuple[float, ...]
    wrong: dict[float, tuple[float, ...]]

    @property
    def total(self) -> float:
        """The cases the records stand for."""
        return sum(self.weight)

    def effective_n(self, start: int = 0, end: int = len(GRID) + 1) -> float:
        """Kish's effective size 1965, (sum w)^2 / sum w^2, of the cells from `start` to before `end`; 0 if empty."""
        squares = sum(self.squares[start:end])
        return sum(self.weight[start:end]) ** 2 / squares if squares else 0.0

    def wrong_within(self, start: int = 0, end: int = len(GRID) + 1) -> float:
        """Weight of the wrong ones in those cells, whatever they cost."""
        return sum(sum(cells[start:end]) for cells in self.wrong.values())


def weigh(records: Sequence[Record], costs: Costs) -> Weighed:
    """Count the records into the grid in one pass. ValueError names the first bad record."""
    size = len(GRID) + 1
    n, weight, squares = [0] * size, [0.0] * size, [0.0] * size
    wrong = {price: [0.0] * size for price in sorted(costs.prices())}
    price_of: dict[tuple[str | None, str | None], list[float]] = {}
    for index, (confidence, correct, probability, _, predicted, truth) in enumerate(records):
        cell = cell_of(index, confidence, probability)
        each = 1.0 / probability
        n[cell] += 1
        weight[cell] += each
        squares[cell] += each * each
        if not correct:
            cells = price_of.get((truth, predicted))
            if cells is None:
                cells = price_of[truth, predicted] = wrong[costs.of_error(truth, predicted)]
            cells[cell] += each
    return Weighed(tuple(n), tuple(weight), tuple(squares), {price: tuple(found) for price, found in wrong.items()})


def linear_interval(terms: Iterable[tuple[float, float]], n: float, confidence: float = 0.95) -> Measured:
    """A weighted sum of shares of the same n cases, with its interval: each term a coefficient and a share 0-1.

    Source: the method of variance estimates recovery of Zou & Donner 2008 (Statistics in Medicine 27:1693), from
    Wilson's interval of each share; for two terms +1 and -1 it is Newcombe's 1998 method 10. It takes the shares for
    independent; shares of disjoint kinds of cases under coefficients of one sign are negatively correlated, so it is
    then wide rather than narrow. A share of 0 still adds its upper end: what was never seen is not impossible.
    n = 0 gives the whole range that shares 0-1 allow.
    """
    value = down = up = 0.0
    for coefficient, share in terms:
        interval = wilson_interval(min(share, 1.0) * n, n, confidence)
        ends = sorted((coefficient * interval.low, coefficient * interval.high))
        at = coefficient * share
        value += at
        down += (at - ends[0]) ** 2
        up += (ends[1] - at) ** 2
    return value, value - sqrt(down), value + sqrt(up)


def up_to(cells: Sequence[float]) -> list[float]:
    """For each grid threshold the sum over the cells below it."""
    return list(accumulate(cells))[:-1]
