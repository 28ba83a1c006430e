"""/quality/sessions: gather disputed cases, judge them blind, compare and conclude."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.models import Membership
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import NotFound
from hitl.core.permissions import Permission
from reviews.actions.sessions import (
    close_session,
    conclude,
    judge_in_session,
    may_compare,
    note_in_session,
    open_session,
    session_case,
    session_for_actor,
)
from reviews.evidence import blocks, parse_presentation
from reviews.models import CalibrationSession, CaseContent, SessionCase
from reviews.views.shapes import title_of
from routing.models import TaskType


class Sessions(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """Those I take part in, or all for who may open them."""
        rows = CalibrationSession.objects.filter(workspace_id=self.actor.workspace_id).select_related("task_type")
        leads = self.actor.may(Permission.AUDIT_DECISIONS)
        if not leads:
            rows = rows.filter(participants=self.actor.person_id)
        members = Membership.objects.filter(workspace_id=self.actor.workspace_id, active=True).select_related("user")
        context = {
            "sessions": rows.order_by("-id")[:100],
            "leads": leads,
            "task_types": TaskType.objects.filter(workspace_id=self.actor.workspace_id).order_by("title"),
            "people": [m.user for m in members.order_by("user__username")] if leads else (),
        }
        return render(request, "reviews/session_list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Gather the most disputed cases of a task type."""
        self.actor.require(Permission.AUDIT_DECISIONS)
        kind = TaskType.objects.filter(
            workspace_id=self.actor.workspace_id, slug=request.POST.get("task_type", "")
        ).first()
        if kind is None:
            raise NotFound()
        most = request.POST.get("most", "10")
        made = attempt(
            request,
            lambda: open_session(
                actor=self.actor,
                task_type=kind,
                title=request.POST.get("title", ""),
                participants=_ids(request.POST.getlist("participants")),
                most=int(most[:4]) if most.isascii() and most.isdigit() else 10,
            ),
        )
        return redirect("reviews:session", made.pk) if made else redirect("reviews:sessions")


def _ids(texts: list[str]) -> list[uuid.UUID]:
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


class Session(Page):
    def get(self, request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
        """Its cases and how far one is."""
        session = session_for_actor(self.actor, session_id)
        cases = list(session.cases.select_related("case__task_type"))
        mine = set(
            SessionCase.objects.filter(session=session, said__user_id=self.actor.person_id).values_list("pk", flat=True)
        )
        context = {
            "session": session,
            "rows": [(row, row.pk in mine) for row in cases],
            "participants": session.participants.order_by("username"),
            "leads": self.actor.may(Permission.AUDIT_DECISIONS),
        }
        return render(request, "reviews/session.html", context)

    def post(self, request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
        """Close it."""
        session = session_for_actor(self.actor, session_id)
        close_session(actor=self.actor, session=session)
        return redirect("reviews:session", session_id)


class SessionCasePage(Page):
    def get(self, request: HttpRequest, session_id: uuid.UUID, number: int) -> HttpResponse:
        """The case without anybody's answer until one's own is given; then everybody's, and the discussion."""
        session = session_for_actor(self.actor, session_id)
        row = session_case(session, number)
        kind = row.case.task_type
        content = CaseContent.objects.get(pk=row.case_id)
        compared = may_compare(self.actor, session, row)
        said = row.said.select_related("user").order_by("id") if compared else ()
        context = {
            "session": session,
            "row": row,
            "labels": kind.labels,
            "blocks": blocks(content.input, parse_presentation(kind.presentation), content.key_evidence),
            "compared": compared,
            "said": [(s.user.username, title_of(kind, s.label), s.reasoning) for s in said],
            "earlier": _earlier(row) if compared else (),
            "notes": row.notes.select_related("user").order_by("id") if compared else (),
            "following": number + 1 if session.cases.filter(position=number + 1).exists() else None,
            "leads": self.actor.may(Permission.AUDIT_DECISIONS),
            "outcomes": [c for c in SessionCase.Outcome.choices if c[0] != "none"],
        }
        return render(request, "reviews/session_case.html", context)

    def post(self, request: HttpRequest, session_id: uuid.UUID, number: int) -> HttpResponse:
        """Judge, note or conclude, by what the form says."""
        session = session_for_actor(self.actor, session_id)
        session_case(session, number)
        asked = request.POST
        common = {"actor": self.actor, "session": session, "position": number}
        if "outcome" in asked:
            more = {"outcome": asked["outcome"], "label": asked.get("label", "")}
            conclusion = asked.get("conclusion", "")
            attempt(request, lambda: conclude(**common, **more, conclusion=conclusion), _("Concluded."))  # type: ignore[arg-type]
        elif "text" in asked:
            attempt(request, lambda: note_in_session(**common, text=asked["text"]))  # type: ignore[arg-type]
        else:
            label, reasoning = asked.get("label", ""), asked.get("reasoning", "")
            attempt(request, lambda: judge_in_session(**common, label=label, reasoning=reasoning))  # type: ignore[arg-type]
        return redirect("reviews:session-case", session_id, number)


def _earlier(row: SessionCase) -> list[tuple[str, str]]:
    """What was said of the case at work, without names: label and reason."""
    rows = row.case.judgements.filter(stage="final", undone_at__isnull=True).order_by("id")
    return [(title_of(row.case.task_type, j.label), j.reasoning) for j in rows]
