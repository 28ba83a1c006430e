"""The supervisor's pages of learning: which regions people have judged, and where they overrule the machine."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.disagreement_page import disagreement_sections
from feedback.learning_page import LEFT, WIDTH, learning_sections
from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission


class LearningPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Coverage by region of every task type."""
        context = {"sections": learning_sections(self.actor), "width": WIDTH, "left": LEFT}
        return render(request, "feedback/learning.html", context)


class DisagreementPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Where people overrule the machine, and how well a model foresees it."""
        return render(request, "feedback/disagreement.html", {"sections": disagreement_sections(self.actor)})
