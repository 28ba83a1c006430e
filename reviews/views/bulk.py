"""/queues/<q>/bulk: choose reviews of one kind, one answer for all, confirmed by typing how many."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, reason_of
from hitl.core.errors import DomainError, Refused
from reviews.access import desk_of, queue_for_actor
from reviews.actions.bulk import MOST, BulkJudgement, bulk_problem, check_bulk_queue, judge_in_bulk
from reviews.models import Queue, ReviewTask
from reviews.views.shapes import case_head, title_of
from routing.models import TaskType

UNDO = timedelta(seconds=8)


class Bulk(Page):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self.page(request, queue_for_actor(self.actor, slug))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Judge what was chosen; say what became of each."""
        queue = queue_for_actor(self.actor, slug)
        count = request.POST.get("count", "").strip()
        asked = BulkJudgement(
            queue=slug,
            task_type=request.POST.get("task_type", ""),
            label=request.POST.get("label", ""),
            reasoning=request.POST.get("reasoning", "")[:20_000],
            review_ids=[key for text in request.POST.getlist("review")[:200] if (key := _uuid(text))],
            count=int(count[:4]) if count.isascii() and count.isdigit() else 0,
        )
        try:
            items = judge_in_bulk(actor=self.actor, asked=asked, hold=UNDO)
        except DomainError as error:
            return self.page(request, queue, error=reason_of(error))
        done = sum(item.error is None for item in items)
        messages.success(request, _("%(done)s of %(all)s decided.") % {"done": done, "all": len(items)})
        for item in items:
            if item.error is not None:
                messages.warning(request, f"{str(item.review_id)[-6:]}: {item.error.said}")
        return redirect("reviews:bulk", slug)

    def page(self, request: HttpRequest, queue: Queue, *, error: str = "") -> HttpResponse:
        """What may be decided together, of one task type."""
        try:
            check_bulk_queue(queue)
            if not any(q.id == queue.pk for q in desk_of(self.actor).claimable()):
                raise Refused(_("You may not claim from this queue."), code="bulk_not_allowed")
        except Refused as refused:
            return render(request, "reviews/bulk.html", {"queue": queue, "refused": refused.said})
        kind = queue.task_type or self.task_type(request)
        context: dict[str, Any] = {
            "queue": queue,
            "task_type": kind,
            "task_types": None if queue.task_type else TaskType.objects.filter(workspace_id=self.actor.workspace_id),
            "rows": self.rows(queue, kind) if kind else [],
            "most": MOST,
            "error": error,
            "chosen": request.POST.getlist("review"),
            "label": request.POST.get("label", ""),
        }
        return render(request, "reviews/bulk.html", context, status=422 if error else 200)

    def task_type(self, request: HttpRequest) -> TaskType | None:
        rows = TaskType.objects.filter(workspace_id=self.actor.workspace_id)
        return rows.filter(slug=request.GET.get("task_type") or request.POST.get("task_type", "")).first()

    def rows(self, queue: Queue, kind: TaskType) -> list[dict[str, Any]]:
        """The next fifty in the order of service that may be decided together, each with what the machine said."""
        waiting = ReviewTask.objects.filter(queue=queue, status="waiting", case__task_type=kind)
        found = waiting.select_related("case__content", "case__task_type").order_by("order_key", "id")[:50]
        reviews = [r for r in found if not bulk_problem(r, queue, kind)]
        return [
            {
                "id": str(r.pk),
                "head": case_head(r.case),
                "evidence": r.case.content.key_evidence[:3],
                "machine": title_of(kind, r.case.content.prediction["label"]) if r.case.content.prediction else "",
                "due_at": r.due_at,
            }
            for r in reviews
        ]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
