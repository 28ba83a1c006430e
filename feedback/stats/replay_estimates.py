"""What automated decisions would have got wrong, from labels that came to be with known probabilities. Plain Python.

A label counts with the weight (chance that the policy automates the case) / (chance that the case came to have the
label): importance sampling (Horvitz & Thompson 1952), divided by the sum of the weights (Hájek 1971; SNIPS, Swaminathan
& Joachims 2015). Nothing here knows a draw, so a case that live exploration sent to a person still counts for a policy
that would have automated it.
"""

from math import inf

import msgspec

from feedback.stats.bounds import wilson_interval
from feedback.stats.difference import Measured, newcombe

MAX_WEIGHT = 100.0
"""A label rarer than 1 in 100 counts as if it were that rare; how many were clipped is told."""
MIN_EFFECTIVE = 30.0
"""Below this effective sample size no estimate is given."""


class Sums(msgspec.Struct, array_like=True):
    """All that an estimate needs of its cases; `add` them one by one, `merge` the sums of parts.

    expected: automated cases, counted by their chance. covered: those of them with a label. n: cases with a label.
    w, w2, wl, w2l, w2l2: sums of weight and loss (0-1 for errors, any cost for costs). clipped: weights cut.
    """

    expected: float = 0.0
    covered: float = 0.0
    n: int = 0
    w: float = 0.0
    w2: float = 0.0
    wl: float = 0.0
    w2l: float = 0.0
    w2l2: float = 0.0
    clipped: int = 0

    def add(self, automated: float, loss: float | None, label_probability: float) -> None:
        """One case. automated: P(its label takes effect), 0-1; at 0 it says nothing. loss null: no label is known.

        label_probability: that the case came to have its label, above 0 (ValueError).
        """
        if automated <= 0.0:
            return
        self.expected += automated
        if loss is None:
            return
        if label_probability <= 0.0:
            raise ValueError(f"a label's probability must be above 0, not {label_probability!r}")
        inverse = 1.0 / label_probability
        if inverse > MAX_WEIGHT:
            inverse = MAX_WEIGHT
            self.clipped += 1
        weight = automated * inverse
        self.covered += automated
        self.n += 1
        self.w += weight
        self.w2 += weight * weight
        self.wl += weight * loss
        self.w2l += weight * weight * loss
        self.w2l2 += weight * weight * loss * loss

    def merge(self, other: "Sums") -> None:
        """Add the sums of another part of the same cases."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def effective_n(self) -> float:
        """Kish 1965: (Σw)² / Σw², the number of equally weighted labels that would say as much; 0 without any."""
        return self.w * self.w / self.w2 if self.w2 > 0.0 else 0.0


class Estimate(msgspec.Struct, frozen=True):
    """A mean with its 95 % interval. value, low, high null: refused, and `reason` says why.

    n: labels used. effective_n: what their unequal weights leave of them. unlabelled: share of the automated cases
    without a label, null where none is automated. clipped: weights cut.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    effective_n: float
    unlabelled: float | None
    clipped: int
    reason: str | None


def error_rate(sums: Sums) -> Estimate:
    """Share of automated decisions that are wrong; losses were 0 or 1.

    Interval: Wilson 1927 at the effective sample size, which is the smaller of Kish's and of the one that the
    linearised variance implies (Korn & Graubard 1998), so that neither rare weights nor rare errors narrow it.
    """
    if refused := _refusal(sums):
        return refused
    rate = min(1.0, sums.wl / sums.w)
    n = min(sums.effective_n, _implied_n(rate, _variance(sums, rate)))
    interval = wilson_interval(rate * n, n)
    return _estimate(sums, rate, interval.low, interval.high)


def mean_cost(sums: Sums, largest: float) -> Estimate:
    """Cost of errors per automated decision; losses were costs from 0 to `largest`.

    Interval: Wilson's for the cost as a share of the largest, at the sample size that the linearised variance implies;
    without any cost seen, at Kish's.
    """
    if refused := _refusal(sums):
        return refused
    mean = sums.wl / sums.w
    if largest <= 0.0:
        return _estimate(sums, 0.0, 0.0, 0.0)
    share = min(1.0, mean / largest)
    n = _implied_n(share, _variance(sums, mean) / (largest * largest))
    interval = wilson_interval(share * n, n) if n < inf else wilson_interval(share * sums.effective_n, sums.effective_n)
    return _estimate(sums, mean, interval.low * largest, interval.high * largest)


class Share(msgspec.Struct, frozen=True):
    """A share of n cases with its 95 % Wilson interval; null where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def share(k: int, n: int) -> Share:
    """k of n. The interval is for cases like these; of these themselves the share is exact."""
    if n == 0:
        return Share(None, None, None, 0)
    interval = wilson_interval(k, n)
    return Share(k / n, interval.low, interval.high, n)


def difference(before: Estimate, after: Estimate) -> Measured | None:
    """After less before with a 95 % interval; null if one of them is refused.

    `newcombe` ignores that both rest largely on the same labels: too wide rather than too narrow.
    """
    if before.value is None or after.value is None:
        return None
    assert before.low is not None and before.high is not None and after.low is not None and after.high is not None
    return newcombe((after.value, after.low, after.high), (before.value, before.low, before.high))


def _variance(sums: Sums, mean: float) -> float:
    """Of the ratio Σwl / Σw by linearisation: Σw²(l - mean)² / (Σw)²."""
    spread = sums.w2l2 - 2.0 * mean * sums.w2l + mean * mean * sums.w2
    return max(0.0, spread) / (sums.w * sums.w)


def _implied_n(rate: float, variance: float) -> float:
    return rate * (1.0 - rate) / variance if variance > 0.0 and 0.0 < rate < 1.0 else inf


def _refusal(sums: Sums) -> Estimate | None:
    if sums.expected <= 0.0:
        return _estimate(sums, None, None, None, "No case would be automated.")
    if sums.n == 0:
        return _estimate(sums, None, None, None, "History cannot tell: none of these cases has a label.")
    if sums.effective_n < MIN_EFFECTIVE:
        reason = (
            f"History cannot tell: {sums.n} labels count as {sums.effective_n:.1f} equally weighted ones, "
            f"and below {MIN_EFFECTIVE:g} no estimate is given."
        )
        return _estimate(sums, None, None, None, reason)
    return None


def _estimate(
    sums: Sums, value: float | None, low: float | None, high: float | None, reason: str | None = None
) -> Estimate:
    unlabelled = None if sums.expected <= 0.0 else max(0.0, 1.0 - sums.covered / sums.expected)
    return Estimate(value, low, high, sums.n, sums.effective_n, unlabelled, sums.clipped, reason)
