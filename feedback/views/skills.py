"""/quality/skills: changes of level that wait for a supervisor, what was decided, and the rules."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.actions.skills import decide_skill, set_skill_rules
from feedback.models import SkillProposal
from feedback.skill_rules import rules_in_force
from feedback.stats.skills import Rules
from feedback.visibility_data import measured_queue, measured_queues
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import NotFound
from hitl.core.numbers import percent
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission

PAGE = 50


class SkillsPage(Page):
    permission = Permission.AUDIT_DECISIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Open proposals first, then what was decided, newest first; `?queue=` shows that queue's rules."""
        rows = SkillProposal.objects.filter(workspace_id=self.actor.workspace_id)
        rows = rows.select_related("user", "queue", "decided_by")
        open_ = rows.filter(status=SkillProposal.Status.OPEN).order_by("pk")[:PAGE]
        closed = rows.exclude(status=SkillProposal.Status.OPEN)
        page = page_by_id(closed, limit=PAGE, cursor=request.GET.get("cursor") or None)
        slug = request.GET.get("queue", "")
        queue = measured_queue(self.actor, slug) if slug else None
        known = rules_in_force(self.actor.workspace_id)
        rules = known.get(queue.pk, known[None]) if queue else known[None]
        context = {
            "open": [(row, _evidence(row)) for row in open_],
            "closed": [(row, _evidence(row)) for row in page.rows],
            "next_url": f"?cursor={page.next}" if page.next else None,
            "queues": measured_queues(self.actor)[:200],
            "queue": queue,
            "own_rules": queue is not None and queue.pk in known,
            "rules": rules,
            "percents": [round(100 * share, 2) for share in (rules.competent_from, rules.expert_from)],
            "may_set": self.actor.may(Permission.CONFIGURE),
        }
        return render(request, "feedback/skills.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Declare the rules of a queue (`queue`: its slug), or of the workspace."""
        slug = request.POST.get("queue", "").replace("\x00", "")
        queue = measured_queue(self.actor, slug) if slug else None
        rules = Rules(
            _share(request, "competent_from"),
            _share(request, "expert_from"),
            int(_number(request, "min_cases", whole=True)),
            _number(request, "novice_weight"),
            _number(request, "competent_weight"),
            _number(request, "expert_weight"),
            "automatic" in request.POST,
        )
        attempt(
            request,
            lambda: set_skill_rules(actor=self.actor, queue=queue, rules=rules),
            _("The rules hold. Levels already held have the new weights."),
        )
        return redirect(f"/quality/skills?queue={queue.slug}" if queue else "/quality/skills")


class DecideSkill(Page):
    permission = Permission.AUDIT_DECISIONS

    def post(self, request: HttpRequest, proposal_id: uuid.UUID) -> HttpResponse:
        """`verb` confirm or decline, with a reason."""
        verb, reason = request.POST.get("verb", ""), request.POST.get("reason", "").replace("\x00", "")
        if verb not in ("confirm", "decline"):
            raise NotFound()
        attempt(
            request,
            lambda: decide_skill(actor=self.actor, proposal_id=proposal_id, confirm=verb == "confirm", reason=reason),
            _("Done; it is on record."),
        )
        return redirect("feedback:skills")


def _evidence(row: SkillProposal) -> str:
    """“47 of 50 right, surely between 85.2 % and 98.3 %”."""
    return _("%(k)s of %(n)s right, between %(low)s and %(high)s") % {
        "k": row.right,
        "n": row.n,
        "low": percent(row.low),
        "high": percent(row.high),
    }


def _share(request: HttpRequest, name: str) -> float:
    return _number(request, name) / 100.0


def _number(request: HttpRequest, name: str, *, whole: bool = False) -> float:
    """What is no number is out of every range, and the action says so."""
    raw = request.POST.get(name, "").replace(",", ".")
    if whole:
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 7 else -1
    try:
        return float(raw)
    except ValueError:
        return float("nan")
