"""/claims/<id>/hand-on: every way to hand a case on instead of judging it."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, localtime, make_aware
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, reason_of
from hitl.core.clock import now
from hitl.core.errors import DomainError
from hitl.core.pagination import page_by_id
from reviews.access import claim_for_actor, sealed_ids, visible_cases
from reviews.actions import handovers as act
from reviews.handed import handover_out, handovers_with
from reviews.models import Claim
from reviews.people import qualified
from reviews.views.shapes import case_head

_SNOOZES = (("15", "15 minutes"), ("60", "1 hour"), ("240", "4 hours"), ("1440", "1 day"), ("10080", "7 days"))


class HandOn(Page):
    def get(self, request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
        return self.page(request, claim_for_actor(self.actor, claim_id))

    def post(self, request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
        """One verb; back to work, or the same page with what was wrong."""
        claim = claim_for_actor(self.actor, claim_id)
        verbs: dict[str, tuple[Callable[[HttpRequest, Claim], object], str]] = {
            "snooze": (self.snooze, _("Put off; it comes back by itself.")),
            "transfer": (self.transfer, _("Handed on.")),
            "return": (self.give_back, _("Handed back.")),
            "conflict": (self.step_back, _("Others will judge it.")),
        }
        action, said = verbs.get(request.POST.get("verb", ""), (None, ""))
        if action is None:
            return redirect("reviews:hand-on", claim_id)
        try:
            action(request, claim)
        except DomainError as error:
            if error.code == "claim_lost":
                messages.warning(request, error.said)
                return redirect("reviews:work")
            return self.page(request, claim, error=reason_of(error))
        messages.success(request, said)
        return redirect("reviews:work")

    def page(self, request: HttpRequest, claim: Claim, *, error: str = "") -> HttpResponse:
        """The forms, with what was sent."""
        review = claim.review
        colleagues = [p for p in qualified(review, review.queue) if p.id != claim.user_id]
        context = {
            "case": case_head(review.case),
            "claim": claim,
            "colleagues": colleagues,
            "queues": act.suitable_queues(review),
            "came": act.came_from(review, claim.user_id),
            "snoozes": [(value, _(title)) for value, title in _SNOOZES],
            "due_at": review.due_at,
            "overdue": review.due_at < now(),
            "latest": localtime(now() + act.LONGEST_SNOOZE),
            "error": error,
            "sent": request.POST,
        }
        return render(request, "reviews/hand_on.html", context, status=422 if error else 200)

    def common(self, request: HttpRequest, claim: Claim) -> dict[str, Any]:
        return {"actor": self.actor, "claim_id": claim.pk, "token": request.POST.get("token", "")}

    def snooze(self, request: HttpRequest, claim: Claim) -> object:
        """For one of the spans offered, or until the time written."""
        reason, to_me = request.POST.get("reason", "")[:2000], "to_me" in request.POST
        return act.snooze_claim(**self.common(request, claim), until=_until(request), reason=reason, to_me=to_me)

    def transfer(self, request: HttpRequest, claim: Claim) -> object:
        """`to` is a person or, with a colon before it, a queue."""
        wanted, note = request.POST.get("to", ""), request.POST.get("note", "")[:2000]
        queue, to = (wanted[1:], "") if wanted.startswith(":") else ("", wanted)
        return act.transfer_claim(**self.common(request, claim), to=to, queue=queue, note=note)

    def give_back(self, request: HttpRequest, claim: Claim) -> object:
        return act.return_claim(**self.common(request, claim), reason=request.POST.get("reason", "")[:2000])

    def step_back(self, request: HttpRequest, claim: Claim) -> object:
        note, remember = request.POST.get("note", "")[:2000], "remember" in request.POST
        return act.declare_conflict(**self.common(request, claim), note=note, remember=remember)


class Handovers(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """What I handed on or was handed, with the answers to my questions; newest first."""
        rows = handovers_with(self.actor.workspace_id, self.actor.person_id).select_related("review__case__task_type")
        page = page_by_id(rows, limit=50, cursor=request.GET.get("cursor") or None)
        cases = [row.review.case for row in page.rows]
        sealed = sealed_ids(self.actor, cases)
        seen = set(visible_cases(self.actor).filter(pk__in=[c.pk for c in cases]).values_list("pk", flat=True))
        steps = [
            (handover_out(row, sealed=case.pk in sealed), case_head(case), case.pk in seen)
            for row, case in zip(page.rows, cases, strict=True)
        ]
        context = {"steps": steps, "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None}
        return render(request, "reviews/handovers.html", context)


class Answer(Page):
    def post(self, request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
        """Answer the question the case came with; the case stays."""
        claim = claim_for_actor(self.actor, claim_id)
        token, answer = request.POST.get("token", ""), request.POST.get("answer", "")[:2000]
        try:
            act.answer_question(actor=self.actor, claim_id=claim_id, token=token, answer=answer)
        except DomainError as error:
            messages.warning(request, reason_of(error))
        else:
            messages.success(request, _("Your answer was sent."))
        return redirect("reviews:case", claim.review.case_id)


def _until(request: HttpRequest) -> datetime:
    """The moment chosen; the past where it is no time, which the action refuses."""
    minutes = request.POST.get("minutes", "")
    if minutes in dict(_SNOOZES):
        return now() + timedelta(minutes=int(minutes))
    try:
        found = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        found = None
    if found is None:
        return now() - timedelta(seconds=1)
    return make_aware(found, get_current_timezone()) if is_naive(found) else found
