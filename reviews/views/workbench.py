"""The case workbench: evidence, judgement, every state of the lease. Expected refusals answer 200 with the partial."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hitl.accounts.pages import page_actor, signed_in
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import DomainError, NotFound
from hitl.core.permissions import Permission
from reviews.access import case_for_actor, claim_for_actor, held_by_actor, kept_apart, revealed, sealed_ids
from reviews.actions import claims as act
from reviews.actions import judgements as judge
from reviews.actions.prefetch import next_held, show_prefetched
from reviews.decision_chain import chain_shown
from reviews.evidence import key_statements
from reviews.handed import handovers_of
from reviews.models import Case, CaseContent, Claim, Judgement, ReviewTask
from reviews.notes import MOST_SHOWN, notes_for_actor
from reviews.place import place_of
from reviews.reasons import reason_required
from reviews.selectors import judged_stages, latest_routings
from reviews.veil import veil_shown
from reviews.views.contested import contested_shown
from reviews.views.evidence import evidence_shown
from reviews.views.forms import FormShown, draft_of, form_shown, read_adjustments, read_label, read_rationale
from reviews.views.gate import gate_shown, read_draft, read_verdict
from reviews.views.guidelines import guideline_panel
from reviews.views.lost import decision_shown, lost_shown
from reviews.views.machine import machine_shown
from reviews.views.panels import with_others
from reviews.views.questions import read_answers
from reviews.views.shapes import case_head, pending_undo, title_of
from reviews.views.work import progress_of
from reviews.visibility import arm_of_claim

UNDO = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class ClaimState:
    """`stage`: first (judge unaided), final, lost, or none (read only)."""

    id: uuid.UUID | None
    token: str | None
    expires_at: datetime | None
    stage: str
    judge_first: bool = False
    first_judgement: dict[str, str] | None = None


NOT_HELD = ClaimState(None, None, None, "none")


@require_GET
@signed_in
def case(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """One case: to judge when I hold it, to read otherwise."""
    actor = page_actor(request)
    found, claim = _case_and_claim(actor, case_id)
    if claim and claim.prefetched and show_prefetched(actor=actor, claim_id=claim.pk):
        claim.refresh_from_db(fields=["shown_at", "expires_at"])
    return render(request, "reviews/case.html", bench_context(request, actor, found, claim))


def _case_and_claim(actor: Actor, case_id: uuid.UUID) -> tuple[Case, Claim | None]:
    claim = (
        Claim.objects.filter(
            workspace_id=actor.workspace_id, user_id=actor.person_id, review__case_id=case_id, status="open"
        )
        .select_related("review__case__task_type", "review__queue__tier", "review__case__queue__tier")
        .first()
    )
    if claim:
        return claim.review.case, claim
    case = case_for_actor(actor, case_id)
    return case, _expired_claim(actor, case)


def _expired_claim(actor: Actor, case: Case) -> Claim | None:
    """My last claim on an open review of the case, where the sweep has ended it."""
    last = (
        Claim.objects.filter(user_id=actor.person_id, review__case_id=case.pk, review__status__in=ReviewTask.OPEN)
        .select_related("review__queue__tier")
        .order_by("-id")
        .first()
    )
    if last is None or last.status != Claim.Status.EXPIRED:
        return None
    last.review.case = case
    return last


def bench_context(
    request: HttpRequest,
    actor: Actor,
    case: Case,
    claim: Claim | None,
    *,
    draft: dict[str, Any] | None = None,
    errors: tuple[str, ...] = (),
    ahead: bool = False,
) -> dict[str, Any]:
    """Everything the page and its partials need. The machine's answer is put in only where it may be seen.

    `ahead`: for a page that is shown later, so without what is of this moment.
    """
    content = CaseContent.objects.get(pk=case.pk)
    said = judged_stages(actor.user_id, [case.pk]).get(case.pk, []) if actor.user_id else []
    state = claim_state(claim, said)
    review = claim.review if claim else case.reviews.filter(status__in=ReviewTask.OPEN).first()
    sealed = _sealed(actor, case, claim, said)
    machine = None if sealed else machine_shown(case, content, latest_routings([case]).get(case.pk))
    handed = handovers_of(review, sealed=sealed) if claim and review else []
    spoken = bool(said) or state.stage == "final"
    return {
        "case": case_head(case),
        "handed": handed,
        "asked": any(step.asks for step in handed),
        "why": place_of(review, review.queue, at=now(), sealed=sealed, viewer=actor.user_id)
        if claim and review
        else "",
        **with_others(actor, case, content, claim, spoken=spoken, sealed=sealed, draft=draft),
        "blocks": evidence_shown(case, content, sealed=machine is None),
        "key_statements": key_statements(content.input, content.key_evidence),
        "claim": state,
        "form": _form(case, content, review if claim else None, said, draft, machine_seen=machine is not None),
        "exclusive": " ".join(case.task_type.decision_form.exclusive),
        "machine": machine,
        "gate": None if sealed else gate_shown(case, content, review),
        "visibility": said[0].visibility if said else "",
        "due_at": review.due_at if review else None,
        "overdue": bool(review and review.due_at < now()),
        "queue": case.queue,
        "tier": case.queue.tier if case.queue else None,
        "progress": progress_of(actor),
        "can": {"skip", "release", "escalate"} if state.id else set(),
        "draft": draft,
        "errors": errors,
        "decision": None if claim or sealed else decision_shown(case),
        "chain": [] if claim or sealed else chain_shown(case),
        "reports": [] if claim or sealed else list(case.reports.order_by("-id")[:20]),
        "contested": contested_shown(claim) if claim and not sealed else None,
        "lost": lost_shown(case, claim, sealed=sealed) if claim and state.stage == "lost" else None,
        "undo": None if ahead else pending_undo(request, actor),
        "show_trace": not sealed and claim is None and not kept_apart(actor, case),
        "facts": content.evidence,
        "veil": veil_shown(actor, case, content),
        "notes": notes_for_actor(actor, case, sealed=sealed).order_by("-id")[:MOST_SHOWN],
        "may_note": actor.may(Permission.REVIEW) or actor.may(Permission.AUDIT_DECISIONS),
        "may_replay": not sealed and actor.may(Permission.READ_AUDIT),
        "guideline": guideline_panel(claim.review.queue if claim else case.queue),
    }


def _sealed(actor: Actor, case: Case, claim: Claim | None, said: list[Judgement]) -> bool:
    if claim is not None and arm_of_claim(claim).sealed and not revealed(said):
        return True
    return (claim is None or claim.token is None) and bool(sealed_ids(actor, [case]))


def claim_state(claim: Claim | None, said: list[Judgement]) -> ClaimState:
    """Which step the holder of `claim` is at."""
    if claim is None:
        return NOT_HELD
    first = next((j for j in said if j.stage == "first"), None)
    judge_first = arm_of_claim(claim).sealed
    stage = "first" if judge_first and first is None else "final"
    shown = None
    if first:
        shown = {"label": first.label, "title": title_of(claim.review.case.task_type, first.label)}
    if claim.token is None or claim.expires_at <= now():
        stage = "lost"
    return ClaimState(claim.pk, claim.token, claim.expires_at, stage, judge_first, shown)


def _form(
    case: Case,
    content: CaseContent,
    review: ReviewTask | None,
    said: list[Judgement],
    draft: dict[str, Any] | None,
    *,
    machine_seen: bool,
) -> FormShown:
    first = next((j for j in said if j.stage == "first" and review and j.review_id == review.pk), None)
    asked = None
    if review and machine_seen:
        case.content = content
        review.case = case
        asked = review.queue.reason_share if reason_required(review, "after") else None
    return form_shown(case, content, draft=draft, first=first, machine_seen=machine_seen, reason=asked)


# --- judging ----------------------------------------------------------------------------------------------------------


@require_POST
@signed_in
def first_judgement(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Store the unaided judgement, then show what the arm shows."""
    actor = page_actor(request)
    held = held_by_actor(actor, claim_id)
    claim, draft = held.claim, _draft(request, held.claim)
    try:
        judge.record_first_judgement(
            actor=actor,
            held=held,
            token=request.POST.get("token", ""),
            label=read_label(request.POST),
            confidence=_confidence(request),
            adjustments=read_adjustments(request.POST, claim.review.case.task_type.decision_form),
            rationale=read_rationale(request.POST),
        )
    except DomainError as error:
        return _refused(request, actor, claim, error, draft)
    return _answer(request, actor, claim)


