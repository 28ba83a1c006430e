"""The capacity page: what the coming day brings to the queues, and what-ifs."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime

from feedback.capacity import FACTORS, CapacityReport, QueueForecastRow, WhatIf, capacity_report
from feedback.capacity_charts import DepthChart, depth_chart
from feedback.capacity_form import FIELDS, replays_to_choose, what_if_of
from hitl.accounts.views.base import Page
from hitl.core.errors import InvalidInput
from hitl.core.numbers import fixed
from hitl.core.permissions import Permission


class CapacityPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?factor=&queue=&more=&replay=` as in REST; a refused one is named above the forecast without it."""
        asked = {name: request.GET[name] for name in FIELDS if name in request.GET}
        problems: list[str] = []
        try:
            what_if = what_if_of(self.actor, asked)
        except InvalidInput as refused:
            problems, what_if = [p.said for p in refused.errors], WhatIf()
        report = capacity_report(self.actor, what_if)
        shown = _shown(report, asked.get("queue", ""))
        context = {
            "report": report,
            "rows": [(row, _waits(row)) for row in report.queues],
            "shown": shown,
            "chart": _chart(report, shown) if shown else None,
            "hours": [(_label(report, n + 1), span) for n, span in enumerate(shown.depth)] if shown else [],
            "asked": asked,
            "problems": problems,
            "factors": [f"{f:g}" for f in FACTORS],
            "replays": replays_to_choose(self.actor),
        }
        return render(request, "feedback/capacity.html", context, status=422 if problems else 200)


def _shown(report: CapacityReport, slug: str) -> QueueForecastRow | None:
    """The queue asked for, else the one that will be deepest."""
    chosen = [row for row in report.queues if row.slug == slug]
    rows = chosen or sorted(report.queues, key=lambda row: -row.depth[-1].mean)
    return rows[0] if rows else None


def _chart(report: CapacityReport, row: QueueForecastRow) -> DepthChart:
    return depth_chart(row.waiting, row.depth, [_label(report, n) for n in range(report.hours + 1)])


def _waits(row: QueueForecastRow) -> str:
    return " · ".join(_span_of(seconds) for seconds in row.wait_s) if row.wait_s else "–"


def _span_of(seconds: float) -> str:
    """To the unit that matters: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{fixed(seconds, 0)} s"
    return f"{fixed(seconds / 60, 0)} min" if seconds < 5400 else f"{fixed(seconds / 3600, 1)} h"


def _label(report: CapacityReport, hours: int) -> str:
    return localtime(report.at + timedelta(hours=hours)).strftime("%a %H:%M")
