"""/queues/<q>/reviews: what waits there and why it stands where it does; /reviews/<id>/assign: for one person."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, reason_of
from hitl.core.actors import Actor
from hitl.core.errors import DomainError, NotFound
from hitl.core.permissions import Permission
from reviews.access import desk_of, queue_for_actor
from reviews.actions.assignment import assign_review, unassign_review
from reviews.models import Queue, ReviewTask
from reviews.people import qualified
from reviews.queue_rows import SHOWS, reviews_of_queue
from reviews.saved_filters import filters_of
from reviews.views.shapes import case_head


def order_is_sealed(actor: Actor, queue: Queue) -> bool:
    """Whether the order of this queue would tell this person what the machine said."""
    return queue.may_seal and any(q.id == queue.pk for q in desk_of(actor).claimable())


class QueueReviews(Page):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Fifty at a time; `show` chooses which."""
        queue = queue_for_actor(self.actor, slug)
        show = request.GET.get("show", "next")
        show = show if show in SHOWS else "next"
        sealed = order_is_sealed(self.actor, queue)
        found = reviews_of_queue(
            queue, show=show, sealed=sealed, viewer=self.actor.user_id, cursor=request.GET.get("cursor") or None
        )
        context = {
            "queue": queue,
            "rows": [(row, case_head(row.case)) for row in found.rows],
            "show": show,
            "bulk_url": f"/queues/{slug}/bulk" if queue.allow_pick and not queue.may_seal else "",
            "shows": SHOWS.items(),
            "sealed": sealed,
            "may_assign": self.actor.may(Permission.ASSIGN_REVIEWS),
            "saved": filters_of(self.actor, "queue"),
            "place": "queue",
            "current": urlencode({"queue": slug, "show": show}),
            "next_url": f"?{urlencode({'show': show, 'cursor': found.next})}" if found.next else None,
        }
        return render(request, "reviews/queue_reviews.html", context)


class Assign(Page):
    permission = Permission.ASSIGN_REVIEWS

    def get(self, request: HttpRequest, review_id: uuid.UUID) -> HttpResponse:
        return self.page(request, review_id)

    def post(self, request: HttpRequest, review_id: uuid.UUID) -> HttpResponse:
        """To somebody, or to nobody any more."""
        review = self.review(review_id)
        to, note = request.POST.get("to", ""), request.POST.get("note", "")[:2000]
        try:
            if to:
                instead_of = request.POST.get("instead_of") or None
                assign_review(actor=self.actor, review_id=review_id, to=to, note=note, instead_of=instead_of)
            else:
                unassign_review(actor=self.actor, review_id=review_id, reason=note)
        except DomainError as error:
            return self.page(request, review_id, error=reason_of(error))
        messages.success(request, _("Assigned.") if to else _("Open to everybody again."))
        return redirect("reviews:queue-reviews", review.queue.slug)

    def page(self, request: HttpRequest, review_id: uuid.UUID, *, error: str = "") -> HttpResponse:
        """Whom it may be given."""
        review = self.review(review_id)
        context = {
            "review": review,
            "case": case_head(review.case),
            "people": qualified(review, review.queue),
            "open": review.status in ReviewTask.IDLE,
            "error": error,
        }
        return render(request, "reviews/assign.html", context, status=422 if error else 200)

    def review(self, review_id: uuid.UUID) -> ReviewTask:
        """Of this workspace. Raises NotFound."""
        rows = ReviewTask.objects.filter(pk=review_id, workspace_id=self.actor.workspace_id)
        review = rows.select_related("queue__tier", "assigned_to", "case__task_type").first()
        if review is None:
            raise NotFound()
        return review
