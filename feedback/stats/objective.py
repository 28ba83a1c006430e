"""A threshold study for an objective: the most automation within the budget, the least cost, a threshold per label."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from feedback.stats.cost_study import CostStudy, cost_study
from feedback.stats.costs import Costs, weigh
from feedback.stats.joint_thresholds import JointStudy, joint_study
from feedback.stats.label_thresholds import LabelStudies, label_studies
from feedback.stats.slices import SliceKey, SliceStudies, slice_studies
from feedback.stats.threshold_counts import Record
from feedback.stats.zone import CriticalZone, critical_zone

_FREE = Costs(review=0.0, error=0.0)
"""Where no costs are given, cases are only counted."""


class Objective(StrEnum):
    """What the recommended threshold is the best at, among those certified to hold the error budget."""

    MOST_AUTOMATION = "most_automation"
    LEAST_COST = "least_cost"
    PER_LABEL = "per_label"


@dataclass(frozen=True, slots=True)
class ObjectiveQuestion:
    """max_error, delta, peak_error: as in `joint_study`. labels: all labels there are, for the objective `per_label`.

    costs: needed by `least_cost`; the others then show the cost beside. ValueError where they are missing, or where
    `per_label` has a peak budget.
    """

    max_error: float = 0.02
    delta: float = 0.05
    peak_error: float | None = None
    objective: Objective = Objective.MOST_AUTOMATION
    costs: Costs | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.objective is Objective.LEAST_COST and self.costs is None:
            raise ValueError("the least cost needs costs")
        if self.objective is Objective.PER_LABEL and self.peak_error is not None:
            raise ValueError("thresholds per label are certified for one budget")


@dataclass(frozen=True, slots=True)
class ObjectiveStudy:
    """What was found. Each of `joint`, `labels` and `slices` spends the whole delta by itself: the guarantee is for
    the one that is acted on, so the objective is chosen before the figures are seen.

    recommended: the threshold that may go live; null where nothing may, and for `per_label`, whose thresholds are in
    `labels`. cost: null without costs. slices: null where the pooled study is attainable.
    """

    joint: JointStudy
    recommended: float | None
    cost: CostStudy | None
    labels: LabelStudies | None
    zone: CriticalZone
    slices: SliceStudies | None


def objective_study(
    records: Sequence[Record],
    question: ObjectiveQuestion,
    segments: Callable[[], Sequence[Mapping[str, str]]] = tuple,
) -> ObjectiveStudy:
    """Study the records for the question. segments: gives one mapping per record, or none at all; called only where
    slices are looked at.

    Recommended for `least_cost` is the cheapest of the certified thresholds (all hold at once, so the choice among
    them is free); a cheaper one that is not certified is shown and never recommended.
    """
    joint = joint_study(records, question.max_error, question.peak_error, question.delta)
    weighed = weigh(records, question.costs or _FREE)
    cost = cost_study(weighed, question.costs, joint.normal.certified) if question.costs else None
    labels = None
    if question.objective is Objective.PER_LABEL:
        labels = label_studies(records, question.labels, question.max_error, question.delta)
    recommended = _recommended(question.objective, joint, cost)
    slices = None
    if not joint.normal.attainable:
        slices = slice_studies(_groups(records, segments()), question.max_error, question.delta)
    return ObjectiveStudy(
        joint=joint,
        recommended=recommended,
        cost=cost,
        labels=labels,
        zone=critical_zone(weighed, _shown_at(question.objective, joint, recommended), question.costs),
        slices=slices,
    )


def _recommended(objective: Objective, joint: JointStudy, cost: CostStudy | None) -> float | None:
    match objective:
        case Objective.MOST_AUTOMATION:
            return joint.normal.guaranteed_threshold
        case Objective.LEAST_COST:
            return cost.certified.threshold if cost is not None and cost.certified is not None else None
        case Objective.PER_LABEL:
            return None


def _shown_at(objective: Objective, joint: JointStudy, recommended: float | None) -> float | None:
    """The threshold the critical zone is described under: one for all labels."""
    return joint.normal.guaranteed_threshold if objective is Objective.PER_LABEL else recommended


def _groups(records: Sequence[Record], segments: Sequence[Mapping[str, str]]) -> dict[SliceKey, list[Record]]:
    groups: dict[SliceKey, list[Record]] = defaultdict(list)
    for record in records:
        if record.predicted is not None:
            groups[SliceKey("label", "", record.predicted)].append(record)
    for record, named in zip(records, segments, strict=False):
        for name, value in named.items():
            groups[SliceKey("segment", name, value)].append(record)
    return groups
