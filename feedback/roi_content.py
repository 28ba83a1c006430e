"""What an ROI report holds, and what follows from it for so many hours a week. Reads nothing."""

import msgspec

from feedback.learning_settings import RoiSettings
from feedback.stats.review_value import Band, Effort, Team, cost_per_correct, propose_effort


class GrowthPoint(msgspec.Struct, frozen=True):
    """At so many labels: the mean over `repeats` draws, and from the lowest to the highest decile (or draw)."""

    labels: int
    mean: float
    low: float
    high: float
    repeats: int


class Growth(msgspec.Struct, frozen=True):
    """How one model version's calibration grows with labels.

    log_loss: in nats, on the half no map was fitted on. law: floor, scale, rate of floor + scale * n ** -rate. gain:
    log loss saved by `more` labels beyond `n`, with its 95 % interval; null with the `reason`. automation: share of
    cases a certified threshold would automate.
    """

    model_version: str
    confidence_source: str
    labels: int
    n: int
    more: int
    log_loss: tuple[GrowthPoint, ...]
    law: tuple[float, float, float] | None
    gain: float | None
    low: float | None
    high: float | None
    reason: str | None
    automation: tuple[GrowthPoint, ...]


class SharePoint(msgspec.Struct, frozen=True):
    """At this share reviewed: final accuracy with its 95 % interval, and costs per case. See `ReviewPoint`."""

    share: float
    accuracy: float
    low: float
    high: float
    machine: float | None
    n: int
    marginal: float | None
    cost: float
    cost_per_correct: float | None


class TierRow(msgspec.Struct, frozen=True):
    """What reviews of a tier take and how often they are right, with Wilson's 95 % interval.

    reviews, minutes: judgements and their mean time, each counted as at most an hour. right of n: against gold and
    outcomes. cost: of one review; cost_per_correct: of a right decision, null where the error is not known.
    """

    tier: str
    title: str
    reviews: int
    minutes: float | None
    right: int
    n: int
    low: float
    high: float
    cost: float | None
    cost_per_correct: float | None


class BandRow(msgspec.Struct, frozen=True):
    """A part of what the machine decides alone, by confidence: cases a week, its error with interval and n."""

    low_confidence: float
    high_confidence: float
    per_week: float
    error: float
    low: float
    high: float
    n: int


class RoiContent(msgspec.Struct, frozen=True):
    """people: right of people_n unaided judgements and gold cases. error_cost: of a wrong decision on average, as the
    task type declares them. n, effective_n: labelled cases behind `review`, and what they weigh. cheapest: the share
    reviewed that costs least.
    """

    days: int
    n: int
    effective_n: float
    reason: str | None
    people_right: int
    people_n: int
    people_low: float
    people_high: float
    minute_cost: float
    minutes: float | None
    error_cost: float
    review: tuple[SharePoint, ...]
    cheapest: float | None
    tiers: tuple[TierRow, ...]
    bands: tuple[BandRow, ...]
    growth: tuple[Growth, ...]


ENOUGH_JUDGED = 30
"""Judgements with a known truth below which a tier gets no hours: its own error is not known."""


def effort_of(content: RoiContent, hours: float) -> list[Effort]:
    """Where so many further hours a week would go; empty where nothing is known or nothing pays."""
    bands = [Band(*msgspec.structs.astuple(band)) for band in content.bands]
    return propose_effort(bands, teams_of(content), hours, content.error_cost)


def teams_of(content: RoiContent) -> list[Team]:
    """The tiers whose time and error are known."""
    return [
        Team(t.tier, t.minutes / 60.0, 60.0 * t.cost / t.minutes, 1.0 - t.right / t.n)
        for t in content.tiers
        if t.minutes and t.cost is not None and t.n >= ENOUGH_JUDGED
    ]


def priced(row: TierRow, settings: RoiSettings) -> TierRow:
    """With what a review of the tier costs."""
    if row.minutes is None:
        return row
    cost = row.minutes * settings.tier_minute_costs.get(row.tier, settings.review_minute_cost)
    return msgspec.structs.replace(row, cost=cost)


def with_error_cost(row: TierRow, error_cost: float) -> TierRow:
    """With what a right decision of the tier costs, where its error is known."""
    if row.cost is None or row.n < ENOUGH_JUDGED:
        return row
    each = cost_per_correct(row.cost, 1.0 - row.right / row.n, error_cost)
    return msgspec.structs.replace(row, cost_per_correct=each)
