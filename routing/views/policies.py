"""Pages: the list of policies, one policy with its versions, a new draft, and the buttons."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hitl.accounts.actions.workspace import set_machine_stopped
from hitl.accounts.models import Workspace
from hitl.accounts.views.base import Page, attempt
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import DomainError, InvalidInput, NotFound, Refused
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.access import policy_for, version_for, visible_policies
from routing.actions.policies import (
    TRIGGERS,
    VERBS,
    propose_version,
    rollback_policy,
    set_task_type_stopped,
)
from routing.differences import difference
from routing.documents import line_of, read_document, write_document
from routing.models import Policy, PolicyVersion
from routing.panels import version_panels
from routing.selectors import Standing, standing_of
from routing.views.adjustments import adjustment_section
from routing.views.forms import CanaryForm, DraftForm, ReasonForm, StopForm
from routing.views.life import life_steps
from routing.views.proposals import in_brief, own_proposals
from routing.views.study import study_views
from routing.words import document_in_words

Status = PolicyVersion.Status


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in the list: where its versions stand, and the one in force in brief."""

    policy: Policy
    standing: Standing
    brief: str


class Policies(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """All policies with what is in force, what waits for approval, and the stop buttons."""
        page = page_by_id(visible_policies(self.actor), limit=50, cursor=request.GET.get("cursor"))
        context = {
            "policies": _rows(page.rows),
            "workspace": Workspace.objects.get(pk=self.actor.workspace_id),
            "may_stop": self.actor.may(Permission.STOP_MACHINE),
            "may_propose": self.actor.may(Permission.PROPOSE_POLICIES),
            "proposals": own_proposals(self.actor),
            "stop_form": StopForm(auto_id="all-%s"),
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
        }
        return render(request, "routing/policy_list.html", context)


class StopAll(Page):
    """The stop button of the workspace; `stop` given stops, absent resumes."""

    permission = Permission.STOP_MACHINE

    def post(self, request: HttpRequest) -> HttpResponse:
        stop, reason = "stop" in request.POST, request.POST.get("reason", "")
        done = _("The machine is stopped.") if stop else _("The machine may decide again.")
        attempt(request, lambda: set_machine_stopped(actor=self.actor, stopped=stop, reason=reason), done)
        return redirect("policies")


class StopTaskType(Page):
    """The stop button of the policy's task type; `stop` given stops, absent resumes."""

    permission = Permission.STOP_MACHINE

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        stop, reason = "stop" in request.POST, request.POST.get("reason", "")
        done = _("the machine is stopped.") if stop else _("the machine may decide again.")
        attempt(
            request,
            lambda: set_task_type_stopped(actor=self.actor, task_type=policy.task_type, stopped=stop, reason=reason),
            f"{policy.task_type.title}: {done}",
        )
        return redirect("policy", slug)


class PolicyPage(Page):
    """One policy: the version in force, or the one the address names."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str, number: int | None = None) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        active = _versions(policy).filter(status=Status.ACTIVE).first()
        shown = active if number is None else version_for(self.actor, slug, number)
        return render(request, "routing/policy.html", _context(request, self.actor, policy, active, shown))


class Drafts(Page):
    """Write a new draft, starting from the version in force or the one in `?from=`."""

    permission = Permission.PROPOSE_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        start = _start(self.actor, policy, request.GET.get("from", ""))
        text = write_document(start.document) if start else "thresholds:\n  default: 0.95\n"
        return self._page(request, policy, DraftForm(initial={"document": text}))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        form = DraftForm(request.POST)
        if form.is_valid():
            text, note = form.cleaned_data["document"], form.cleaned_data["note"]
            try:
                document = read_document(text)
                version = propose_version(actor=self.actor, policy=policy, document=document, note=note)
            except (InvalidInput, Refused) as error:
                _add_problems(form, text, error)
            else:
                return redirect("policy-version", slug, version.number)
        return self._page(request, policy, form)

    def _page(self, request: HttpRequest, policy: Policy, form: DraftForm) -> HttpResponse:
        status = 422 if form.is_bound else 200
        return render(request, "routing/draft.html", {"policy": policy, "form": form}, status=status)


class MoveVersion(Page):
    """One step of a version's life; a canary takes a share."""

    permission = Permission.APPROVE_POLICIES

    def post(self, request: HttpRequest, slug: str, number: int, verb: str) -> HttpResponse:
        if verb not in VERBS:
            raise NotFound()
        version = version_for(self.actor, slug, number)
        form = CanaryForm(request.POST) if verb == "canary" else ReasonForm(request.POST)
        if form.is_valid():
            given = form.cleaned_data
            attempt(request, lambda: VERBS[verb](actor=self.actor, version=version, **given), str(_DONE[verb]))
            return redirect("policy-version", slug, number)
        policy = policy_for(self.actor, slug)
        active = _versions(policy).filter(status=Status.ACTIVE).first()
        refused = CanaryForm(request.POST, auto_id="move-%s")
        context = _context(request, self.actor, policy, active, version) | {"canary_form": refused}
        return render(request, "routing/policy.html", context, status=422)


class Rollback(Page):
    """Back to the version that was in force before."""

    permission = Permission.APPROVE_POLICIES

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        reason, seen = request.POST.get("reason", ""), request.POST.get("from_version", "")
        expected = int(seen[:9]) if seen.isascii() and seen.isdigit() else None
        attempt(
            request,
            lambda: rollback_policy(actor=self.actor, policy=policy, reason=reason, from_version=expected),
            _("Rolled back."),
        )
        return redirect("policy", slug)


_DONE = {
    "approve": gettext_lazy("Approved."),
    "shadow": gettext_lazy("In shadow: asked for every case from now, and never followed."),
    "canary": gettext_lazy("It decides its share of the cases from now."),
    "withdraw": gettext_lazy("Withdrawn from its trial; it stays approved."),
    "activate": gettext_lazy("In force from now."),
    "retire": gettext_lazy("Retired."),
    "reject": gettext_lazy("Rejected."),
}


def _versions(policy: Policy) -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.filter(policy=policy).select_related("proposed_by", "approved_by", "licensed_by")


def _rows(policies: list[Policy]) -> list[PolicyRow]:
    standing = standing_of([policy.pk for policy in policies])
    in_force = PolicyVersion.objects.filter(policy__in=policies, status=Status.ACTIVE)
    briefs = {v.policy_id: in_brief(v.document) for v in in_force.only("policy_id", "document")}
    return [PolicyRow(p, standing[p.pk], briefs.get(p.pk, "")) for p in policies]


def _context(
    request: HttpRequest, actor: Actor, policy: Policy, active: PolicyVersion | None, shown: PolicyVersion | None
) -> dict[str, Any]:
    page = page_by_id(_versions(policy).defer("document", "study"), limit=20, cursor=request.GET.get("cursor"))
    compared = active is not None and shown is not None and shown.pk != active.pk
    return {
        "policy": policy,
        "active": active,
        "shown": shown,
        "sections": document_in_words(shown.document) if shown else (),
        "text": write_document(shown.document) if shown else "",
        "difference": difference(active.document, shown.document) if compared and active and shown else None,
        "steps": life_steps(policy, shown) if shown else (),
        "studies": study_views(shown.study) if shown else (),
        "adjustments": adjustment_section(policy, now()),
        "panels": version_panels(actor, shown) if shown else (),
        "versions": page.rows,
        "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
        "verbs": _verbs(actor, shown),
        "own_draft": shown is not None and shown.status == Status.DRAFT and shown.proposed_by_id == actor.user_id,
        "may_roll_back": actor.may(Permission.APPROVE_POLICIES)
        and PolicyVersion.objects.filter(policy=policy, status=Status.RETIRED).exists(),
        "may_write": actor.may(Permission.PROPOSE_POLICIES),
        "may_stop": actor.may(Permission.STOP_MACHINE),
        "canary_form": CanaryForm(auto_id="move-%s", initial={"share": (shown and shown.canary_share) or 0.05}),
        "rollback_form": ReasonForm(auto_id="rollback-%s"),
        "stop_form": StopForm(auto_id="stop-%s"),
    }


def _verbs(actor: Actor, version: PolicyVersion | None) -> tuple[str, ...]:
    """The buttons this person may press on this version."""
    if version is None or not actor.may(Permission.APPROVE_POLICIES):
        return ()
    own = version.proposed_by_id == actor.user_id
    return tuple(v for v in VERBS if version.status in TRIGGERS[v].sources and not (v == "approve" and own))


def _start(actor: Actor, policy: Policy, wanted: str) -> PolicyVersion | None:
    if wanted.isascii() and wanted.isdigit():
        return version_for(actor, policy.slug, int(wanted[:9]))
    return _versions(policy).filter(status=Status.ACTIVE).first()


def _add_problems(form: DraftForm, text: str, error: DomainError) -> None:
    """Each problem at its place: the line of the text, then what is wrong."""
    problems = error.errors
    if not problems:
        form.add_error("document", error.said)
    for problem in problems:
        pointer = problem.pointer.removeprefix("/document")
        line = line_of(text, pointer) if pointer else None
        where = f"Line {line} ({pointer}): " if line else (f"{pointer}: " if pointer else "")
        form.add_error("document", f"{where}{problem.said}")
