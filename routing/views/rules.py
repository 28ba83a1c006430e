"""The rules editor: rules in order, checked where they are written, tried on sample cases, proposed as a draft."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy

from hitl.accounts.views.base import Page
from hitl.core.actors import Actor
from hitl.core.errors import InvalidInput, Refused
from hitl.core.permissions import Permission
from routing.access import policy_for, version_for
from routing.actions.policies import propose_version
from routing.models import Policy, PolicyVersion, Tier
from routing.selectors import task_spec
from routing.views.rule_forms import (
    SECTIONS,
    Raw,
    RuleRow,
    change,
    check_source,
    document_of,
    give_focus,
    is_valid,
    keep,
    problems_by_place,
    raw_from_document,
    raw_from_post,
    rows_of,
)
from routing.views.rule_reference import reference

_NEW = {"thresholds": {"default": 0.95}}


class RulesEditor(Page):
    """Works without script: every button sends the whole form and gets it back, changed."""

    permission = Permission.PROPOSE_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        base = _base(self.actor, policy, request.GET.get("from", ""))
        raw = raw_from_document(base.document if base else _NEW)
        return self._page(request, policy, base, _rows(policy, raw, bound=False))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        base = _base(self.actor, policy, request.POST.get("from", ""))
        raw, what = raw_from_post(request.POST), request.POST.get("do", "")
        if "keep" in request.POST:
            return self._page(request, policy, base, *_moved(policy, raw, keep(raw, request.POST["keep"])))
        if what not in ("check", "propose"):
            return self._page(request, policy, base, *_moved(policy, raw, change(raw, what)))
        rows = _rows(policy, raw, bound=True)
        problems: list[Any] = [] if all(is_valid(rows[section]) for section in SECTIONS) else [_INCOMPLETE]
        if what == "propose" and not problems:
            document = document_of(rows, base.document if base else _NEW)
            note = request.POST.get("note", "")[:2000]
            try:
                version = propose_version(actor=self.actor, policy=policy, document=document, note=note)
            except (InvalidInput, Refused) as error:
                problems = list(problems_by_place(error, rows))
            else:
                return redirect("policy-version", slug, version.number)
        return self._page(request, policy, base, rows, problems=problems, checked=True)

    def _page(
        self,
        request: HttpRequest,
        policy: Policy,
        base: PolicyVersion | None,
        rows: dict[str, list[RuleRow]],
        focus: str = "",
        *,
        problems: "list[Any] | None" = None,
        checked: bool = False,
    ) -> HttpResponse:
        tests = [test for section in SECTIONS for row in rows[section] for test in row.tests]
        context: dict[str, Any] = {
            "policy": policy,
            "base": base,
            "sections": rows,
            "reference": reference(policy.task_type),
            "problems": problems,
            "checked": checked,
            "focus": focus,
            "failing": sum(not test.passed for test in tests),
            "tests": len(tests),
            "note": request.POST.get("note", ""),
        }
        # htmx swaps 2xx only, and the browser's console reports every 4xx.
        wrong = bool(problems) and not getattr(request, "htmx", False)
        return render(request, "routing/rules.html", context, status=422 if wrong else 200)


class RuleCheck(Page):
    """One condition looked at while it is written; `?rule=` names the fields' prefix."""

    permission = Permission.PROPOSE_POLICIES

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy_for(self.actor, slug)
        key = request.GET.get("rule", "")[:20]
        check, _ = check_source(request.POST.get(f"{key}-when", ""))
        return render(request, "routing/_rule_check.html", {"check": check})


_INCOMPLETE = gettext_lazy("Something is missing or does not compile; it is marked below.")


def _base(actor: Actor, policy: Policy, wanted: str) -> PolicyVersion | None:
    """The version named, else the one in force; null before there is any."""
    if wanted.isascii() and wanted.isdigit():
        return version_for(actor, policy.slug, int(wanted[:9]))
    return PolicyVersion.objects.filter(policy=policy, status=PolicyVersion.Status.ACTIVE).first()


def _rows(policy: Policy, raw: Raw, *, bound: bool) -> dict[str, list[RuleRow]]:
    found = Tier.objects.filter(workspace_id=policy.workspace_id, automated=False).values_list("slug", "title")
    tiers, task = tuple(found), task_spec(policy.task_type)
    return {section: rows_of(raw, section, tiers=tiers, task=task, bound=bound) for section in SECTIONS}


def _moved(policy: Policy, raw: Raw, focus: str) -> tuple[dict[str, list[RuleRow]], str]:
    rows = _rows(policy, raw, bound=False)
    for section in SECTIONS:
        give_focus(rows[section], focus)
    return rows, focus
