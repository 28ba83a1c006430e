"""/ops/retraining: why a model should be trained anew, on which data, and what people answered."""

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.access import visible_suggestions
from feedback.actions.retraining import answer_suggestion
from feedback.learning_settings import RecalibrationSettings, settings_of
from feedback.selectors import task_types_for_actor
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import Refused
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class LimitsRow:
    """When a task type's models are suggested for training. wrong: what is mistyped in its settings, else empty."""

    task_type: TaskType
    settings: RecalibrationSettings
    wrong: str

    @property
    def override_percent(self) -> float:
        return 100.0 * self.settings.retraining.override_rate


class RetrainingPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Suggestions, newest first, and the limits in force."""
        page = page_by_id(visible_suggestions(self.actor), limit=20, cursor=request.GET.get("cursor"))
        context = {
            "rows": page.rows,
            "limits": [_limits(task_type) for task_type in task_types_for_actor(self.actor)],
            "may_answer": self.actor.may(Permission.WRITE_POLICIES),
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/retraining.html", context)


class AnswerRetraining(Page):
    permission = Permission.WRITE_POLICIES

    def post(self, request: HttpRequest, suggestion_id: uuid.UUID) -> HttpResponse:
        """Acknowledge or dismiss one, with a reason."""
        status, reason = request.POST.get("status", ""), request.POST.get("reason", "").replace("\x00", "")
        attempt(
            request,
            lambda: answer_suggestion(actor=self.actor, suggestion_id=suggestion_id, status=status, reason=reason),
            _("Your answer is recorded."),
        )
        return redirect("feedback:retraining")


def _limits(task_type: TaskType) -> LimitsRow:
    try:
        return LimitsRow(task_type, settings_of(task_type), "")
    except Refused as refusal:
        return LimitsRow(task_type, RecalibrationSettings(), refusal.detail)
