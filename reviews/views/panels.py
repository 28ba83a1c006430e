"""What pages show of a panel: one's own step of the scheme, what others said once one may know, and conflicts."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hitl.accounts.pages import page_actor, signed_in
from hitl.core.actors import Actor
from hitl.core.errors import DomainError, Forbidden, NotFound
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from reviews.access import claim_for_actor, conflict_for_actor, conflicts_for_actor, desk_of, kept_apart, kept_apart_ids
from reviews.actions.opinions import ASKER, ask_second_opinion, opinion_for
from reviews.actions.panels import settle_panel
from reviews.engine.declared import read_scheme
from reviews.engine.schemes import ADJUDICATOR, Kind, Scheme
from reviews.models import Case, CaseContent, Claim, Panel, ReviewTask
from reviews.panel_selectors import SeatRow, is_blind, panels_of, seats_of, title_of_seat
from reviews.views.questions import label_follows, questions_shown
from reviews.views.shapes import CaseHead, case_head, title_of
from routing.models import TaskType

PAGE = 50


@dataclass(frozen=True, slots=True)
class Said:
    """One person's word. `label` empty while the seat is open."""

    title: str
    reviewer: str
    label: str
    reasoning: str


@dataclass(frozen=True, slots=True)
class PanelShown:
    """`step`: what my review is, in words; `others`: for an adjudicator who has judged; `seats`: once it has ended."""

    step: str
    others: list[Said]
    seats: list[Said]
    explanation: str


def with_others(
    actor: Actor,
    case: Case,
    content: CaseContent,
    claim: Claim | None,
    *,
    spoken: bool,
    sealed: bool,
    draft: dict[str, Any] | None,
) -> dict[str, Any]:
    """What the page of a case adds where several judge it, or where it is split into questions."""
    asked = questions_shown(case, content, claim, sealed=sealed, draft=draft) if spoken else []
    return {
        "questions": asked,
        "label_follows": label_follows(asked),
        "can_ask": claim is not None and may_ask(claim.review),
        "panel": panel_shown(actor, case, claim, spoken=spoken, sealed=sealed),
    }


def panel_shown(actor: Actor, case: Case, claim: Claim | None, *, spoken: bool, sealed: bool) -> PanelShown | None:
    """The panel of a case for this person; null where there is none, or nothing of it is theirs to know.

    `spoken`: they have said what they think, or need not do so first.
    """
    if claim is not None:
        if claim.review.panel_id is None:
            return _opinion(claim.review, case, spoken=spoken)
        return _of_holder(claim, case, spoken=spoken)
    panel = panels_of([case.pk]).get(case.pk)
    if panel is None or sealed or kept_apart(actor, case):
        return None
    seats = [_said(row, case.task_type, named=True) for row in seats_of(panel)]
    return PanelShown("", [], seats, panel.explanation)


def _opinion(review: ReviewTask, case: Case, *, spoken: bool) -> PanelShown | None:
    """The second opinion I asked for, once it is there and I have said what I think."""
    if review.kind == ReviewTask.Kind.OPINION:
        return PanelShown(_("A colleague asks for your opinion, blind. It decides nothing."), [], [], "")
    if review.seat != ASKER:
        return None
    given = opinion_for(review)
    if given is None:
        return PanelShown(_("You asked for a second opinion; it is not there yet."), [], [], "")
    if not spoken:
        return PanelShown(_("The second opinion is there. You see it once you have judged."), [], [], "")
    title = title_of(case.task_type, given.label)
    return PanelShown("", [Said(_("Second opinion"), "", title, given.reasoning)], [], "")


def may_ask(review: ReviewTask) -> bool:
    """Whether its holder may ask for a second opinion: once, and not where others judge the case anyway."""
    return review.panel_id is None and review.kind != ReviewTask.Kind.OPINION and review.seat != ASKER


def _of_holder(claim: Claim, case: Case, *, spoken: bool) -> PanelShown:
    assert claim.review.panel_id is not None
    panel = Panel.objects.get(pk=claim.review.panel_id)
    scheme = read_scheme(panel.scheme)
    ruling = claim.review.seat == ADJUDICATOR
    rows = seats_of(panel) if ruling and spoken else []
    others = [_said(row, case.task_type, named=False) for row in rows if row.seat != ADJUDICATOR and row.label]
    return PanelShown(_step(scheme, claim.review.seat), others, [], "")


