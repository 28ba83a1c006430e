"""The button on a case's path that marks it as known bad."""

import uuid
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, attempt
from hitl.core.actors import Actor
from hitl.core.permissions import Permission
from reviews.actions.known_bad import mark_known_bad, unmark_known_bad
from reviews.models import Case, CaseEmbedding, KnownBad


@dataclass(frozen=True, slots=True)
class KnownBadPanel:
    """`mark` null: not marked."""

    mark: KnownBad | None


def known_bad_panel(actor: Actor, case: Case) -> KnownBadPanel | None:
    """What the page shows to whoever may mark; null where the case cannot be marked."""
    may = actor.may(Permission.AUDIT_DECISIONS) and case.status == Case.Status.DECIDED
    if not may or not CaseEmbedding.objects.filter(pk=case.pk).exists():
        return None
    return KnownBadPanel(KnownBad.objects.filter(pk=case.pk).first())


class MarkKnownBad(Page):
    """`mark` given marks, absent takes the mark away."""

    permission = Permission.AUDIT_DECISIONS

    def post(self, request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
        reason = request.POST.get("reason", "")
        if "mark" in request.POST:
            attempt(request, lambda: mark_known_bad(actor=self.actor, case_id=case_id, reason=reason), _("Marked."))
        else:
            attempt(
                request, lambda: unmark_known_bad(actor=self.actor, case_id=case_id, reason=reason), _("Mark removed.")
            )
        return redirect("reviews:trace", case_id)
