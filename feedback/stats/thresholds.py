"""Threshold studies: how much could be automated, at what error, and which threshold is guaranteed (mission F6).

A threshold picked because its error *in the sample* meets the budget breaks that budget on fresh data about half the
time. The guaranteed threshold is certified by Learn-then-Test (Angelopoulos, Bates, Candès, Jordan & Lei 2021, "Learn
then Test", fixed-sequence testing from several starts) with exact binomial p-values (Clopper & Pearson 1934; Bates,
Angelopoulos, Lei, Malik & Jordan 2021, "Distribution-free, risk-controlling prediction sets", for binary losses), so
that with probability at least 1 - delta the true error at every certified threshold is within budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Literal

from feedback.stats.bounds import binomial_tail, clopper_pearson_upper
from feedback.stats.threshold_counts import GRID, Counts, Record, count

STARTS = tuple(range(0, len(GRID), 11))
"""Grid indices of the ten equally spaced starts, both ends included: 0.500, 0.555, … 0.995."""

__all__ = ["GRID", "STARTS", "CurvePoint", "Record", "ThresholdStudy", "split_by_hash", "study", "uniform_draw"]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold would have done to the records.

    automated: records at or above it. review_share: estimated share of all cases below it (1.0 without records).
    error: estimated wrong/automated, inverse-probability weighted (Horvitz & Thompson 1952) where selection was
    unequal, null when nothing is automated. error_upper: pointwise one-sided Clopper-Pearson bound at 1 - delta, 1.0
    when nothing is automated. tested, tested_wrong: the uniform subsample the bound rests on; all of `automated` where
    selection was equal.
    """

    threshold: float
    automated: int
    review_share: float
    error: float | None
    error_upper: float
    tested: int
    tested_wrong: int


@dataclass(frozen=True, slots=True)
class ThresholdStudy:
    """The whole study. `attainable` is exactly `guaranteed_threshold is not None`.

    naive_threshold: the lowest whose sample error meets the budget; for comparison only, it carries no guarantee.
    certified: every grid threshold the test certifies, ascending, all valid at once; its first is
    `guaranteed_threshold`. reason, best_threshold, labels_needed: null when attainable. labels_needed estimates how
    many more labels, all of them right, at or above best_threshold would certify it; best_threshold is the start that
    is cheapest to certify.
    """

    curve: tuple[CurvePoint, ...]
    n: int
    max_error: float
    delta: float
    naive_threshold: float | None
    guaranteed_threshold: float | None
    certified: tuple[float, ...]
    reason: str | None
    best_threshold: float | None
    labels_needed: int | None

    @property
    def attainable(self) -> bool:
        """Whether any threshold holds the budget with the stated guarantee; never automate when it does not."""
        return self.guaranteed_threshold is not None


def study(records: Sequence[Record], max_error: float = 0.02, delta: float = 0.05) -> ThresholdStudy:
    """Study every grid threshold t under the rule "automate iff confidence >= t".

    records: independent labelled cases from the population the threshold will serve, none of them used to fit the
    confidence (see `split_by_hash`). `0 < max_error < 1`, `0 < delta < 1`; ValueError for these or a bad record.
    Without records, or with too few, the study is not attainable and says why. Linear in the records; 200,000 take
    under a second.
    """
    check_budget(max_error, delta)
    counts = count(records)
    curve = tuple(_point(threshold, at, delta) for threshold, at in zip(GRID, counts, strict=True))
    naive = next((p.threshold for p in curve if p.error is not None and p.error <= max_error), None)
    certified = certify(counts, max_error, delta)
    reason, best, needed = None, None, None
    if not certified:
        best, needed = _shortfall(counts, max_error, delta / len(STARTS))
        reason = _reason(len(records), naive, best, needed, max_error)
    return ThresholdStudy(
        curve=curve,
        n=len(records),
        max_error=max_error,
        delta=delta,
        naive_threshold=naive,
        guaranteed_threshold=certified[0] if certified else None,
        certified=certified,
        reason=reason,
        best_threshold=best,
        labels_needed=needed,
    )


