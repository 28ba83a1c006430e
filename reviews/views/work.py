"""/work and /queues: what waits for me."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hitl.accounts.pages import page_actor, signed_in
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, DomainError, Forbidden
from hitl.core.permissions import Permission
from reviews.access import Desk, Held, case_for_actor, desk_of, queue_for_actor, visible_queues
from reviews.actions.claims import claim_next_review, claim_review
from reviews.actions.expiry import expire_claims
from reviews.learning_selectors import lessons_in
from reviews.models import Claim, Judgement, Queue, ReviewTask
from reviews.queue_stats import QueueStats, stats_of
from reviews.views.shapes import CaseHead, Progress, case_head, pending_undo


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue as the tables show it."""

    slug: str
    title: str
    task_type: object
    depth: int
    overdue: int
    oldest: datetime | None
    can_claim: bool


@dataclass(frozen=True, slots=True)
class HeldRow:
    case: CaseHead
    queue: Queue
    expires_at: datetime


def home(request: HttpRequest) -> HttpResponse:
    """The front door: reviewers to their work, others to the cases."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    return redirect("reviews:work" if page_actor(request).may(Permission.REVIEW) else "reviews:cases")


@require_GET
@signed_in
def work(request: HttpRequest) -> HttpResponse:
    """My queues, what I hold, and the next case."""
    actor = page_actor(request)
    desk = desk_of(actor)
    claimable = {q.id for q in desk.claimable()}
    rows, stats = queue_rows([q for q in visible_queues(actor, desk) if q.pk in claimable], desk)
    has_waiting = any(row.depth for row in rows)
    context = {
        "queues": rows,
        "has_waiting": has_waiting,
        "next_due_at": None if has_waiting else held_elsewhere(actor, list(stats)),
        "claims": held_by(actor),
        "progress": progress_of(actor),
        "undo": pending_undo(request, actor),
        "reviewer": desk.reviewer_id is not None,
        "blocked": [q for q in desk.claimable() if q.blocked],
    }
    return render(request, "reviews/work.html", context)


@require_GET
@signed_in
def queues(request: HttpRequest) -> HttpResponse:
    """Every queue I may see."""
    actor = page_actor(request)
    desk = desk_of(actor)
    rows, _stats = queue_rows(list(visible_queues(actor, desk)[:200]), desk)
    return render(request, "reviews/queue_list.html", {"queues": rows})


@require_GET
@signed_in
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """One queue: how it stands, how it works, and its next case."""
    actor = page_actor(request)
    desk = desk_of(actor)
    found = queue_for_actor(actor, slug)
    rows, stats = queue_rows([found], desk)
    lessons = lessons_in(found, actor, desk)
    context = {"queue": found, "row": rows[0], "stats": stats[found.pk], "queues": rows, "lessons": lessons}
    return render(request, "reviews/queue.html", context)


@require_POST
@signed_in
def claim_next(request: HttpRequest) -> HttpResponse:
    """Claim the next case, of one queue if named, or take one back after a lost lease; then show it."""
    actor = page_actor(request)
    wanted = request.POST.get("case", "")
    try:
        held = _take_back(actor, wanted) if wanted else None
        queue = request.POST.get("queue") or None
        ahead = None if held or queue else unshown(actor)
        if ahead is not None:
            return redirect("reviews:case", ahead.review.case_id)
        held = held or claim_next_review(actor=actor, queue=queue)
    except (Conflict, Forbidden) as error:
        return _refused(request, actor, error)
    if held is None:
        messages.info(request, _("Nothing waits for you at the moment."))
        return redirect("reviews:work")
    return redirect("reviews:case", held.claim.review.case_id)


def unshown(actor: Actor) -> Claim | None:
    """A case taken ahead of time whose page was left before it was shown."""
    held = Claim.objects.filter(
        user_id=actor.person_id, workspace_id=actor.workspace_id, status="open", expires_at__gt=now()
    )
    return held.filter(prefetched=True, shown_at__isnull=True).select_related("review").first()


def _take_back(actor: Actor, wanted: str) -> Held | None:
    """The person's earlier review of this case, if it still waits; null falls back to the next one."""
    try:
        case = case_for_actor(actor, uuid.UUID(wanted))
    except (ValueError, DomainError):
        return None
    if Claim.objects.filter(
        review__case_id=case.pk, user_id=actor.person_id, status="open", expires_at__lte=now()
    ).exists():
        expire_claims()  # it ran out, but no sweep has returned it yet
    review = (
        ReviewTask.objects.filter(case_id=case.pk, status="waiting", claims__user_id=actor.person_id)
        .order_by("id")
        .first()
    )
    return None if review is None else claim_review(actor=actor, review_id=review.pk, again=True)


def _refused(request: HttpRequest, actor: Actor, error: DomainError) -> HttpResponse:
    """At the cap, go on with what is held; otherwise say why."""
    messages.warning(request, error.said)
    return redirect("reviews:work")


def queue_rows(found: list[Queue], desk: Desk) -> tuple[list[QueueRow], dict[uuid.UUID, QueueStats]]:
    """Rows with their figures; one query for all queues."""
    stats = stats_of([q.pk for q in found])
    claimable = {q.id for q in desk.claimable()}
    rows = [
        QueueRow(
            slug=q.slug,
            title=q.title,
            task_type=q.task_type or {"title": _("General")},
            depth=stats[q.pk].depth,
            overdue=stats[q.pk].overdue,
            oldest=stats[q.pk].oldest_at,
            can_claim=q.pk in claimable,
        )
        for q in found
    ]
    return rows, stats


def held_elsewhere(actor: Actor, queue_ids: list[uuid.UUID]) -> datetime | None:
    """When the next case of these queues is due that a colleague holds, and may give back; null without any."""
    theirs = Claim.objects.filter(review__queue_id__in=queue_ids, status="open").exclude(user_id=actor.person_id)
    due: datetime | None = theirs.aggregate(due=Min("review__due_at"))["due"]
    return due


def held_by(actor: Actor) -> list[HeldRow]:
    """My open claims, the one that ends first on top."""
    claims = (
        Claim.objects.filter(workspace_id=actor.workspace_id, user_id=actor.person_id, status="open")
        .select_related("review__case__task_type", "review__queue")
        .exclude(prefetched=True, shown_at__isnull=True)
        .order_by("expires_at")
    )
    return [HeldRow(case_head(c.review.case), c.review.queue, c.expires_at) for c in claims]


def progress_of(actor: Actor) -> Progress:
    """What this person has decided today (UTC)."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    done = Judgement.objects.filter(
        user_id=actor.person_id, stage="final", undone_at__isnull=True, created_at__gte=today
    ).count()
    return Progress(done, None)
