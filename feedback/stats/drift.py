"""Has something moved between two windows? One test per question, each with an effect, its interval and both sizes.

Worker only: imports numpy and scipy. Every test takes the reference window first, then the recent one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt
from scipy import stats

from feedback.stats.bounds import wilson_interval
from feedback.stats.difference import newcombe

MIN_SIZE = 100
"""Fewer in either window, or within the bandwidth of a threshold, say nothing of a distribution."""
_BINS, _RESAMPLES, _SEED = 10, 400, 7
_Z = 1.959964
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shift:
    """One test. effect with its 95 % interval and p_value null with the `reason` why nothing can be said."""

    n_reference: int
    n_recent: int
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Residual:
    """A labelled prediction: whether it was right less what its confidence said, -1 to 1; weight above 0."""

    value: float
    weight: float = 1.0


def confidence_shift(reference: Sequence[float], recent: Sequence[float]) -> Shift:
    """Confidences, 0-1. effect: the population stability index over the reference's deciles; p: two-sample KS.

    Sources: Kolmogorov 1933 and Smirnov 1939 (asymptotic; Hodges 1958, scipy), which ties make conservative; PSI as in
    Siddiqi 2006, Credit Risk Scorecards, 0.1 a moderate and 0.25 a large change, with a percentile interval of
    resampled bins (Efron 1979).
    """
    if min(len(reference), len(recent)) < MIN_SIZE:
        return _too_few(len(reference), len(recent))
    old, new = np.asarray(reference, dtype=float), np.asarray(recent, dtype=float)
    edges = np.unique(np.quantile(old, np.linspace(0, 1, _BINS + 1)[1:-1]))
    before = np.bincount(np.searchsorted(edges, old, side="right"), minlength=len(edges) + 1)
    after = np.bincount(np.searchsorted(edges, new, side="right"), minlength=len(edges) + 1)
    p_value = float(stats.ks_2samp(old, new, method="asymp").pvalue)
    return _stability(before, after, p_value)


def mix_shift(reference: Sequence[str], recent: Sequence[str]) -> Shift:
    """Labels. effect: the population stability index over labels; p: Pearson's chi-squared test of homogeneity (1900).

    Labels that neither window expects five times are counted together (Cochran 1954).
    """
    if min(len(reference), len(recent)) < MIN_SIZE:
        return _too_few(len(reference), len(recent))
    old, new = Counter(reference), Counter(recent)
    whole = old + new
    smaller = min(len(reference), len(recent)) / (len(reference) + len(recent))
    names = sorted(name for name in whole if whole[name] * smaller >= 5)
    rest = [sum(c[name] for name in whole if name not in names) for c in (old, new)]
    before = np.array([old[name] for name in names] + [rest[0]] * bool(sum(rest)))
    after = np.array([new[name] for name in names] + [rest[1]] * bool(sum(rest)))
    p_value = float(stats.chi2_contingency([before, after]).pvalue) if len(before) > 1 else 1.0
    return _stability(before, after, p_value)


def rate_shift(k_reference: int, n_reference: int, k_recent: int, n_recent: int) -> Shift:
    """k of n. effect: recent less reference; p: Fisher's exact test (1935); interval: Newcombe 1998, method 10."""
    if min(n_reference, n_recent) < MIN_SIZE:
        return _too_few(n_reference, n_recent)
    table = [[k_recent, n_recent - k_recent], [k_reference, n_reference - k_reference]]
    new = (k_recent / n_recent, *wilson_interval(k_recent, n_recent))
    old = (k_reference / n_reference, *wilson_interval(k_reference, n_reference))
    return Shift(n_reference, n_recent, *newcombe(new, old), float(stats.fisher_exact(table).pvalue))


def residual_shift(reference: Sequence[Residual], recent: Sequence[Residual]) -> Shift:
    """effect: how much the weighted mean residual moved, negative: confidences promise more than before; p: Welch 1947.

    Both windows are on one map's scale, so that what the fit itself has wrong cancels. Hájek means with linearised
    variances, sizes and degrees of freedom by Kish's effective n.
    """
    if min(len(reference), len(recent)) < MIN_SIZE:
        return _too_few(len(reference), len(recent))
    (old, old_var, old_n), (new, new_var, new_n) = _mean(reference), _mean(recent)
    spread = old_var + new_var
    if min(old_n, new_n) < MIN_SIZE / 2 or spread == 0.0:
        reason = "Too few audits for their weights." if spread else "All residuals are equal."
        return Shift(len(reference), len(recent), reason=reason)
    freedom = spread**2 / (old_var**2 / (old_n - 1) + new_var**2 / (new_n - 1))
    effect, reach = new - old, float(stats.t.ppf(0.975, freedom)) * sqrt(spread)
    p_value = 2.0 * float(stats.t.sf(abs(effect) / sqrt(spread), freedom))
    return Shift(len(reference), len(recent), effect, effect - reach, effect + reach, p_value)


