"""Two error budgets certified together: one for normal load, one for peaks (mission B14)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.stats.threshold_counts import Record
from feedback.stats.thresholds import ThresholdStudy, study


@dataclass(frozen=True, slots=True)
class JointStudy:
    """Both studies of the same records. With probability at least 1 - delta *every* certified threshold of both holds
    its budget, so load may choose among them at will. Every threshold certified for normal is certified for peak.
    peak null: only one budget was asked for.
    """

    normal: ThresholdStudy
    peak: ThresholdStudy | None
    delta: float


def joint_study(
    records: Sequence[Record], normal_error: float, peak_error: float | None, delta: float = 0.05
) -> JointStudy:
    """Certify both budgets on one sample: each by Learn-then-Test at delta/2, joined by the union bound.

    `0 < normal_error <= peak_error < 1` (ValueError). One budget, or two equal ones, are one question and keep
    the whole delta. Otherwise as `study`.
    """
    if peak_error is None:
        return JointStudy(study(records, normal_error, delta), None, delta)
    if not normal_error <= peak_error:
        raise ValueError(f"the peak budget {peak_error!r} is below the normal one {normal_error!r}")
    if normal_error == peak_error:
        both = study(records, normal_error, delta)
        return JointStudy(both, both, delta)
    return JointStudy(study(records, normal_error, delta / 2), study(records, peak_error, delta / 2), delta)
