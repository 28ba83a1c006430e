"""/ops/roi: what labels and reviews are worth, and where the next hours of review buy most."""

from dataclasses import dataclass
from math import log10

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from feedback.roi_charts import CurveChart, curve_chart
from feedback.roi_content import BandRow, Growth, RoiContent, TierRow
from feedback.roi_payloads import RoiOut
from feedback.roi_report import roi_reports
from hitl.accounts.views.base import Page
from hitl.core.errors import InvalidInput
from hitl.core.numbers import fixed, percent, whole
from hitl.core.permissions import Permission
from hitl.core.said import said
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class GrowthSection:
    """One model version's growth: the sentence, both charts, both tables (cells ready to read)."""

    growth: Growth
    sentence: str
    loss_chart: CurveChart | None
    loss_rows: tuple[tuple[str, str, str, int], ...]
    automation_chart: CurveChart | None
    automation_rows: tuple[tuple[str, str, str, int], ...]


@dataclass(frozen=True, slots=True)
class RoiSection:
    """One task type's part of the page. content null: nothing computed yet."""

    task_type: TaskType
    out: RoiOut
    computed_at: object
    content: RoiContent | None
    people: str = ""
    chart: CurveChart | None = None
    review: tuple[tuple[str, ...], ...] = ()
    tiers: tuple[tuple[str, ...], ...] = ()
    effort: tuple[tuple[str, ...], ...] = ()
    growth: tuple[GrowthSection, ...] = ()

    @property
    def hours(self) -> list[tuple[str, str]]:
        """Tier and hours, ready to read."""
        placed = self.out.hours_by_tier.items() if self.content else ()
        return [(_title(self.content, tier), fixed(hours, 1)) for tier, hours in placed if self.content]

    @property
    def spare(self) -> bool:
        """Whether hours are left over."""
        return sum(self.out.hours_by_tier.values()) < self.out.hours - 1e-9


class RoiPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?hours=` further hours of review a week to place."""
        hours = request.GET.get("hours", "").replace("\x00", "")
        try:
            found = roi_reports(self.actor, hours)
        except InvalidInput:
            return redirect("feedback:roi")
        sections = [_section(task_type, out) for task_type, out in found]
        return render(request, "feedback/roi.html", {"sections": sections, "hours": hours})


def _section(task_type: TaskType, out: RoiOut) -> RoiSection:
    content = out.content
    at = parse_datetime(out.computed_at) if out.computed_at else None
    if content is None:
        return RoiSection(task_type, out, at, None)
    points = [(p.share, p.accuracy, p.low, p.high) for p in content.review]
    return RoiSection(
        task_type=task_type,
        out=out,
        computed_at=at,
        content=content,
        people=_people(content),
        chart=curve_chart(points, lambda x: percent(x, 0), lambda y: percent(y, 1), content.cheapest),
        review=tuple(_review_row(content, place) for place in range(0, len(content.review), 2)),
        tiers=tuple(_tier_row(row) for row in content.tiers),
        effort=tuple(
            (
                _title(content, row.tier),
                _band(content.bands[row.band]),
                fixed(row.hours, 1),
                fixed(row.reviews, 0),
                f"{fixed(row.avoided, 1)} ({fixed(row.avoided_low, 1)} … {fixed(row.avoided_high, 1)})",
                fixed(row.value, 1),
            )
            for row in out.effort
        ),
        growth=tuple(_growth(growth) for growth in content.growth),
    )


def _people(content: RoiContent) -> str:
    if not content.people_n:
        return _(
            "Nobody's judgements could be compared with gold or an outcome, so people are taken to be always right: "
            "the curve is an upper bound."
        )
    said = {
        "share": percent(content.people_right / content.people_n),
        "low": percent(content.people_low),
        "high": percent(content.people_high),
        "n": content.people_n,
    }
    return (
        _("People were right in %(share)s (95 %% interval %(low)s–%(high)s, n = %(n)s), by gold and outcomes.") % said
    )


def _review_row(content: RoiContent, place: int) -> tuple[str, ...]:
    p = content.review[place]
    return (
        percent(p.share, 0),
        f"{percent(p.accuracy)} ({percent(p.low)}–{percent(p.high)})",
        "–" if p.machine is None else percent(p.machine),
        whole(p.n),
        "–" if p.marginal is None else fixed(p.marginal, 1),
        fixed(p.cost, 3),
        "–" if p.cost_per_correct is None else fixed(p.cost_per_correct, 3),
    )


def _tier_row(row: TierRow) -> tuple[str, ...]:
    right = f"{percent(row.right / row.n)} ({percent(row.low)}–{percent(row.high)}), n = {row.n}" if row.n else "–"
    return (
        row.title,
        whole(row.reviews),
        "–" if row.minutes is None else fixed(row.minutes, 1),
        right,
        "–" if row.cost is None else fixed(row.cost, 2),
        _("not enough data") if row.cost_per_correct is None else fixed(row.cost_per_correct, 2),
    )


def _title(content: RoiContent, slug: str) -> str:
    return next((row.title for row in content.tiers if row.tier == slug), slug)


def _band(band: BandRow) -> str:
    said = {
        "low": fixed(band.low_confidence, 2),
        "high": fixed(band.high_confidence, 2),
        "error": f"{percent(band.error)} ({percent(band.low)}–{percent(band.high)}), n = {band.n}",
    }
    return _("confidence %(low)s to %(high)s; wrong in %(error)s") % said


def _growth(growth: Growth) -> GrowthSection:
    losses = [(log10(p.labels), p.mean, p.low, p.high) for p in growth.log_loss]
    shares = [(log10(p.labels), p.mean, p.low, p.high) for p in growth.automation]
    return GrowthSection(
        growth=growth,
        sentence=_gain(growth),
        loss_chart=curve_chart(losses, _labels, lambda y: fixed(y, 3)),
        loss_rows=tuple(
            (whole(p.labels), fixed(p.mean, 4), f"{fixed(p.low, 4)}–{fixed(p.high, 4)}", p.repeats)
            for p in growth.log_loss
        ),
        automation_chart=curve_chart(shares, _labels, lambda y: percent(max(0.0, y), 0)),
        automation_rows=tuple(
            (whole(p.labels), percent(p.mean), f"{percent(p.low)}–{percent(p.high)}", p.repeats)
            for p in growth.automation
        ),
    )


def _labels(exponent: float) -> str:
    return whole(round(10**exponent))


def _gain(growth: Growth) -> str:
    if growth.gain is None or growth.low is None or growth.high is None:
        return _("What more labels would gain cannot be said yet: %(reason)s.") % {"reason": said(growth.reason or "")}
    values = {
        "more": whole(growth.more),
        "n": whole(growth.n),
        "gain": fixed(growth.gain, 5),
        "low": fixed(growth.low, 5),
        "high": fixed(growth.high, 5),
    }
    return (
        _(
            "%(more)s labels more than %(n)s would lower the log loss of the calibration by %(gain)s "
            "(95 %% interval %(low)s–%(high)s)."
        )
        % values
    )
