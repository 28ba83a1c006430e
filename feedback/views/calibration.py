"""The supervisor's calibration page: how honest the confidences are, and a run on demand."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.actions.recalibration_sweeps import request_recalibration
from feedback.calibration_page import calibration_sections
from feedback.selectors import task_type_by_slug
from hitl.accounts.views.base import Page, attempt
from hitl.core.permissions import Permission


class CalibrationPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Reliability before and after, runs and proposals of every task type."""
        context: dict[str, Any] = {
            "sections": calibration_sections(self.actor),
            "may_request": self.actor.may(Permission.WRITE_POLICIES),
        }
        return render(request, "feedback/calibration.html", context)


class RecalibrateNow(Page):
    permission = Permission.WRITE_POLICIES

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Ask for a run; a worker takes it."""
        task_type = task_type_by_slug(self.actor, slug)
        if task_type is None:
            raise Http404
        attempt(
            request,
            lambda: request_recalibration(actor=self.actor, task_type=task_type),
            _("A worker recalibrates this task type within a minute."),
        )
        return redirect("feedback:calibration")
