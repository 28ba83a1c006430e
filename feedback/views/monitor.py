"""/ops/monitor: whether the error of what the machine decides stays within its budget, and lifting a fallback."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.actions.error_monitors import lift_fallback
from feedback.monitors import closed_monitors, open_cards
from hitl.accounts.views.base import Page, attempt
from hitl.core.permissions import Permission


class MonitorPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "cards": open_cards(self.actor),
            "closed": closed_monitors(self.actor),
            "may_lift": self.actor.may(Permission.STOP_MACHINE),
        }
        return render(request, "feedback/monitor.html", context)


class LiftFallback(Page):
    """POST `reason`: the machine may decide the task type's cases again."""

    permission = Permission.STOP_MACHINE

    def post(self, request: HttpRequest, monitor_id: uuid.UUID) -> HttpResponse:
        reason = request.POST.get("reason", "").replace("\x00", "")
        done = _("Lifted: a new epoch has begun.")
        attempt(request, lambda: lift_fallback(actor=self.actor, monitor_id=monitor_id, reason=reason), done)
        return redirect("feedback:monitor")
