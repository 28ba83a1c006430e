"""Which slices of cases deserve a calibration map of their own. Worker only: imports numpy.

A map of its own is more honest where a model errs differently there, and less where it only has fewer labels. So every
candidate must show, on records neither map was fitted on, that its own map predicts better than the model's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from feedback.stats.calibration_fit import Floats, effective_size, fit_out_of_fold, log_losses
from feedback.stats.comparing import holm
from routing.engine.calibration import CalibrationMap
from routing.engine.slices import Slice

Places = npt.NDArray[np.intp]

MIN_RECORDS = 200
"""Effective labelled records of a slice: twice the floor of a model's map, since each fold leaves a fifth out."""
MIN_EACH = 10
"""Right and wrong ones."""
MAX_CANDIDATES = 50
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class SliceFinding:
    """What became of one candidate.

    map: its own, null where it was refused. n, effective_n: its labelled records, and Kish's effective size of their
    weights. gain: weighted mean of (log loss of the model's map - log loss of its own), both out of fold; positive
    where its own is better. error: its standard error; p: one-sided; p_adjusted: by Holm. Null where not measured.
    """

    slice: Slice
    map: CalibrationMap | None
    reason: str
    n: int
    effective_n: float
    gain: float | None = None
    error: float | None = None
    p: float | None = None
    p_adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class SliceProposal:
    """Findings: first the slices used, in the order the engine is to try them, then the refused ones, largest first.

    others: candidates beyond the `MAX_CANDIDATES` with most labels, which were not looked at.
    """

    findings: tuple[SliceFinding, ...]
    others: int = 0

    @property
    def used(self) -> tuple[SliceFinding, ...]:
        """Those with a map."""
        return tuple(f for f in self.findings if f.map is not None)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The records a model's map was fitted on: scores, truths 0 or 1, weights, and the map's out-of-fold
    predictions.
    """

    x: Floats
    y: Floats
    w: Floats
    parent: Floats


def propose_slices(fitted: Fitted, candidates: Mapping[Slice, Places], *, seed: int) -> SliceProposal:
    """Which of `candidates` (places of their records in `fitted`) get a map of their own, each with its reason.

    Gain: paired out-of-fold log loss against the model's map, whose family and parameters saw neither record; one-sided
    normal test of a weighted mean. Where a slice does not differ, its own map has fewer labels and loses on average, so
    the test is conservative. Looking at many is paid for by Holm's step-down procedure (Holm 1979): whatever their
    dependence, the chance that any slice without a gain is used stays at most `LEVEL` per model and run. Slices may
    overlap: they are taken by rising p, and one that overlaps earlier ones is fitted and tested again on the records
    these leave to it, which is what it would serve.

    Refused: under `MIN_RECORDS` effective records or `MIN_EACH` right or wrong ones, a slice of everything, no gain, a
    gain within chance. No candidates: no findings.
    """
    sized = sorted(candidates.items(), key=lambda item: (-effective_size(fitted.w[item[1]]), str(item[0])))
    looked_at = sized[:MAX_CANDIDATES]
    measured = _adjusted([_measure(fitted, own, places, seed) for own, places in looked_at])
    passed = sorted((f for f in measured if _passed(f)), key=lambda f: (f.p, str(f.slice)))
    used, refused = _without_overlap(fitted, passed, dict(looked_at), seed)
    said = {f.slice: f for f in (*measured, *refused)}
    rest = [said[own] for own, _ in looked_at if own not in {f.slice for f in used}]
    return SliceProposal((*used, *rest), len(sized) - len(looked_at))


def _measure(fitted: Fitted, own: Slice, places: Places, seed: int) -> SliceFinding:
    """The slice's own map against the model's, with the reason where there is nothing to compare."""
    x, y, w = fitted.x[places], fitted.y[places], fitted.w[places]
    found = SliceFinding(own, None, "", len(places), effective_size(w))
    right = int(y.sum())
    if found.effective_n < MIN_RECORDS:
        reason = f"not enough data: {found.effective_n:.0f} effective labelled records, {MIN_RECORDS} are needed"
        return replace(found, reason=reason)
    if min(right, found.n - right) < MIN_EACH:
        wrong = found.n - right
        return replace(found, reason=f"not enough data: {right} right and {wrong} wrong, {MIN_EACH} of each are needed")
    if found.n == len(fitted.x):
        return replace(found, reason="it holds every labelled record, so the model's map is already its own")
    fit, predictions = fit_out_of_fold(x, y == 1.0, w, seed=seed)
    assert fit.map is not None and predictions is not None, "the floor is above that of a map"
    gains = log_losses(fitted.parent[places], y) - log_losses(predictions, y)
    gain, error = mean_and_error(gains, w)
    p = float(norm.sf(gain / error)) if error > 0.0 else 1.0
    return replace(found, map=fit.map, gain=gain, error=error, p=p)


def mean_and_error(values: Floats, w: Floats) -> tuple[float, float]:
    """The weighted mean of `values` and its standard error (linearised, as of a ratio of sums)."""
    total = w.sum()
    mean = float(w @ values / total)
    return mean, float(np.sqrt(((w * (values - mean)) ** 2).sum()) / total)


def _adjusted(found: Sequence[SliceFinding]) -> list[SliceFinding]:
    """Holm's adjusted p-values of those measured, and the reasons that follow from them."""
    ps = [f.p for f in found if f.p is not None]
    adjusted = iter(holm(ps))
    return [f if f.p is None else _with_reason(replace(f, p_adjusted=next(adjusted)), len(ps)) for f in found]