def bunching(distances: Sequence[float], *, bandwidth: float) -> Shift:
    """Confidence less threshold. effect: by which factor the density jumps at the threshold; p: one-sided, a jump up.

    Source: McCrary 2008, "Manipulation of the running variable in the regression discontinuity design", J. Econometrics
    142: a histogram whose bins do not cross the cutoff, a local linear fit with triangular kernel on each side, and the
    log difference of the two densities with standard error sqrt(24/5 (1/f+ + 1/f-) / (n h)). All records are the recent
    window's. Mass points (rounded confidences, isotonic maps) are no density: then nothing is said.
    """
    near = np.asarray([d for d in distances if -bandwidth <= d < bandwidth])
    above, below = int((near >= 0).sum()), int((near < 0).sum())
    if above + below < MIN_SIZE:
        return Shift(below, above, reason=f"Not enough data: {MIN_SIZE} are needed near the threshold.")
    if len(np.unique(near)) < len(near) / 2:
        return Shift(below, above, reason="The confidences lie on few values, so they have no density.")
    width = bandwidth / 20
    counts = np.histogram(near, bins=np.linspace(-bandwidth, bandwidth, 41))[0]
    heights = counts / (len(distances) * width)
    middles: Floats = (np.arange(40, dtype=np.float64) - 19.5) * width
    lowest = 0.5 / (len(distances) * width)  # of half a case: where all were moved over, none is left below
    right = max(_at_cutoff(middles[20:], heights[20:], bandwidth), lowest)
    left = max(_at_cutoff(-middles[:20], heights[:20], bandwidth), lowest)
    theta = log(right / left)
    error = sqrt(24 / 5 * (1 / right + 1 / left) / (len(distances) * bandwidth))
    ends = (exp(theta - _Z * error), exp(theta + _Z * error))
    return Shift(below, above, exp(theta), *ends, float(stats.norm.sf(theta / error)))


def _too_few(n_reference: int, n_recent: int) -> Shift:
    return Shift(n_reference, n_recent, reason=f"Not enough data: {MIN_SIZE} are needed in each window.")


def _stability(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64], p_value: float) -> Shift:
    """PSI of two histograms with its interval. Half a case is added to every bin, so that an empty one counts."""
    rng = np.random.default_rng(_SEED)
    n, m = int(before.sum()), int(after.sum())
    drawn = _psi(rng.multinomial(n, before / n, _RESAMPLES), rng.multinomial(m, after / m, _RESAMPLES))
    low, high = np.quantile(drawn, [0.025, 0.975])
    effect = float(_psi(before[None, :], after[None, :])[0])
    return Shift(n, m, effect, min(float(low), effect), max(float(high), effect), p_value)


def _psi(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> Floats:
    old = (before + 0.5) / (before + 0.5).sum(axis=1, keepdims=True)
    new = (after + 0.5) / (after + 0.5).sum(axis=1, keepdims=True)
    return np.asarray(((new - old) * np.log(new / old)).sum(axis=1))


def _mean(residuals: Sequence[Residual]) -> tuple[float, float, float]:
    """Weighted mean, its variance, and the effective size."""
    weights = np.array([r.weight for r in residuals])
    values = np.array([r.value for r in residuals])
    total = weights.sum()
    mean = float((weights * values).sum() / total)
    effective = float(total**2 / (weights**2).sum())
    variance = float((weights**2 * (values - mean) ** 2).sum() / total**2) * effective / max(effective - 1, 1)
    return mean, variance, effective


def _at_cutoff(distances: Floats, heights: Floats, bandwidth: float) -> float:
    """The intercept of a linear fit with triangular weights."""
    weights = np.sqrt(1 - distances / bandwidth)
    design = np.stack([np.ones_like(distances), distances], axis=1) * weights[:, None]
    return float(np.linalg.lstsq(design, heights * weights, rcond=None)[0][0])
