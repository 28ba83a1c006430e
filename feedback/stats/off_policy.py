"""Off-policy evaluation: what decisions that were never made would have got wrong, by three estimators. Plain Python.

For case i let a be the chance that the candidate policy lets the machine decide it, l its loss (0 or 1, or a cost), p
the logged probability that its right answer came to be known, o whether it is, and m what a model expects the loss to
be. With w = a·o / p, per decision of the machine:

    IPS    Σ w·l / Σ a                          Horvitz & Thompson 1952; unbiased where every p is right
    SNIPS  Σ w·l / Σ w                          Hájek 1971; Swaminathan & Joachims 2015
    DR     Σ a·m / Σ a + Σ w·(l - m) / Σ w       Dudík, Langford & Li 2011; weights as Thomas & Brunskill 2016

The three go wrong differently: IPS where labels come more rarely than logged, SNIPS where known cases are unlike the
others in their group, DR only where the model and the weights both mislead. So where they differ, none is to be relied
on.
"""

from collections.abc import Iterator
from math import inf, log, sqrt
from statistics import NormalDist

import msgspec

from feedback.stats.bounds import wilson_interval
from feedback.stats.replay_estimates import MAX_WEIGHT, MIN_EFFECTIVE, Estimate

MOST_UNSUPPORTED = 0.05
"""No estimate is given where more of the candidate's decisions than this could hardly have been looked at."""
MOST_MISSING = 0.1
"""IPS is refused where the weights add up to so much less, or more, than the decisions they stand for."""
_Z = NormalDist().inv_cdf(0.975)


class OffPolicySums(msgspec.Struct, array_like=True):
    """All that the estimators need of the cases; `add` them one by one, `merge` the sums of parts.

    n: cases that the candidate lets the machine decide with some chance. acts: Σa. unsupported: of it, what could
    hardly have been known. heaviest: the greatest a/p that could have come to be. The rest: sums over known cases.
    """

    n: int = 0
    acts: float = 0.0
    modelled: float = 0.0
    unsupported: float = 0.0
    heaviest: float = 0.0
    known: int = 0
    clipped: int = 0
    w: float = 0.0
    w2: float = 0.0
    wl: float = 0.0
    w2l2: float = 0.0
    wd: float = 0.0
    w2d: float = 0.0
    w2d2: float = 0.0

    def add(self, acts: float, loss: float | None, expected: float, known_by: float, logged: float) -> None:
        """One case. acts: the chance that the machine decides it, 0-1; at 0 it says nothing. loss null: not known.

        expected: the model's loss. known_by: the probability with which a known loss came to be known, above 0
        (ValueError); logged: the one stored with the route, that a person looked at it.
        """
        if acts <= 0.0:
            return
        if known_by <= 0.0:
            raise ValueError(f"a label's probability must be above 0, not {known_by!r}")
        self.n += 1
        self.acts += acts
        self.modelled += acts * expected
        chance = logged if loss is None else max(logged, known_by)
        if chance * MAX_WEIGHT < 1.0:
            self.unsupported += acts
        self.heaviest = max(self.heaviest, acts * min(MAX_WEIGHT, 1.0 / logged if logged > 0.0 else inf))
        if loss is not None:
            self._add_known(acts, loss, loss - expected, 1.0 / known_by)

    def _add_known(self, acts: float, loss: float, off: float, inverse: float) -> None:
        self.known += 1
        self.clipped += inverse > MAX_WEIGHT
        weight = acts * min(inverse, MAX_WEIGHT)
        self.w += weight
        self.w2 += weight * weight
        self.wl += weight * loss
        self.w2l2 += (weight * loss) ** 2
        self.wd += weight * off
        self.w2d += weight * weight * off
        self.w2d2 += (weight * off) ** 2

    def merge(self, other: "OffPolicySums") -> None:
        """Add the sums of another part of the same cases."""
        heaviest = max(self.heaviest, other.heaviest)
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.heaviest = heaviest

    @property
    def effective_n(self) -> float:
        """Kish 1965: (Σw)² / Σw²; 0 without a known case."""
        return self.w * self.w / self.w2 if self.w2 > 0.0 else 0.0


class OffPolicyEstimate(msgspec.Struct, frozen=True):
    """One estimator's answer. value null: refused, and `reason` says why.

    low, high: 95 %, Wilson's at the sample size that the linearised variance implies, for errors at most the effective
    one. sure_low, sure_high: 95 % without any approximation, by the empirical Bernstein bound (Maurer & Pontil 2009,
    theorem 4); IPS alone has them.
    """

    estimator: str
    value: float | None
    low: float | None
    high: float | None
    sure_low: float | None
    sure_high: float | None
    reason: str | None


