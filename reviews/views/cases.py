"""/cases: search what I may see; /cases/<id>/trace: the whole path."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit.models import Event
from hitl.accounts.pages import page_actor, signed_in
from hitl.core.errors import NotFound
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from reviews.access import case_for_actor, desk_of, kept_apart, sealed_ids, unsealed_cases, visible_cases
from reviews.models import Case
from reviews.saved_filters import filters_of
from reviews.selectors import latest_routings, shadows_of
from reviews.trace import events_of
from reviews.views.known_bad import known_bad_panel
from reviews.views.shapes import CaseHead, case_head
from routing.models import RoutingDecision, TaskType

PAGE = 50


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A line of the list; `status` and `risk` empty while sealed for this person."""

    head: CaseHead
    queue: str
    status: str
    risk: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path. `kind`: machine, person or system."""

    title: str
    kind: str
    actor: str
    at: datetime
    detail: str
    versions: list[dict[str, Any]]
    changes: list[dict[str, Any]]


@require_GET
@signed_in
def case_list(request: HttpRequest) -> HttpResponse:
    """Search by external id or subject; filter by status and task type."""
    actor = page_actor(request)
    desk = desk_of(actor)
    search = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    status, kind = request.GET.get("status", ""), request.GET.get("task_type", "")
    rows = visible_cases(actor, desk).select_related("task_type", "queue")
    if search:
        rows = rows.filter(subject=search) | rows.filter(external_id=search)
    if status in Case.Status.values:
        rows = unsealed_cases(rows.filter(status=status), actor, desk)
    if kind:
        rows = rows.filter(task_type__slug=kind)
    page = page_by_id(rows, limit=PAGE, cursor=request.GET.get("cursor") or None)
    sealed = sealed_ids(actor, page.rows, desk)
    lines = [
        CaseRow(
            head=case_head(c),
            queue=c.queue.title if c.queue else "",
            status="" if c.pk in sealed else c.get_status_display(),
            risk="" if c.pk in sealed else c.get_risk_display(),
        )
        for c in page.rows
    ]
    query = {"q": search, "status": status, "task_type": kind, "cursor": page.next or ""}
    return render(
        request,
        "reviews/case_list.html",
        {
            "rows": lines,
            "saved": filters_of(actor, "cases"),
            "place": "cases",
            "current": urlencode({"q": search, "status": status, "task_type": kind}),
            "q": search,
            "status": status,
            "statuses": Case.Status.choices,
            "task_type": kind,
            "task_types": TaskType.objects.filter(workspace_id=actor.workspace_id).order_by("title"),
            "next_url": f"/cases?{urlencode({k: v for k, v in query.items() if v})}" if page.next else None,
        },
    )


@require_GET
@signed_in
def trace(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Every event of a case with actor, time, versions, before and after. Missing while sealed for this person."""
    actor = page_actor(request)
    case = case_for_actor(actor, case_id)
    if sealed_ids(actor, [case]) or kept_apart(actor, case):
        raise NotFound()
    routing = latest_routings([case]).get(case.pk)
    steps = [_step(e) for e in events_of(case, 500)]
    signals = [_signal(s) for s in case.signals.order_by("id")]
    context = {
        "case": case_head(case),
        "steps": sorted([*steps, *signals], key=lambda step: step.at),
        "routing": routing,
        "rules": _rules(routing),
        "known_bad": known_bad_panel(actor, case),
        "shadows": shadows_of(case),
        "may_export": actor.may(Permission.EXPORT),
        "may_replay": actor.may(Permission.READ_AUDIT),
    }
    return render(request, "reviews/case_trace.html", context)


def _step(event: Event) -> Step:
    before, after = event.before or {}, event.after or {}
    kind = {"user": "person", "client": "system", "system": "system"}[event.actor_kind]
    if event.action in ("case.decided", "case.submitted", "case.provisional") and event.actor_kind == "client":
        kind = "machine"
    return Step(
        title=event.action.replace(".", " ").replace("_", " "),
        kind=kind,
        actor=event.actor_label,
        at=event.at,
        detail=event.reason,
        versions=[{"name": k, "value": v} for k, v in event.versions.items() if v is not None],
        changes=[
            {"field": k.replace("_", " "), "before": before.get(k), "after": after.get(k)}
            for k in dict.fromkeys([*before, *after])
            if before.get(k) != after.get(k)
        ],
    )


def _signal(signal: Any) -> Step:
    return Step(
        title=_("%(source)s: %(label)s") % {"source": signal.get_source_display(), "label": signal.label},
        kind="system",
        actor=signal.origin,
        at=signal.created_at,
        detail="",
        versions=[],
        changes=[{"field": _("observed at"), "before": None, "after": signal.observed_at}],
    )


def _rules(routing: RoutingDecision | None) -> list[dict[str, Any]]:
    """The engine's own trace: every rule tried, every signal and threshold compared."""
    if routing is None:
        return []
    return [
        {
            "step": s["step"],
            "outcome": s["outcome"],
            "detail": ", ".join(f"{k} {_short(v)}" for k, v in s["detail"].items()),
        }
        for s in routing.trace
    ]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
