"""How much of what the machine decides should be audited: more while it is unproven, less once it is, more if it slips.

A rule of control, not a certificate: it is read again and again on growing data, so its bounds steer the effort, while
what may be automated rests on threshold studies.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, inf, log, log1p

from feedback.stats.bounds import clopper_pearson_lower, clopper_pearson_upper

DELTA = 0.05
"""One-sided level of both bounds."""
FALL = 0.05
"""The most a rate falls at once."""
FALL_EVERY = timedelta(days=1)
DEAD_BAND = 0.01
"""Smaller changes are not worth a new rate."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What the policy declares, shares in (0, 1]: lowest <= start <= highest. start: the rate of an unproven model."""

    lowest: float
    start: float
    highest: float


@dataclass(frozen=True, slots=True)
class Audited:
    """The newest audited labels of one model version, and how many of them the machine had wrong."""

    labels: int
    wrong: int


@dataclass(frozen=True, slots=True)
class RateNow:
    """The rate in force and since when; `since` null: it is the policy's own, nothing holds it back."""

    rate: float
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRate:
    """The rate to use from now on; equal to the present one where nothing changes."""

    rate: float
    reason: str


def next_audit_rate(
    audited: Audited, *, error_budget: float, limits: RateLimits, present: RateNow, now: datetime
) -> AuditRate:
    """The rate after one look: rises take effect at once, falls at most `FALL` per `FALL_EVERY`.

    Wanted is `start` while even no error could show the budget; `highest` once the error is shown to exceed it (exact
    lower bound above the budget); `lowest` once it is shown to be within (exact upper bound); between, a share of the
    way up that grows with the upper bound and reaches `highest` at twice the budget. Bounds: Clopper & Pearson 1934.
    error_budget in [0, 1]; 0 can never be shown. ValueError for more wrong than labels or limits out of order.
    """
    if not 0.0 < limits.lowest <= limits.start <= limits.highest <= 1.0:
        raise ValueError(f"need 0 < lowest <= start <= highest <= 1, not {limits!r}")
    wanted, reason = _wanted(audited, error_budget, limits)
    inside = min(max(present.rate, limits.lowest), limits.highest)
    if wanted > inside + DEAD_BAND or wanted == limits.highest > inside:
        return AuditRate(wanted, reason)
    if wanted < inside - DEAD_BAND or wanted == limits.lowest < inside:
        if present.since is not None and now - present.since < FALL_EVERY:
            return AuditRate(inside, f"{reason} The last change is less than {FALL_EVERY.days} day old.")
        return AuditRate(max(wanted, round(inside - FALL, 4)), reason)
    return AuditRate(inside, reason)


def labels_to_show(error_budget: float) -> float:
    """The fewest labels, all of them right, whose upper bound is within the budget; infinite for a budget of 0."""
    if error_budget >= 1.0:
        return 0
    return inf if error_budget <= 0.0 else ceil(log(DELTA) / log1p(-error_budget))


def _wanted(audited: Audited, budget: float, limits: RateLimits) -> tuple[float, str]:
    n, wrong = audited.labels, audited.wrong
    low, high = clopper_pearson_lower(wrong, n, DELTA), clopper_pearson_upper(wrong, n, DELTA)
    seen = f"{wrong} of the newest {n} audited were wrong ({low:.1%} to {high:.1%}); the budget is {budget:.1%}"
    if low > budget:
        return limits.highest, f"Degraded: {seen}."
    needed = labels_to_show(budget)
    if n < needed:
        more = f"fewer than {needed:.0f} labels cannot show it" if needed < inf else "no number of labels can show it"
        return limits.start, f"Immature: {seen}; {more}."
    if high <= budget:
        return limits.lowest, f"Stable: {seen}."
    part = min(1.0, (high - budget) / budget)
    return round(limits.lowest + part * (limits.highest - limits.lowest), 4), f"Not shown to be within budget: {seen}."
