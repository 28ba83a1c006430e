"""/ops/owners: errors by who owned the decision, and appeals by owner, kind and segment."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.owners import DEFAULT_DAYS, owners_report
from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission

WINDOWS = (30, 90, 365)


class OwnersPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """The last 90 days unless `days` says otherwise."""
        asked = request.GET.get("days", "")
        days = int(asked) if asked in map(str, WINDOWS) else DEFAULT_DAYS
        context = {"report": owners_report(self.actor, days), "windows": WINDOWS}
        return render(request, "feedback/owners.html", context)
