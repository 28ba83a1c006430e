"""ROI reports as the API tells them."""

import msgspec

from feedback.models import RoiReport
from feedback.roi_content import RoiContent, effort_of
from feedback.stats.review_value import hours_by_tier
from hitl.core.clock import rfc3339


class EffortOut(msgspec.Struct, frozen=True):
    """Hours a week of a tier on a band (its place in `bands`, from 0). `avoided`: wrong decisions a week, with the
    interval that the band's error gives it; `value`: what they would have cost, less the hours.
    """

    tier: str
    band: int
    hours: float
    reviews: float
    avoided: float
    avoided_low: float
    avoided_high: float
    value: float


class RoiOut(msgspec.Struct, frozen=True):
    """`computed_at` null: not computed yet. `effort`: where `hours` more a week would go, most valuable first."""

    task_type: str
    computed_at: str | None
    content: RoiContent | None
    hours: float
    effort: list[EffortOut]
    hours_by_tier: dict[str, float]


class RoiList(msgspec.Struct, frozen=True):
    results: list[RoiOut]


def roi_out(slug: str, report: RoiReport | None, hours: float) -> RoiOut:
    """The newest report of a task type with the proposal for so many hours; null: none yet."""
    if report is None:
        return RoiOut(slug, None, None, hours, [], {})
    content = msgspec.convert(report.content, RoiContent)
    effort = effort_of(content, hours)
    return RoiOut(
        task_type=slug,
        computed_at=rfc3339(report.created_at),
        content=content,
        hours=hours,
        effort=[msgspec.convert(row, EffortOut, from_attributes=True) for row in effort],
        hours_by_tier=dict(hours_by_tier(effort)),
    )
