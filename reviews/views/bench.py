"""What stands beside judging on the workbench: notes, the case that comes next, and the course of a judgement."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hitl.accounts.pages import page_actor, signed_in
from hitl.core.errors import Forbidden, InvalidInput, NotFound
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from reviews.access import case_for_actor, kept_apart, sealed_ids
from reviews.actions.notes import write_note
from reviews.actions.prefetch import prefetch_next_review
from reviews.interactions import courses_of
from reviews.models import Interactions
from reviews.notes import MOST_SHOWN, notes_for_actor
from reviews.views.shapes import case_head
from reviews.views.words import course_shown
from reviews.views.workbench import bench_context

COURSES = 20


@require_POST
@signed_in
def notes(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Note something on a case; answers with its notes."""
    actor = page_actor(request)
    case = case_for_actor(actor, case_id)
    problem = ""
    try:
        write_note(actor=actor, case=case, text=request.POST.get("text", ""))
    except InvalidInput as error:
        problem = " ".join(p.said for p in error.errors) or error.said
    if not request.headers.get("HX-Request"):
        if problem:
            messages.error(request, problem)
        return redirect("reviews:case", case_id)
    context = {
        "case": case_head(case),
        "notes": notes_for_actor(actor, case).order_by("-id")[:MOST_SHOWN],
        "may_note": True,
        "problem": problem,
        "draft": request.POST.get("text", "") if problem else "",
        "said": "" if problem else _("Noted."),
    }
    return render(request, "reviews/_notes.html", context)


@require_POST
@signed_in
def prefetch(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """The whole page of the case that comes next, as its own address would show it; 204 where none is to be had."""
    actor = page_actor(request)
    try:
        held = prefetch_next_review(actor=actor, claim_id=claim_id)
    except Forbidden:
        held = None
    if held is None:
        return HttpResponse(status=204)
    case = held.claim.review.case
    response = render(request, "reviews/case.html", bench_context(request, actor, case, held.claim, ahead=True))
    response["Hitl-Claim"], response["Hitl-Next"] = str(held.claim.pk), f"/cases/{case.pk}"
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@signed_in
def interactions(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """How each judgement of a case came about, step by step. Missing while sealed for this person."""
    actor = page_actor(request)
    actor.require(Permission.READ_AUDIT)
    case = case_for_actor(actor, case_id)
    if sealed_ids(actor, [case]) or kept_apart(actor, case):
        raise NotFound()
    rows = Interactions.objects.filter(case_id=case.pk, workspace_id=actor.workspace_id).select_related("claim__user")
    page = page_by_id(rows, limit=COURSES, cursor=request.GET.get("cursor") or None)
    context = {
        "case": case_head(case),
        "courses": [course_shown(course, case.task_type) for course in courses_of(page.rows)],
        "next_url": f"/cases/{case.pk}/interactions?cursor={page.next}" if page.next else None,
    }
    return render(request, "reviews/interactions.html", context)
