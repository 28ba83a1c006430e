"""Is the error of automated decisions within its budget? Watched audit by audit, with one risk for the whole life.

A test by betting (Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting", JRSS-B 86,
section 4) on audits weighted by their inverse probability (Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2024,
"Anytime-valid off-policy inference", section 3). For a case that is drawn with probability p the wager

    1 + bet · (wrong − budget) / p   where it was drawn, else 1

has expectation 1 + bet · (error − budget) <= 1 while the error is within the budget, whatever p was and whatever
happened before. Products of wagers, and weighted means of products, are then supermartingales that start at 1, and by
Ville's inequality they ever reach 1/delta with probability at most delta. Plain Python: the web process may import it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, exp, log, log1p

BUDGET_MULTIPLES = (1.5, 2.0, 3.0, 5.0, 9.0)
"""The errors, in budgets, that the bets are made for; fixed beforehand and mixed evenly (the method of mixtures)."""
BOLDEST = 0.9
"""The share of what it has that one wager may risk."""
RESTART_EVERY = 100
"""Drawn cases after which a new bet starts beside the older ones, so that a long good past does not hide a change."""
WATCHED_MULTIPLE = 3.0
"""An error of so many budgets is what the monitor must be able to see before it says that the budget holds."""
Tally = Counter[tuple[float, bool]]
"""Judged draws by probability and whether the machine was wrong: all that a confidence sequence needs of them."""
_TIMID = (0.05, 0.1, 0.2, 0.4, 0.8)
_CEILING = 1e100
_HALVINGS = 40
_POINTS = 40


@dataclass(frozen=True, slots=True)
class Draw:
    """An automated case that chance chose for people. probability: of being chosen, (0, 1]. wrong null: not judged."""

    probability: float
    wrong: bool | None


@dataclass(frozen=True, slots=True)
class Point:
    """What was known after so many drawn cases. estimate, low, high: the error and its confidence sequence."""

    draws: int
    judged: int
    estimate: float | None
    low: float
    high: float
    e_value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The evidence against the budget.

    e_value: now; peak: its highest, which decides. effective: Kish's effective number of audits, (Σw)²/Σw². needed: of
    these, before an error of three budgets would be seen. points: over time, the last is now; empty without draws.
    """

    judged: int
    wrong: int
    waiting: int
    effective: float
    needed: int
    e_value: float
    peak: float
    refuted: bool
    points: tuple[Point, ...]

    @property
    def enough(self) -> bool:
        return self.effective >= self.needed