def _with_reason(finding: SliceFinding, tests: int) -> SliceFinding:
    assert finding.gain is not None and finding.error is not None and finding.p_adjusted is not None
    figures = f"{abs(finding.gain):.4f} in log loss (standard error {finding.error:.4f})"
    if finding.gain <= 0.0:
        return replace(finding, map=None, reason=f"its own map loses {figures}")
    after = f"p = {finding.p_adjusted:.2g} after Holm's correction for {tests} comparisons"
    if finding.p_adjusted > LEVEL:
        return replace(finding, map=None, reason=f"its own map gains {figures}, which may be chance: {after}")
    return replace(finding, reason=f"its own map gains {figures}; {after}")


def _passed(finding: SliceFinding) -> bool:
    return finding.p_adjusted is not None and finding.map is not None


def _without_overlap(
    fitted: Fitted, passed: Sequence[SliceFinding], places: Mapping[Slice, Places], seed: int
) -> tuple[list[SliceFinding], list[SliceFinding]]:
    """Those used and those refused after all: each must still gain on the records that earlier ones leave to it."""
    used: list[SliceFinding] = []
    refused: list[SliceFinding] = []
    covered = np.zeros(len(fitted.x), dtype=np.bool_)
    for finding in passed:
        own = places[finding.slice]
        left = own[~covered[own]]
        settled = finding if len(left) == len(own) else _on_the_rest(fitted, finding, left, used, seed)
        if settled.map is None:
            refused.append(settled)
            continue
        covered[own] = True
        used.append(settled)
    return used, refused


def _on_the_rest(
    fitted: Fitted, finding: SliceFinding, left: Places, earlier: Sequence[SliceFinding], seed: int
) -> SliceFinding:
    """The finding with the map of the records left to it, or refused where its own map gains nothing on them."""
    again = _measure(fitted, finding.slice, left, seed)
    if again.p is not None and again.p <= LEVEL:
        return replace(finding, map=again.map)
    names = ", ".join(str(each.slice) for each in earlier)
    why = again.reason or "its own map gains nothing that could not be chance"
    return replace(finding, map=None, reason=f"on the {len(left)} records that {names} leave to it: {why}")
