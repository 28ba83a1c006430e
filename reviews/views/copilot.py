"""The co-pilot beside a held case: similar cases, the subject's earlier ones, and after the reveal risk and options."""

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from hitl.accounts.pages import page_actor, signed_in
from reviews.access import held_by_actor
from reviews.models import Case, CaseContent
from reviews.precedents import CaseOutcomeOut, PrecedentOut, PrecedentsOut, precedents_of, subject_history_of
from reviews.views.machine import machine_shown
from reviews.views.shapes import title_of


@dataclass(frozen=True, slots=True)
class Option:
    """A label and how many of the similar cases came out so."""

    title: str
    k: int
    n: int


@require_GET
@signed_in
def copilot(request: HttpRequest, claim_id: uuid.UUID) -> HttpResponse:
    """What the panel holds; the same for every case until the machine's answer may be seen."""
    actor = page_actor(request)
    held = held_by_actor(actor, claim_id)
    case = held.claim.review.case
    near, history = precedents_of(actor, held), subject_history_of(actor, held)
    machine = None if near.sealed else machine_shown(case, case.content, held.routing)
    context = {
        "sealed": near.sealed,
        "searched": near.method is not None,
        "by_embedding": near.method == "embedding",
        "precedents": [_precedent(case, row) for row in near.results],
        "options": _options(case, near),
        "subject": history.subject,
        "earlier": [
            {
                "case": row.case,
                "name": row.external_id or row.case,
                "at": datetime.fromisoformat(row.created_at),
                "outcome": _outcome(case, row.outcome) if isinstance(row.outcome, CaseOutcomeOut) else None,
                "told": isinstance(row.outcome, CaseOutcomeOut | None),
            }
            for row in history.results
        ],
        "risk": None if near.sealed else _risk(case, case.content),
        "frequency_words": machine.frequency_words if machine else "",
    }
    return render(request, "reviews/_copilot.html", context)


def _precedent(case: Case, row: PrecedentOut) -> dict[str, object]:
    return {
        "case": row.case,
        "name": row.external_id or row.case,
        "at": datetime.fromisoformat(row.created_at),
        "percent": round(100 * row.similarity),
        "outcome": _outcome(case, row.outcome),
    }


def _outcome(case: Case, outcome: CaseOutcomeOut) -> dict[str, object]:
    return {"title": title_of(case.task_type, outcome.label), "observed": outcome.by == "outcome"}


def _options(case: Case, near: PrecedentsOut) -> list[Option]:
    """In the taxonomy's order, never the machine's."""
    counted = Counter(row.outcome.label for row in near.results)
    labels = [label["value"] for label in case.task_type.labels]
    return [Option(title_of(case.task_type, v), counted[v], len(near.results)) for v in labels if counted[v]]


def _risk(case: Case, content: CaseContent) -> dict[str, object]:
    """What makes the case risky, as the partner states it and the policy graded it."""
    context = content.context
    names = ("amount", "risk_score", "stakes", "error_cost")
    return {"level": case.get_risk_display(), "facts": [(n, context[n]) for n in names if context.get(n) is not None]}