@require_POST
@signed_in
def judgement(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Record the final word, held for the undo window, and go on with the next case."""
    actor = page_actor(request)
    claim = claim_for_actor(actor, claim_id)
    said = judge.Said(
        label=read_label(request.POST),
        reasoning=request.POST.get("reasoning", "")[:20_000],
        confidence=_confidence(request),
        override_category=request.POST.get("override_category", "")[:40],
        adjustments=read_adjustments(request.POST, claim.review.case.task_type.decision_form),
        rationale=read_rationale(request.POST),
        suggested_label=request.POST.get("suggested_label", "").strip()[:100],
        approval=read_verdict(request.POST),
        answers=read_answers(request.POST),
    )
    try:
        token = request.POST.get("token", "")
        judge.record_judgement(actor=actor, claim_id=claim_id, token=token, said=said, hold=UNDO)
    except DomainError as error:
        return _refused(request, actor, claim, error, _draft(request, claim))
    return arrived(request, actor) or _go(request, _next_url(actor))


def _next_url(actor: Actor) -> str:
    """The next case to judge: one still held, else a newly claimed one, else /work."""
    held = next_held(actor)
    if held is not None:
        return f"/cases/{held.review.case_id}"
    try:
        found = act.claim_next_review(actor=actor)
    except DomainError:
        found = None
    return f"/cases/{found.claim.review.case_id}" if found else "/work"


def _go(request: HttpRequest, url: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def arrived(request: HttpRequest, actor: Actor) -> HttpResponse | None:
    """The prefetched case that the page already has is shown now: what of it is new. Null: it is no longer held."""
    try:
        claim = claim_for_actor(actor, uuid.UUID(request.POST.get("next", "")))
    except (ValueError, NotFound):
        return None
    shown = claim.prefetched and show_prefetched(actor=actor, claim_id=claim.pk)
    if shown:
        claim.refresh_from_db(fields=["shown_at", "expires_at"])
    if claim.token is None or claim.expires_at <= now():
        return None
    said = judged_stages(actor.person_id, [claim.review.case_id]).get(claim.review.case_id, [])
    context = {"claim": claim_state(claim, said), "progress": progress_of(actor), "undo": pending_undo(request, actor)}
    response = render(request, "reviews/_arrived.html", context)
    response["Hitl-Next"] = f"/cases/{claim.review.case_id}"
    return response


def _answer(request: HttpRequest, actor: Actor, claim: Claim) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect("reviews:case", claim.review.case_id)
    claim = claim_for_actor(actor, claim.pk)
    return render(request, "reviews/_decision.html", bench_context(request, actor, claim.review.case, claim))


def _refused(
    request: HttpRequest, actor: Actor, claim: Claim, error: DomainError, draft: dict[str, Any]
) -> HttpResponse:
    """The same place again with the reason and the draft; nothing is lost."""
    claim = claim_for_actor(actor, claim.pk)
    context = bench_context(request, actor, claim.review.case, claim, draft=draft, errors=(error.said,))
    if error.code == "claim_lost":
        context["claim"] = ClaimState(claim.pk, None, None, "lost")
        said = judged_stages(claim.user_id, [claim.review.case_id]).get(claim.review.case_id, [])
        sealed = _sealed(actor, claim.review.case, claim, said)
        context["lost"] = lost_shown(claim.review.case, claim, sealed=sealed)
    template = "reviews/_decision.html" if request.headers.get("HX-Request") else "reviews/case.html"
    return render(request, template, context)


def _draft(request: HttpRequest, claim: Claim) -> dict[str, Any]:
    draft: dict[str, Any] = {
        name: request.POST.get(name, "") for name in ("reasoning", "confidence", "override_category")
    }
    draft |= draft_of(request.POST, claim.review.case.task_type.decision_form)
    draft["answers"] = read_answers(request.POST)
    draft["gate"] = read_draft(request.POST)
    draft["title"] = title_of(claim.review.case.task_type, draft["label"])
    return draft


def _confidence(request: HttpRequest) -> float | None:
    try:
        value = float(request.POST.get("confidence", ""))
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


# --- the lease --------------------------------------------------------------------------------------------------------


@require_POST
@signed_in
def renew(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Hold longer."""
    actor = page_actor(request)
    claim = claim_for_actor(actor, claim_id)
    try:
        act.renew_claim(actor=actor, claim_id=claim_id, token=request.POST.get("token", ""))
    except DomainError as error:
        response = _refused(request, actor, claim, error, {})
        response["HX-Retarget"], response["HX-Reswap"] = "#decision", "outerHTML"
        return response
    if not request.headers.get("HX-Request"):
        return redirect("reviews:case", claim.review.case_id)
    claim = claim_for_actor(actor, claim_id)
    return render(request, "reviews/_lease.html", bench_context(request, actor, claim.review.case, claim))


def _leave(request: HttpRequest, claim_id: uuid.UUID, action: Callable[..., Claim], said: str) -> HttpResponse:
    actor = page_actor(request)
    claim = claim_for_actor(actor, claim_id)
    try:
        action(
            actor=actor,
            claim_id=claim_id,
            token=request.POST.get("token", ""),
            reason=request.POST.get("reason", "")[:2000],
        )
    except DomainError as error:
        if error.code == "claim_lost":
            messages.warning(request, error.said)
            return redirect("reviews:work")
        return _refused(request, actor, claim, error, {})
    messages.success(request, said)
    return redirect("reviews:work")


@require_POST
@signed_in
def release(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Put back."""
    return _leave(request, claim_id, act.release_claim, _("Put back for others."))


@require_POST
@signed_in
def skip(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Put back and never see it again."""
    return _leave(request, claim_id, act.skip_claim, _("Skipped; you will not get this case again."))


@require_POST
@signed_in
def escalate(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Hand to the next tier."""
    return _leave(request, claim_id, act.escalate_claim, _("Handed to the next tier."))


@require_POST
@signed_in
def undo(request: HttpRequest, judgement_id: uuid.UUID) -> HttpResponse:
    """Take the last judgement back while its effects wait."""
    actor = page_actor(request)
    try:
        claim = judge.undo_judgement(actor=actor, judgement_id=judgement_id)
    except NotFound:
        raise
    except DomainError as error:
        messages.warning(request, error.said)
        return redirect("reviews:work")
    case_id = Claim.objects.values_list("review__case_id", flat=True).get(pk=claim.pk)
    messages.success(request, _("Taken back; the case is yours again."))
    return redirect("reviews:case", case_id)