class OffPolicy(msgspec.Struct, frozen=True):
    """What the machine would get wrong per decision under the candidate.

    known: cases with a label; effective_n: what their unequal weights leave of them. clipped: weights cut at 100.
    unsupported: share of its decisions that could hardly have been looked at. reach: Σw / Σa, 1 where labels come as
    their logged probabilities promise; null where it decides nothing.
    """

    n: int
    known: int
    effective_n: float
    clipped: int
    unsupported: float | None
    reach: float | None
    estimates: list[OffPolicyEstimate]


def evaluate(sums: OffPolicySums, snips: Estimate, largest: float = 1.0) -> OffPolicy:
    """The three estimates of losses from 0 to `largest`; refused ones say why. `snips`: of the same cases."""
    acts = sums.acts
    return OffPolicy(
        n=sums.n,
        known=sums.known,
        effective_n=sums.effective_n,
        clipped=sums.clipped,
        unsupported=sums.unsupported / acts if acts > 0.0 else None,
        reach=sums.w / acts if acts > 0.0 else None,
        estimates=list(_estimates(sums, snips, largest)),
    )


def _estimates(sums: OffPolicySums, snips: Estimate, largest: float) -> Iterator[OffPolicyEstimate]:
    if reason := _refusal(sums):
        for name in ("ips", "snips", "dr"):
            yield _refused(name, reason)
        return
    yield _ips(sums, largest)
    yield OffPolicyEstimate("snips", snips.value, snips.low, snips.high, None, None, snips.reason)
    bias = sums.wd / sums.w
    spread = sums.w2d2 - 2.0 * bias * sums.w2d + bias * bias * sums.w2
    value = sums.modelled / sums.acts + bias
    yield _estimate("dr", value, spread / (sums.w * sums.w), sums.effective_n, largest)


def _ips(sums: OffPolicySums, largest: float) -> OffPolicyEstimate:
    reach = sums.w / sums.acts
    if abs(reach - 1.0) > MOST_MISSING + _Z * sqrt(sums.w2) / sums.acts:
        return _refused(
            "ips",
            f"Labels come for {reach:.0%} of what their logged probabilities promise: only estimators that divide by "
            "the weights can be used.",
        )
    value = sums.wl / sums.acts
    variance = max(0.0, sums.w2l2 - sums.wl * sums.wl / sums.n) / (sums.acts * sums.acts)
    found = _estimate("ips", value, variance, sums.effective_n, largest)
    half = _bernstein(sums, largest)
    sure = max(0.0, value - half), min(largest, value + half)
    return OffPolicyEstimate("ips", found.value, found.low, found.high, *sure, None)


def _bernstein(sums: OffPolicySums, largest: float, delta: float = 0.05) -> float:
    """Half the width for IPS: each case's w·l lies between 0 and the heaviest weight times `largest`."""
    if sums.n < 2:
        return inf
    term = log(4.0 / delta)
    variance = max(0.0, sums.w2l2 - sums.wl * sums.wl / sums.n) / (sums.n - 1)
    half = sqrt(2.0 * variance * term / sums.n) + 7.0 * sums.heaviest * largest * term / (3.0 * (sums.n - 1))
    return half * sums.n / sums.acts


def _estimate(name: str, value: float, variance: float, effective_n: float, largest: float) -> OffPolicyEstimate:
    if largest <= 0.0:
        return OffPolicyEstimate(name, 0.0, 0.0, 0.0, None, None, None)
    share = min(1.0, max(0.0, value / largest))
    implied = share * (1.0 - share) * largest * largest / variance if variance > 0.0 and 0.0 < share < 1.0 else inf
    n = min(implied, effective_n) if largest == 1.0 or implied == inf else implied
    interval = wilson_interval(share * n, n)
    return OffPolicyEstimate(name, share * largest, interval.low * largest, interval.high * largest, None, None, None)


def _refused(name: str, reason: str) -> OffPolicyEstimate:
    return OffPolicyEstimate(name, None, None, None, None, None, reason)


def _refusal(sums: OffPolicySums) -> str | None:
    if sums.acts <= 0.0:
        return "No case would be automated."
    if sums.known == 0:
        return "History cannot tell: none of these cases has a label."
    unsupported = sums.unsupported / sums.acts
    if unsupported > MOST_UNSUPPORTED:
        return (
            f"No support: {unsupported:.0%} of what the machine would decide had less than 1 chance in "
            f"{MAX_WEIGHT:g} to be looked at."
        )
    if sums.effective_n < MIN_EFFECTIVE:
        return (
            f"History cannot tell: {sums.known} labels count as {sums.effective_n:.1f} equally weighted ones, "
            f"and below {MIN_EFFECTIVE:g} no estimate is given."
        )
    return None