def check_budget(max_error: float, delta: float) -> None:
    """ValueError where either is no share strictly between 0 and 1."""
    for name, value in (("max_error", max_error), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must lie strictly between 0 and 1, not {value!r}")


def uniform_draw(key: str, salt: str) -> float:
    """A number in [0, 1) fixed by key and salt, for `Record.draw`. Use a salt no other sampling decision uses."""
    return (_hash(key, salt) >> 11) / (1 << 53)


def split_by_hash(key: str, salt: str) -> Literal["fit", "certify"]:
    """The half a case belongs to, the same on every call: calibrate on "fit", study on "certify" (statistics.md 7).

    Halves are disjoint by construction and equal in expectation; another salt gives another split.
    """
    return "fit" if _hash(key, salt) & 1 else "certify"


def _hash(key: str, salt: str) -> int:
    # The length prefix keeps ("ab", "c") and ("a", "bc") apart.
    message = f"{len(salt)}:{salt}{key}".encode()
    return int.from_bytes(blake2b(message, digest_size=8).digest())


def _point(threshold: float, at: Counts, delta: float) -> CurvePoint:
    return CurvePoint(
        threshold=threshold,
        automated=at.automated,
        review_share=at.review_share,
        error=at.error,
        error_upper=clopper_pearson_upper(at.tested_wrong, at.tested, delta),
        tested=at.tested,
        tested_wrong=at.tested_wrong,
    )


def certify(counts: Sequence[Counts], max_error: float, delta: float) -> tuple[float, ...]:
    """Thresholds certified by fixed-sequence testing from each start, ascending; `counts` as `count` gives them.

    Every sequence walks *down* and stops at its first failure. Errors grow as the threshold falls, so downward is from
    the hypothesis most likely to be rejected to the least, which is the order that gives a fixed sequence its power;
    and only lower thresholds are worth more. A single sequence from the top would stop at once, since few records lie
    up there: hence ten starts, and each spends delta/10, so a union bound over them keeps the family-wise error at
    delta.
    """
    level = delta / len(STARTS)

    @cache
    def rejected(index: int) -> bool:
        return binomial_tail(counts[index].tested_wrong, counts[index].tested, max_error) <= level

    indices = set().union(*(_walk_down(start, rejected) for start in STARTS))
    return tuple(GRID[index] for index in sorted(indices))


def _walk_down(start: int, rejected: Callable[[int], bool]) -> list[int]:
    walked = []
    for index in range(start, -1, -1):
        if not rejected(index):
            break
        walked.append(index)
    return walked


def _shortfall(counts: Sequence[Counts], max_error: float, level: float) -> tuple[float | None, int | None]:
    """The start that the fewest further cases would certify, and the error-free labels it still needs.

    Collecting m labels above a threshold that a share s of cases reaches takes about m / s cases, so m / s decides.
    """
    options = []
    for index in STARTS:
        at = counts[index]
        if at.tested:
            needed = labels_to_certify(at.tested_wrong, max_error, level) - at.tested
            options.append((needed / at.tested, GRID[index], needed))
    if not options:
        return None, None
    _, threshold, needed = min(options)
    return threshold, needed


def labels_to_certify(wrong: int, max_error: float, level: float) -> int:
    """The sample floor: the smallest n with P(Bin(n, max_error) <= wrong) <= level; the tail falls as n grows."""
    low, high = wrong, wrong + 1
    while binomial_tail(wrong, high, max_error) > level:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if binomial_tail(wrong, middle, max_error) > level:
            low = middle
        else:
            high = middle
    return high


def _reason(n: int, naive: float | None, best: float | None, needed: int | None, max_error: float) -> str:
    budget = f"an error of at most {max_error:.2%}"
    if n == 0:
        return f"Not attainable: there are no labelled records, so {budget} cannot be shown."
    if best is None:
        return f"Not attainable: no labelled record reaches a confidence of {GRID[0]}, so {budget} cannot be shown."
    more = f"At least {needed} more labels at or above {best}, all of them right, would be needed."
    if naive is None:
        return (
            f"Not attainable: at every threshold the observed error is above the budget of {max_error:.2%}, so more "
            f"labels alone are unlikely to help; a better model or a slice with fewer errors could. {more}"
        )
    return f"Not attainable: too few labels to show {budget}. {more}"
