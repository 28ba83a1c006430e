"""/ops: the front page of operations."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.metrics import metrics_for, question_of, segments_offered, task_types_offered
from feedback.metrics_page import bars, measure_rows, measure_titles, page_links, route_rows, step_rows, time_rows
from hitl.accounts.views.base import Page, reason_of
from hitl.core.errors import InvalidInput, Refused
from hitl.core.permissions import Permission

WINDOWS = ("24h", "48h", "7d", "30d", "90d")
FIELDS = ("window", "task_type", "segment", "model_version")


class OperationsPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """The last 24 whole hours unless the address says otherwise; what it says wrongly is named and left out."""
        asked = {name: request.GET.get(name, "").replace("\x00", "") for name in FIELDS}
        problem = ""
        try:
            question = question_of(self.actor, asked)
        except (InvalidInput, Refused) as error:
            problem, asked = reason_of(error), dict.fromkeys(FIELDS, "")
            question = question_of(self.actor, asked)
        found = metrics_for(self.actor, question)
        rest = {name: value for name, value in asked.items() if value and name != "window"}
        context = {
            "found": found,
            "asked": asked,
            "problem": problem,
            "windows": [(window, urlencode(rest | {"window": window})) for window in WINDOWS],
            "task_types": task_types_offered(self.actor),
            "segments": segments_offered(self.actor, question, found.until),
            "measures": measure_rows(found),
            "routes": route_rows(found),
            "times": time_rows(found),
            "titles": measure_titles(),
            "steps": step_rows(found),
            "bars": bars(found),
            "links": list(page_links(self.actor)),
        }
        return render(request, "feedback/operations.html", context, status=400 if problem else 200)