def _step(scheme: Scheme, seat: str) -> str:
    """Which step this is, in words that are the same for every blind reviewer of a case."""
    if seat == ADJUDICATOR:
        return _("Adjudication: people who judged this case, each on their own, disagree. Your word decides it.")
    if is_blind(scheme):
        return _("Blind review: others judge this case too, each on their own. Nobody sees what another says.")
    title = title_of_seat(scheme, seat, 0)
    if scheme.kind is Kind.PANEL:
        return _("You judge as %(role)s. The other roles judge on their own.") % {"role": title}
    return ""


def _said(row: SeatRow, task_type: TaskType, *, named: bool) -> Said:
    label = title_of(task_type, row.label) if row.label else ""
    return Said(row.title, (row.reviewer or "") if named else "", label, row.reasoning)


# --- conflicts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A panel that disagrees. `voices` empty for whoever may yet adjudicate; `labels` where they may end it."""

    panel: Panel
    head: CaseHead
    status: str
    explanation: str
    voices: list[Said]
    labels: list[dict[str, Any]]


@require_GET
@signed_in
def conflicts(request: HttpRequest) -> HttpResponse:
    """Cases whose people disagree: waiting for an adjudicator, or come back to the supervisors."""
    actor = page_actor(request)
    desk = desk_of(actor)
    page = page_by_id(conflicts_for_actor(actor, desk), limit=PAGE, cursor=request.GET.get("cursor") or None)
    apart = kept_apart_ids(actor, [p.case_id for p in page.rows], desk)
    may = actor.may(Permission.AUDIT_DECISIONS)
    rows = [_conflict(p, apart=p.case_id in apart, may=may) for p in page.rows]
    next_url = f"/ops/conflicts?cursor={page.next}" if page.next else None
    return render(request, "reviews/conflicts.html", {"rows": rows, "next_url": next_url})


def _conflict(panel: Panel, *, apart: bool, may: bool) -> ConflictRow:
    kind = panel.case.task_type
    voices = [] if apart else [_said(row, kind, named=True) for row in seats_of(panel) if row.label]
    returned = panel.status == Panel.Status.RETURNED
    return ConflictRow(
        panel=panel,
        head=case_head(panel.case),
        status=_("Came back: yours to end") if returned else _("Waits for an adjudicator"),
        explanation="" if apart else panel.explanation,
        voices=voices,
        labels=kind.labels if returned and may else [],
    )


@require_POST
@signed_in
def settle(request: HttpRequest, panel_id: uuid.UUID) -> HttpResponse:
    """End a conflict that came back."""
    actor = page_actor(request)
    conflict_for_actor(actor, panel_id)
    reason = request.POST.get("reason", "")[:20_000].strip()
    try:
        if not reason:
            messages.warning(request, _("Say why; the reason goes into the record."))
        else:
            settle_panel(actor=actor, panel_id=panel_id, label=request.POST.get("label", ""), reason=reason)
            messages.success(request, _("Decided."))
    except (NotFound, Forbidden):
        raise
    except DomainError as error:
        messages.warning(request, error.said)
    return redirect("reviews:conflicts")


@require_POST
@signed_in
def second_opinion(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """Ask for a second opinion, and wait for it or go on."""
    actor = page_actor(request)
    claim = claim_for_actor(actor, claim_id)
    wait = bool(request.POST.get("wait"))
    try:
        ask_second_opinion(actor=actor, claim_id=claim_id, token=request.POST.get("token", ""), wait=wait)
    except DomainError as error:
        messages.warning(request, error.said)
        return redirect("reviews:case", claim.review.case_id)
    if wait:
        messages.success(request, _("Asked. The case comes back, before all others, when the opinion is there."))
        return redirect("reviews:work")
    messages.success(request, _("Asked. You read the opinion here after your own judgement."))
    return redirect("reviews:case", claim.review.case_id)
