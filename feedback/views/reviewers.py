"""/quality/reviewers and one reviewer's page: what supervisors see of the quality of work."""

import uuid
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from feedback.access import reviewer_for_actor, reviewers_for_actor
from feedback.reviewer_page import quality_words, queue_card, spread_words
from feedback.reviewer_quality import InQueue, mistakes_of, stored_figures
from hitl.accounts.views.base import Page
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from reviews.models import Reviewer

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A reviewer in one queue; without work only the name."""

    reviewer: Reviewer
    queue: str = ""
    level: str = "–"
    judged: int = 0
    quality: str = "–"
    speed: str = "–"
    signal: bool = False
    stamp: str = "–"


class ReviewersPage(Page):
    permission = Permission.AUDIT_DECISIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Everybody who reviews, a line per queue."""
        page = page_by_id(reviewers_for_actor(self.actor), limit=PAGE, cursor=request.GET.get("cursor") or None)
        figures = stored_figures(self.actor, [reviewer.user_id for reviewer in page.rows])
        context = {
            "rows": [
                row
                for reviewer in page.rows
                for row in ([_row(reviewer, f) for f in figures.get(reviewer.user_id, [])] or [Row(reviewer)])
            ],
            "next_url": f"?cursor={page.next}" if page.next else None,
        }
        return render(request, "feedback/reviewers.html", context)


class ReviewerPage(Page):
    permission = Permission.AUDIT_DECISIONS

    def get(self, request: HttpRequest, reviewer_id: uuid.UUID) -> HttpResponse:
        """One reviewer's figures per queue, and cases whose outcome says otherwise that the reader may see."""
        reviewer = reviewer_for_actor(self.actor, reviewer_id)
        found = stored_figures(self.actor, [reviewer.user_id]).get(reviewer.user_id, [])
        context = {
            "reviewer": reviewer,
            "cards": [queue_card(row) for row in found],
            "mistakes": mistakes_of(self.actor, reviewer.user_id),
        }
        return render(request, "feedback/reviewer.html", context)


def _row(reviewer: Reviewer, found: InQueue) -> Row:
    stamp = found.figures.stamp
    return Row(
        reviewer,
        found.row.queue.title,
        str(found.level.get_level_display()) if found.level else _("not rated yet"),
        found.row.judged,
        quality_words(found.figures),
        spread_words(found.figures.speed.own),
        stamp.status == "signal",
        _("none") if stamp.status == "none" else _("not enough data"),
    )
