"""Rules against history: one tried while it is written, and what those of a version do."""

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from feedback.rule_history import Example, try_rule
from feedback.rule_hits import hits_of_version
from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission
from routing.access import policy_for, version_for
from routing.models import PolicyVersion
from routing.views.rule_forms import SECTIONS, check_source


class RuleTrial(Page):
    """The condition in the field `<rule>-when` on past cases: a part of the editor, or a page without script."""

    permission = Permission.PROPOSE_POLICIES

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        key = request.POST.get("rule", "")[:20]
        section, _, place = key.rpartition("-")
        source = request.POST.get(f"{key}-when", "")
        check, rule = check_source(source)
        trial = try_rule(self.actor, policy.task_type, rule, raises_risk=section == "risk_rules") if rule else None
        keepable = section in SECTIONS and place.isdecimal()
        rows = (
            [(example, _kept(section, int(place), example) if keepable else "") for example in trial.examples]
            if trial
            else []
        )
        context = {"policy": policy, "source": source, "check": check, "trial": trial, "rows": rows}
        whole = not getattr(request, "htmx", False)
        return render(request, "feedback/rule_trial.html" if whole else "feedback/_rule_trial.html", context)


class RuleHits(Page):
    """Every rule of one version over the newest cases; `?version=`, else the one in force."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        wanted = request.GET.get("version", "")
        if wanted.isascii() and wanted.isdigit():
            version: PolicyVersion | None = version_for(self.actor, slug, int(wanted[:9]))
        else:
            version = PolicyVersion.objects.filter(policy=policy, status=PolicyVersion.Status.ACTIVE).first()
        found = hits_of_version(self.actor, policy.task_type, version) if version else None
        context = {"policy": policy, "version": version, "found": found}
        return render(request, "feedback/rule_hits.html", context)


def _kept(section: str, place: int, example: Example) -> str:
    """What the button that keeps this case as a test sends to the editor; nothing where the rule gave no answer."""
    if example.answer.holds is None:
        return ""
    test = {"section": section, "place": place, "name": example.name[:100]}
    return msgspec.json.encode(test | {"case": example.sample, "expect": example.answer.holds}).decode()
