"""/ops/drift: what has moved since before, why that may be, and what answers it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.drift_page import drift_sections
from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission


class DriftPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?task_type=` one of them; all unless told."""
        asked = request.GET.get("task_type", "").replace("\x00", "")
        context = {"sections": drift_sections(self.actor, asked), "asked": asked}
        return render(request, "feedback/drift.html", context)
