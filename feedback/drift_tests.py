"""Every test of a pair of windows, and which of them are significant together. Worker only: imports numpy, scipy."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from feedback.drift_data import SeenCase, Windows
from feedback.stats.comparing import holm
from feedback.stats.drift import (
    MIN_SIZE,
    Residual,
    Shift,
    bunching,
    confidence_shift,
    mix_shift,
    rate_shift,
    residual_shift,
)
from feedback.stats.drift_causes import Detector, Known
from routing.engine.policy import CalibrationKey
from routing.engine.slices import SlicedMap

ALPHA = 0.001
"""The probability that a report of windows alike finds anything in any of its tests; at most four reports a day."""
MATTERS: Mapping[Detector, float] = {
    Detector.CONFIDENCE: 0.1,
    Detector.LABELS: 0.1,
    Detector.ROUTING: 0.05,
    Detector.CALIBRATION: 0.02,
    Detector.DIVERGENCE: 0.05,
    Detector.BUNCHING: 1.5,
}
"""The least effect worth an alert: what is tiny and certain among thousands of cases is nobody's work."""
_SEGMENTS = 20
_BANDWIDTH, _NARROWEST = 0.05, 0.01
_NEW_SHARE = 0.1
Maps = Mapping[CalibrationKey, SlicedMap]


@dataclass(frozen=True, slots=True)
class Finding:
    """One test of one pair of windows. about: the segment, or what calibration was held against; empty: all cases.

    adjusted: the p-value for the number of tests in the report (Holm 1979).
    """

    detector: Detector
    window: str
    about: str
    shift: Shift
    adjusted: float | None = None
    significant: bool = False


def examine(windows: Sequence[Windows], maps: Maps, *, alpha: float = ALPHA) -> list[Finding]:
    """All tests of all windows as one family. maps: the calibrations in force, on whose scale residuals are taken."""
    found = [finding for pair in windows for finding in _tests(pair, maps)]
    tested = [place for place, finding in enumerate(found) if finding.shift.p_value is not None]
    adjusted = holm([found[place].shift.p_value or 0.0 for place in tested])
    for place, p_value in zip(tested, adjusted, strict=True):
        matters = _size(found[place]) >= MATTERS[found[place].detector]
        found[place] = replace(found[place], adjusted=p_value, significant=p_value <= alpha and matters)
    return found


def known_beside(windows: Sequence[Windows], findings: Sequence[Finding]) -> Known:
    """What explains a change without any test: versions new among the recent cases, and whose word is truth."""
    moved = {f.window for f in findings if f.significant}
    pairs = [pair for pair in windows if pair.name in moved]
    calibration = [f for f in findings if f.significant and f.detector is Detector.CALIBRATION]
    return Known(
        new_model=any(_is_new(pair, lambda case: case.model) for pair in pairs),
        new_policy=any(_is_new(pair, lambda case: case.policy_version) for pair in pairs),
        by_outcomes=any(f.about == "outcomes" for f in calibration),
        worse=any((f.shift.effect or 0.0) < 0.0 for f in calibration),
    )


def _size(finding: Finding) -> float:
    return abs(finding.shift.effect or 0.0)


def _is_new(pair: Windows, part: Callable[[SeenCase], object]) -> bool:
    known = {part(case) for case in pair.reference}
    return sum(part(case) not in known for case in pair.recent) > _NEW_SHARE * len(pair.recent)


def _tests(pair: Windows, maps: Maps) -> Iterator[Finding]:
    old, new = pair.reference, pair.recent
    shift = confidence_shift([c.confidence for c in old if c.confidence is not None],
                             [c.confidence for c in new if c.confidence is not None])  # fmt: skip
    yield Finding(Detector.CONFIDENCE, pair.name, "", shift)
    shift = mix_shift([c.label for c in old if c.label], [c.label for c in new if c.label])
    yield Finding(Detector.LABELS, pair.name, "", shift)
    yield Finding(Detector.ROUTING, pair.name, "", _automation(old, new))
    for segment in _common_segments(pair):
        yield Finding(Detector.ROUTING, pair.name, segment, _automation(_of(old, segment), _of(new, segment)))
    yield _calibration(pair, maps)
    yield Finding(Detector.DIVERGENCE, pair.name, "", residual_shift(_overruled(old), _overruled(new)))
    yield Finding(Detector.BUNCHING, pair.name, "", _bunching(new))


def _automation(old: Sequence[SeenCase], new: Sequence[SeenCase]) -> Shift:
    return rate_shift(sum(c.automated for c in old), len(old), sum(c.automated for c in new), len(new))


def _common_segments(pair: Windows) -> list[str]:
    """The segments that hold enough cases of both windows, the most common first."""
    old, new = (Counter(name for case in cases for name in _names(case)) for cases in (pair.reference, pair.recent))
    both = [name for name, n in new.items() if min(n, old[name]) >= MIN_SIZE]
    return sorted(both, key=lambda name: (-new[name], name))[:_SEGMENTS]


def _names(case: SeenCase) -> list[str]:
    return [f"{key}: {value}" for key, value in case.segments.items()]


def _of(cases: Sequence[SeenCase], segment: str) -> list[SeenCase]:
    return [case for case in cases if segment in _names(case)]


def _calibration(pair: Windows, maps: Maps) -> Finding:
    """By outcomes where both windows have enough, else by all labels: outcomes are not the reviewers' word."""
    old, new = _residuals(pair.reference, maps), _residuals(pair.recent, maps)
    outcomes = [[r for by_outcome, r in side if by_outcome] for side in (old, new)]
    if min(len(side) for side in outcomes) >= MIN_SIZE:
        return Finding(Detector.CALIBRATION, pair.name, "outcomes", residual_shift(*outcomes))
    return Finding(Detector.CALIBRATION, pair.name, "", residual_shift([r for _, r in old], [r for _, r in new]))


def _residuals(cases: Sequence[SeenCase], maps: Maps) -> list[tuple[bool, Residual]]:
    """Of labelled cases with a map in force; an outcome did not depend on the draw, so it weighs 1."""
    found = []
    for case in cases:
        own = maps.get((case.model or "", case.source or ""))
        fitted = own.for_case(case.label, case.segments)[0] if own else None
        if case.right is not None and case.confidence is not None and fitted is not None:
            residual = Residual(case.right - fitted.apply(case.confidence), 1.0 / case.probability)
            found.append((case.by_outcome, residual))
    return found


def _overruled(cases: Sequence[SeenCase]) -> list[Residual]:
    """1 where people decided otherwise than the machine, weighted to all cases; outcomes are not people's word."""
    judged = [case for case in cases if case.right is not None and not case.by_outcome]
    return [Residual(float(not case.right), 1.0 / case.probability) for case in judged]


def _bunching(cases: Sequence[SeenCase]) -> Shift:
    pairs = [(c.calibrated, c.threshold) for c in cases if c.calibrated is not None and c.threshold is not None]
    room = min((1.0 - threshold for _, threshold in pairs), default=1.0)
    bandwidth = max(_NARROWEST, min(_BANDWIDTH, room))
    return bunching([confidence - threshold for confidence, threshold in pairs], bandwidth=bandwidth)
