"""A threshold for each predicted label, all certified together (mission B3, F6)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.stats.threshold_counts import Record
from feedback.stats.thresholds import CurvePoint, ThresholdStudy, check_budget, study


@dataclass(frozen=True, slots=True)
class LabelStudy:
    """The cases the machine gave one label. share: of all cases, weighted; null without any records at all."""

    label: str
    share: float | None
    study: ThresholdStudy

    @property
    def at(self) -> CurvePoint | None:
        """The curve at the guaranteed threshold; null where it is not attainable."""
        return next((p for p in self.study.curve if p.threshold == self.study.guaranteed_threshold), None)


@dataclass(frozen=True, slots=True)
class LabelStudies:
    """One study per label in the order given. delta_each: what each spends of delta. automated_share: estimated share
    of all cases that the guaranteed thresholds automate between them; null without records.
    """

    delta: float
    delta_each: float
    labels: tuple[LabelStudy, ...]
    automated_share: float | None


def label_studies(
    records: Sequence[Record], labels: Sequence[str], max_error: float = 0.02, delta: float = 0.05
) -> LabelStudies:
    """Certify a threshold per predicted label: each by Learn-then-Test at delta / len(labels), joined by the union
    bound (Bonferroni 1936), so with probability at least 1 - delta the error under *every* label certified is within
    the budget, and with it the error of all that is automated.

    `labels`: without repetition, fixed before the outcomes are looked at; ValueError where empty. Records predicted
    otherwise count in the shares only. Each record needs `predicted`; the rest as for `study`.
    """
    check_budget(max_error, delta)
    if not labels or len(set(labels)) != len(labels):
        raise ValueError(f"give at least one label and none twice, not {list(labels)!r}")
    groups: dict[str | None, list[Record]] = defaultdict(list)
    for record in records:
        groups[record[4]].append(record)
    total = sum(1.0 / record[2] for record in records)
    each = delta / len(labels)
    found = []
    for label in labels:
        mine = groups.get(label, [])
        share = sum(1.0 / record[2] for record in mine) / total if total else None
        found.append(LabelStudy(label, share, study(mine, max_error, each)))
    automated = sum((s.share or 0.0) * (1.0 - s.at.review_share) for s in found if s.at is not None)
    return LabelStudies(delta, each, tuple(found), automated if total else None)
