"""/appeals and /appeals/<id>: what is contested, and what became of it. Sealed for whoever may yet judge it."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hitl.accounts.views.base import Page
from hitl.core.pagination import page_by_id
from reviews.access import desk_of, sealed_ids
from reviews.appeals import appeal_for_actor, appeals_for_actor
from reviews.decision_chain import chain_shown
from reviews.models import Appeal, Report
from reviews.views.shapes import case_head, title_of
from routing.access import visible_task_types

PAGE = 50
STATES = ("open", "resolved")


class AppealListPage(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first; by state and kind."""
        desk = desk_of(self.actor)
        state, kind = request.GET.get("status", ""), request.GET.get("task_type", "")
        rows = appeals_for_actor(self.actor, desk)
        if state in STATES:
            rows = rows.filter(resolved_at__isnull=state == "open")
        if kind:
            rows = rows.filter(task_type__slug=kind)
        page = page_by_id(rows, limit=PAGE, cursor=request.GET.get("cursor") or None)
        sealed = sealed_ids(self.actor, [a.case for a in page.rows], desk)
        query = {"status": state, "task_type": kind, "cursor": page.next or ""}
        context = {
            "rows": [_row(a, a.case_id in sealed) for a in page.rows],
            "status": state,
            "task_type": kind,
            "task_types": visible_task_types(self.actor).order_by("title"),
            "next_url": f"/appeals?{urlencode({k: v for k, v in query.items() if v})}" if page.next else None,
        }
        return render(request, "reviews/appeals.html", context)


class AppealPage(Page):
    def get(self, request: HttpRequest, appeal_id: uuid.UUID) -> HttpResponse:
        """One appeal with the chain of decisions and the reports; its head alone while sealed."""
        appeal = appeal_for_actor(self.actor, appeal_id)
        sealed = bool(sealed_ids(self.actor, [appeal.case]))
        context = _row(appeal, sealed)
        if not sealed:
            reports = Report.objects.filter(case_id=appeal.case_id).order_by("-id")[:50]
            context |= {"reason": appeal.reason, "chain": chain_shown(appeal.case), "reports": reports}
        return render(request, "reviews/appeal.html", context)


def _row(appeal: Appeal, sealed: bool) -> dict[str, Any]:
    """What a page shows of an appeal; without decision, outcome and reason while sealed."""
    shown: dict[str, Any] = {
        "appeal": {"id": appeal.pk, "submitted_by": appeal.submitted_by, "created_at": appeal.created_at},
        "case": case_head(appeal.case),
        "queue": appeal.review.queue.title if appeal.review else "",
        "due_at": appeal.review.due_at if appeal.review and appeal.resolved_at is None else None,
        "resolved_at": appeal.resolved_at,
        "sealed": sealed,
    }
    if not sealed:
        shown |= {
            "outcome": appeal.get_outcome_display() if appeal.outcome else "",
            "contested": title_of(appeal.task_type, appeal.decision.label),
            "owner": appeal.decision.get_owner_display(),
            "now": title_of(appeal.task_type, appeal.resolved_label) if appeal.resolved_label else "",
        }
    return shown