def read_monitor(draws: Sequence[Draw], *, budget: float, delta: float, floor: float) -> Reading:
    """The reading after `draws`, in the order the cases arrived; the same rows give the same reading.

    budget, delta: in (0, 1). floor: a probability fixed beforehand that no draw's lies below, (0, 1]; a lower one
    raises ValueError. A case that is not judged yet counts as right, which can only lower the evidence, so that audits
    may come in any order and be late. Without draws the e-value is 1 and nothing is refuted.
    """
    for name, value in (("budget", budget), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must lie between 0 and 1, not {value!r}")
    if not 0.0 < floor <= 1.0 or any(not floor <= draw.probability <= 1.0 for draw in draws):
        raise ValueError("probabilities must lie between the floor and 1, and the floor above 0")
    path = e_values(draws, budget=budget, floor=floor)
    judged = [draw for draw in draws if draw.wrong is not None]
    peak = max(path, default=1.0)
    return Reading(
        judged=len(judged),
        wrong=sum(1 for draw in judged if draw.wrong),
        waiting=len(draws) - len(judged),
        effective=_effective(judged),
        needed=audits_needed(budget, delta),
        e_value=path[-1] if path else 1.0,
        peak=peak,
        refuted=peak >= 1.0 / delta,
        points=_points(draws, path, delta, floor),
    )


def e_values(draws: Sequence[Draw], *, budget: float, floor: float) -> list[float]:
    """The e-process after each draw: even over bets, and over starts every `RESTART_EVERY` draws.

    The j-th start, j = 1, 2, …, has the weight 1/(j(j+1)); these sum to 1, and a start that has not come yet counts 1.
    So the whole is a mean of processes that start at 1, and finds a change late in a long life as well (a finite form
    of the mixtures over starts in Shin, Ramdas & Rinaldo 2024, "E-detectors").
    """
    bets = [share * floor / budget for share in _shares(budget)]
    wealth, unstarted, path = [0.0] * len(bets), 1.0, []
    for number, draw in enumerate(draws):
        if number % RESTART_EVERY == 0:
            later = 1.0 / (number // RESTART_EVERY + 2)
            wealth = [w + unstarted - later for w in wealth]
            unstarted = later
        gain = (bool(draw.wrong) - budget) / draw.probability
        wealth = [min(w * (1.0 + bet * gain), _CEILING) for w, bet in zip(wealth, bets, strict=True)]
        path.append(sum(wealth) / len(wealth) + unstarted)
    return path


def confidence_sequence(tally: Tally, *, delta: float, floor: float) -> tuple[float, float]:
    """Where the mean error of all cases so far lies, at every moment at once, with probability at least 1 - delta.

    The errors that two one-sided tests by betting, at delta/2 each, do not refute (Waudby-Smith & Ramdas 2024, theorem
    1). Only judged draws count: it takes for granted that which audits are still open does not depend on what they
    will find. (0, 1) without any.
    """
    if not tally:
        return 0.0, 1.0
    limit = log(2.0 / delta)
    low = _boundary(lambda m: _above(tally, m, floor) >= limit, 0.0, 1.0)
    high = _boundary(lambda m: _below(tally, m, floor) >= limit, 1.0, 0.0)
    return min(low, high), max(low, high)


def estimated_error(tally: Tally) -> float | None:
    """Hájek's estimate: weighted by inverse probability, normalised by the weights' sum; null without audits."""
    total = sum(n / p for (p, _), n in tally.items())
    return sum(n / p for (p, wrong), n in tally.items() if wrong) / total if tally else None


def audits_needed(budget: float, delta: float) -> int:
    """How many equally likely audits an error of `WATCHED_MULTIPLE` budgets takes, on average, to refute the budget.

    The stake log(1/delta) plus the price of the mixture over the growth per audit, the Kullback-Leibler divergence of
    the two error rates (Kelly 1956; Waudby-Smith & Ramdas 2024, section 4.3).
    """
    error = min(WATCHED_MULTIPLE * budget, (1.0 + budget) / 2.0)
    growth = error * log(error / budget) + (1.0 - error) * log((1.0 - error) / (1.0 - budget))
    return ceil((log(1.0 / delta) + log(2 * len(BUDGET_MULTIPLES))) / growth)


def _shares(budget: float) -> list[float]:
    """Of what may be risked, per bet: Kelly's share against each multiple of the budget."""
    return [min((multiple - 1.0) * budget / (1.0 - budget), BOLDEST) for multiple in BUDGET_MULTIPLES]


def _above(tally: Tally, m: float, floor: float) -> float:
    """Log wealth against "the mean is at most m": falls as m rises, so it is solved by halving."""
    return _mixed([share * floor / m for share in _shares(m)], tally, m) if m else float("inf")


def _below(tally: Tally, m: float, floor: float) -> float:
    """Log wealth against "the mean is at least m": rises with m."""
    return _mixed([-share * floor for share in _TIMID], tally, m)


def _mixed(bets: Sequence[float], tally: Tally, m: float) -> float:
    logs = [sum(n * log1p(bet * (wrong - m) / p) for (p, wrong), n in tally.items()) for bet in bets]
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs) / len(logs))


def _boundary(refuted: Callable[[float], bool], outer: float, inner: float) -> float:
    """Where the refuted means that begin at `outer` end, on their side; `outer` where none is."""
    near = inner
    for _ in range(_HALVINGS):
        middle = (outer + near) / 2.0
        if refuted(middle):
            outer = middle
        else:
            near = middle
    return outer


def _effective(judged: Sequence[Draw]) -> float:
    weights = [1.0 / draw.probability for draw in judged]
    return sum(weights) ** 2 / sum(w * w for w in weights) if weights else 0.0


def _points(draws: Sequence[Draw], path: Sequence[float], delta: float, floor: float) -> tuple[Point, ...]:
    """At most `_POINTS`, evenly over the draws, the last of all among them."""
    ends = sorted({ceil(len(draws) * step / _POINTS) for step in range(1, _POINTS + 1)}) if draws else []
    tally: Tally = Counter()
    points, start = [], 0
    for end in ends:
        tally.update((draw.probability, draw.wrong) for draw in draws[start:end] if draw.wrong is not None)
        low, high = confidence_sequence(tally, delta=delta, floor=floor)
        points.append(Point(end, tally.total(), estimated_error(tally), low, high, path[end - 1]))
        start = end
    return tuple(points)
