"""REST: one reviewer's quality."""

import uuid

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import reviewer_for_actor
from feedback.reviewer_quality import InQueue, stored_figures
from feedback.stats.comparing import Spread
from feedback.stats.reviewing import Counted, Figures
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.schema import documented


class CountedOut(msgspec.Struct, frozen=True):
    """`k` of `n` with Clopper-Pearson's 95 % interval; `share` null without cases."""

    k: int
    n: int
    share: float | None
    low: float
    high: float


class QualityOut(msgspec.Struct, frozen=True):
    """`basis`: outcomes_and_gold, else rulings, else none (fewer than 10 cases); never agreement with colleagues."""

    basis: str
    right: CountedOut


class ConfusedOut(msgspec.Struct, frozen=True):
    truth: str
    said: str
    n: int


class LeniencyOut(msgspec.Struct, frozen=True):
    """Share of judgements with this label: as counted, and shrunk to the queue's `mean` with its 95 % interval."""

    label: str
    k: int
    n: int
    share: float
    low: float
    high: float
    mean: float


class SpreadOut(msgspec.Struct, frozen=True):
    """Seconds per judgement; `low`, `high`: the median's 95 % interval."""

    median: float
    first_quartile: float
    third_quartile: float
    low: float | None
    high: float | None
    n: int


class FatigueOut(msgspec.Struct, frozen=True):
    """p-values of trends over the shift, adjusted for three looks; null where there is too little.

    `slower_by`: change of the time per case with each hour, as a share, with its 95 % interval.
    """

    errors_p: float | None
    overrides_p: float | None
    speed_p: float | None
    slower_by: float | None
    slower_low: float | None
    slower_high: float | None


class StampOut(msgspec.Struct, frozen=True):
    """`status`: signal, none or not_enough_data. Three signs are needed; `p` is that of all three together."""

    status: str
    agrees: CountedOut
    others_agree: CountedOut
    followed_wrong: CountedOut
    others_followed: CountedOut
    p: float


class QueueQualityOut(msgspec.Struct, frozen=True):
    """One queue. `level`: novice, competent, expert, or null before it is rated; `by_source` has each case once."""

    queue: str
    since: str | None
    computed_at: str | None
    judged: int
    level: str | None
    label_weight: float
    quality: QualityOut
    unaided: CountedOut
    by_source: dict[str, CountedOut]
    confusion: list[ConfusedOut]
    leniency: list[LeniencyOut]
    speed: SpreadOut | None
    colleagues_speed: SpreadOut | None
    fatigue: FatigueOut
    rubber_stamp: StampOut
    repeats: CountedOut


class ReviewerQualityOut(msgspec.Struct, frozen=True):
    reviewer: str
    user: str
    queues: list[QueueQualityOut]


class ReviewerQuality(Endpoint):
    """One's own for everybody; anybody's for who audits decisions."""

    scopes = {"GET": None}

    @documented(operation_id="get_reviewer_quality", responses={200: ReviewerQualityOut}, tags=("Learning",))
    def get(self, request: Request, reviewer_id: uuid.UUID) -> Response:
        """Figures per queue from the last 90 days, made anew every hour: quality, leniency, speed, fatigue, signals."""
        self.check_query(request)
        actor = actor_of(request)
        reviewer = reviewer_for_actor(actor, reviewer_id)
        found = stored_figures(actor, [reviewer.user_id]).get(reviewer.user_id, [])
        return Response(
            ReviewerQualityOut(str(reviewer.pk), reviewer.user.get_username(), [_queue(row) for row in found])
        )


def _queue(found: InQueue) -> QueueQualityOut:
    figures: Figures = found.figures
    fatigue, stamp = figures.fatigue, figures.stamp
    pools = [(row.label, row.pooled, row.mean) for row in figures.leniency]
    return QueueQualityOut(
        queue=found.row.queue.slug,
        since=rfc3339(found.row.since),
        computed_at=rfc3339(found.row.computed_at),
        judged=found.row.judged,
        level=found.level.level if found.level else None,
        label_weight=found.level.weight if found.level else 1.0,
        quality=QualityOut(figures.quality.basis, _counted(figures.quality.right)),
        unaided=_counted(figures.unaided),
        by_source={source: _counted(told) for source, told in figures.by_source.items()},
        confusion=[ConfusedOut(row.truth, row.said, row.n) for row in figures.confusion],
        leniency=[LeniencyOut(label, p.k, p.n, p.share, p.low, p.high, mean) for label, p, mean in pools],
        speed=_spread(figures.speed.own),
        colleagues_speed=_spread(figures.speed.others),
        fatigue=FatigueOut(
            fatigue.errors_p, fatigue.overrides_p, fatigue.speed_p, fatigue.slower_by, fatigue.slower_low,
            fatigue.slower_high,
        ),
        rubber_stamp=StampOut(
            stamp.status, _counted(stamp.agrees), _counted(stamp.others_agree), _counted(stamp.followed_wrong),
            _counted(stamp.others_followed), stamp.p,
        ),
        repeats=_counted(figures.repeats),
    )  # fmt: skip


def _counted(found: Counted) -> CountedOut:
    return CountedOut(found.k, found.n, found.share, found.low, found.high)


def _spread(found: Spread | None) -> SpreadOut | None:
    return None if found is None else msgspec.convert(found, SpreadOut, from_attributes=True)
