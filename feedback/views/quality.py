"""/quality: gold cases and how people fare on them; /quality/mine: one's own results, with what each teaches."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.gold_quality import people_in_queues, results_of, routine_of
from feedback.reviewer_page import queue_card
from feedback.reviewer_quality import mistakes_of, stored_figures
from feedback.tiering import rate
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import NotFound
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from reviews.actions.gold import Answer, gold_from_case, retire_gold
from reviews.actions.standing import allow_another_attempt, resume_reviewer, waive_training
from reviews.actions.training import mark_feedback_seen
from reviews.models import GoldCase, Queue, QueueStanding

PAGE = 50


class QualityPage(Page):
    permission = Permission.AUDIT_DECISIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Who is paused, everybody's accuracy with its interval, and what each queue is set to."""
        context = {
            "people": people_in_queues(self.actor),
            "queues": Queue.objects.filter(workspace_id=self.actor.workspace_id).order_by("title"),
        }
        return render(request, "feedback/quality.html", context)


class StandingVerb(Page):
    permission = Permission.AUDIT_DECISIONS

    def post(self, request: HttpRequest, queue_id: uuid.UUID, user_id: uuid.UUID, verb: str) -> HttpResponse:
        """resume, waive or reopen, with a reason."""
        verbs = {"resume": resume_reviewer, "waive": waive_training, "reopen": allow_another_attempt}
        if verb not in verbs:
            raise NotFound()
        reason = request.POST.get("reason", "")
        attempt(
            request,
            lambda: verbs[verb](actor=self.actor, queue_id=queue_id, user_id=user_id, reason=reason),
            _("Done; it is on record."),
        )
        return redirect("feedback:quality")


class GoldPage(Page):
    permission = Permission.AUDIT_DECISIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        """The gold cases and the training set, and the form that makes one from a decided case."""
        rows = GoldCase.objects.filter(workspace_id=self.actor.workspace_id).select_related("task_type")
        page = page_by_id(rows, limit=PAGE, cursor=request.GET.get("cursor") or None)
        context = {
            "rows": page.rows,
            "next_url": f"?cursor={page.next}" if page.next else None,
            "purposes": GoldCase.Purpose.choices,
            "case_id": request.GET.get("case", ""),
        }
        return render(request, "feedback/gold.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make one from a case."""
        try:
            case_id = uuid.UUID(request.POST.get("case", "").strip())
        except ValueError:
            case_id = uuid.UUID(int=0)
        answer = Answer(
            label=request.POST.get("label", "").strip(),
            explanation=request.POST.get("explanation", "")[:5000],
            machine_wrong="machine_wrong" in request.POST,
            purpose=request.POST.get("purpose", "gold"),
        )
        attempt(request, lambda: gold_from_case(actor=self.actor, case_id=case_id, answer=answer), _("Gold case made."))
        return redirect("feedback:gold")


class RetireGold(Page):
    permission = Permission.AUDIT_DECISIONS

    def post(self, request: HttpRequest, gold_id: uuid.UUID) -> HttpResponse:
        """Serve it no more."""
        reason = request.POST.get("reason", "")
        attempt(request, lambda: retire_gold(actor=self.actor, gold_id=gold_id, reason=reason), _("Retired."))
        return redirect("feedback:gold")


class MyQuality(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """One's own gold cases, figures and mistakes only."""
        results = results_of(self.actor)
        standings = QueueStanding.objects.filter(
            workspace_id=self.actor.workspace_id, user_id=self.actor.person_id
        ).select_related("queue")
        context = {
            "results": results,
            "accuracy": rate(sum(r.right for r in results), len(results)),
            "routine": routine_of(self.actor),
            "paused": [s for s in standings if s.paused_at],
            "unseen": any(not r.seen for r in results),
            "cards": [
                queue_card(found)
                for found in stored_figures(self.actor, [self.actor.person_id]).get(self.actor.person_id, [])
            ],
            "mistakes": mistakes_of(self.actor, self.actor.person_id),
        }
        return render(request, "feedback/my_quality.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """I have read the feedback."""
        mark_feedback_seen(actor=self.actor)
        return redirect("feedback:my-quality")
