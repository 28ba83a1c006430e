"""/ops/cascade: what the layers of cascades and the adapters did."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hitl.accounts.views.base import Page
from hitl.core.clock import now
from hitl.core.permissions import Permission
from reviews.cascade_report import asks_waiting, layer_reports

WINDOWS = (1, 7, 30)


class Cascade(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Outcomes, cost and time per layer, over the window asked for."""
        asked = request.GET.get("days", "")
        days = int(asked) if asked in map(str, WINDOWS) else 7
        context = {
            "layers": layer_reports(self.actor.workspace_id, now() - timedelta(days=days)),
            "waiting": asks_waiting(self.actor.workspace_id),
            "days": days,
            "windows": WINDOWS,
            "may_configure": self.actor.may(Permission.CONFIGURE),
        }
        return render(request, "reviews/cascade.html", context)
