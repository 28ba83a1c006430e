"""REST: over- and under-tiering."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.tiering import DEFAULT_DAYS, MAX_DAYS, Rate, TierRow, tier_report
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query


class RateOut(msgspec.Struct, frozen=True):
    """`k` of `n`; `share` null without cases; `low`, `high`: Clopper-Pearson's 95 % interval."""

    k: int
    n: int
    share: float | None
    low: float
    high: float


class TierRowOut(msgspec.Struct, frozen=True):
    """`under`: went up, or an audit overturned it. `over`: blind samples the lowest tier answered the same; or null."""

    tier: str
    title: str
    under: RateOut
    escalated: int
    overturned: int
    over: RateOut | None
    blind_sample_rate: float
    advice: list[str]


class TierReportOut(msgspec.Struct, frozen=True):
    since: str | None
    days: int
    tiers: list[TierRowOut]


_DAYS = query("days", f"How far back, 1-{MAX_DAYS}; {DEFAULT_DAYS} unless told.", int, required=False)


class TierReport(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(operation_id="get_tier_report", responses={200: TierReportOut}, parameters=(_DAYS,), tags=("Learning",))
    def get(self, request: Request) -> Response:
        """Over- and under-tiering from what really happened, with intervals and advice."""
        asked = self.check_query(request, "days")
        report = tier_report(actor_of(request), _days(asked.get("days", "")))
        return Response(TierReportOut(rfc3339(report.since), report.days, [_row(row) for row in report.tiers]))


def _days(raw: str) -> int:
    if raw == "":
        return DEFAULT_DAYS
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw[:6]) <= MAX_DAYS:
        detail = f"Give a whole number from 1 to {MAX_DAYS}."
        raise InvalidInput(errors=[FieldProblem("?days", detail, "out_of_range")])
    return int(raw)


def _row(row: TierRow) -> TierRowOut:
    return TierRowOut(
        row.slug,
        row.title,
        _rate(row.under),
        row.escalated,
        row.overturned,
        None if row.over is None else _rate(row.over),
        row.blind_sample_rate,
        list(row.advice),
    )


def _rate(rate: Rate) -> RateOut:
    return RateOut(rate.k, rate.n, rate.share, rate.low, rate.high)
