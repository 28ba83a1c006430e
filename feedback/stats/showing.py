"""The effect of showing the machine's answer: the difference of two randomised arms, with an interval.

Plain Python, because the page that shows it runs in the web process.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from feedback.stats.bounds import student_quantile
from feedback.stats.difference import difference, proportion
from feedback.stats.reliance import ENOUGH, Seen

CLUSTERS = 5
"""From so many reviewers on the interval is by reviewer; below, cases are taken as independent and that is said."""
BY_REVIEWER = "jackknife_by_reviewer"
BY_CASE = "newcombe_by_case"


@dataclass(frozen=True, slots=True)
class Effect:
    """Share right in arm `first` less that in arm `second`, -1 to 1, with a 95 % interval; `value` null with `reason`.

    `n`: cases in both arms; `reviewers`: people behind them; `method`: how the interval was made.
    """

    first: str
    second: str
    n_first: int
    n_second: int
    reviewers: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    reason: str | None = None

    @property
    def n(self) -> int:
        return self.n_first + self.n_second

    @property
    def shows(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def effect_of_showing(cases: Sequence[Seen], first: str, second: str, enough: int = ENOUGH) -> Effect:
    """The difference of the weighted shares that were right in the end, arm `first` less arm `second`.

    Each case weighs one over the probability of its arm (Horvitz & Thompson 1952; Hájek's ratio, 1971), so cases of
    times with other shares count together. Strata in which only one of the two arms occurred are left out: what differs
    between queues is no effect of showing (positivity). Interval: from `CLUSTERS` reviewers on the delete-one-cluster
    jackknife (CR3) with Student's t at clusters - 1 degrees (MacKinnon, Nielsen & Webb 2023, Journal of Applied
    Econometrics 38:671, section 3); below, Newcombe's at Kish's effective sizes. "Not enough data" instead of a value
    where an arm has fewer than `enough` cases, or weighs as little as fewer (effective sample size).
    """
    rows = _comparable(cases, first, second)
    ones, others = [c for c in rows if c.arm == first], [c for c in rows if c.arm == second]
    people = len({c.reviewer for c in rows})
    size = (first, second, len(ones), len(others), people)
    sides = [proportion([(c.final == c.truth, 1.0 / c.propensity) for c in side]) for side in (ones, others)]
    if min(len(ones), len(others)) < enough:
        return Effect(*size, reason=f"not enough data: n = {len(ones)} and {len(others)}, {enough} are needed in each")
    if min(side.n for side in sides) < enough:
        least = min(side.n for side in sides)
        return Effect(*size, reason=f"not enough data: the weights leave an effective n of {least:.0f} of {enough}")
    found = _jackknifed(rows, first, second) if people >= CLUSTERS else None
    if found is None:
        plain = difference(*sides)
        return Effect(*size, plain.value, plain.low, plain.high, BY_CASE)
    return Effect(*size, *found, BY_REVIEWER)


def _comparable(cases: Sequence[Seen], first: str, second: str) -> list[Seen]:
    arms: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        arms[case.stratum].add(case.arm)
    return [c for c in cases if c.arm in (first, second) and {first, second} <= arms[c.stratum]]


def _jackknifed(rows: Sequence[Seen], first: str, second: str) -> tuple[float, float, float] | None:
    """Estimate and interval; null where leaving out one reviewer leaves an arm empty."""
    # Per reviewer: weight and weight of the right ones, in each arm.
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for case in rows:
        at = 0 if case.arm == first else 2
        weight = 1.0 / case.propensity
        mine = sums[case.reviewer]
        mine[at] += weight
        mine[at + 1] += weight if case.final == case.truth else 0.0
    total = [sum(column) for column in zip(*sums.values(), strict=True)]
    left = [[whole - part for whole, part in zip(total, mine, strict=True)] for mine in sums.values()]
    if any(rest[0] < 1e-9 or rest[2] < 1e-9 for rest in left):
        return None
    value = _less(total)
    clusters = len(sums)
    spread = (clusters - 1) / clusters * sum((_less(rest) - value) ** 2 for rest in left)
    reach = student_quantile(0.975, clusters - 1) * sqrt(spread)
    return value, max(-1.0, value - reach), min(1.0, value + reach)


def _less(sums: Sequence[float]) -> float:
    return sums[1] / sums[0] - sums[3] / sums[2]
