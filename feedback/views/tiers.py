"""The tier report: who gets cases above or below them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.tiering import DEFAULT_DAYS, tier_report
from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission

WINDOWS = (7, 30, 90, 365)


class TiersPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?days=`: one of the windows offered; anything else is the default."""
        asked = request.GET.get("days", "")
        days = next((d for d in WINDOWS if str(d) == asked), DEFAULT_DAYS)
        return render(request, "feedback/tiers.html", {"report": tier_report(self.actor, days), "windows": WINDOWS})
