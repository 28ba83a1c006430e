"""/cases/<id>/label: why a label is what it is. /ops/labels: majority and Dawid–Skene side by side."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.crowd_report import crowd_report
from feedback.label_explained import case_with_label, label_explained
from feedback.selectors import task_types_for_actor
from feedback.tiering import rate
from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission


class CaseLabelPage(Page):
    permission = Permission.EXPORT

    def get(self, request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
        """Missing while sealed for this person, as the case's path is."""
        case = case_with_label(self.actor, case_id)
        context = {"case": case, "label": label_explained(case)}
        return render(request, "feedback/case_label.html", context)


class LabelsPage(Page):
    permission = Permission.EXPORT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Every task type's newest fit."""
        report = crowd_report(self.actor, list(task_types_for_actor(self.actor)))
        sections = [(found, rate(found.agreeing, found.compared)) for found in report.results]
        return render(request, "feedback/labels.html", {"sections": sections})
