"""/ops/alerts: what needs a supervisor's eye, what to do about it, and who took it."""

import uuid
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, attempt
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from reviews.actions.alerts import acknowledge_alert
from reviews.alerts import alerts_for_actor, in_state
from reviews.models import Alert

PAGE = 50


class AlertsPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first, by state; open ones unless asked otherwise."""
        state = request.GET.get("state", Alert.State.OPEN)
        rows = in_state(alerts_for_actor(self.actor), state).select_related("acknowledged_by")
        page = page_by_id(rows, limit=PAGE, cursor=request.GET.get("cursor") or None)
        context = {
            "rows": page.rows,
            "state": state if state in Alert.State.values else "",
            "states": Alert.State.choices,
            "may_answer": self.actor.may(Permission.ANSWER_ALERTS),
            "next_url": f"/ops/alerts?{urlencode({'state': state, 'cursor': page.next})}" if page.next else None,
        }
        return render(request, "reviews/alerts.html", context)


class AcknowledgeAlert(Page):
    permission = Permission.ANSWER_ALERTS

    def post(self, request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
        attempt(
            request,
            lambda: acknowledge_alert(actor=self.actor, alert_id=alert_id, note=request.POST.get("note", "")),
            _("Acknowledged: it is yours to look after."),
        )
        return redirect("reviews:alerts")
