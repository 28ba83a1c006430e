"""The pattern advisor: a short guided form, its advice with reasons, and the plan that follows."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from feedback.rollout import labels_known, plan_of
from hitl.accounts.views.base import Page, attempt
from hitl.core.permissions import Permission
from routing.access import policy_for
from routing.actions.advisor import propose_advised, propose_step
from routing.engine.advisor import Answers, advise
from routing.engine.route import RiskLevel
from routing.models import Policy
from routing.words import document_in_words

_MOST = 1_000_000_000


_LEVELS = {
    RiskLevel.LOW: _("low"),
    RiskLevel.MEDIUM: _("medium"),
    RiskLevel.HIGH: _("high"),
    RiskLevel.CRITICAL: _("critical"),
}


class AdvisorForm(forms.Form):
    irreversible = forms.TypedChoiceField(
        label=_("Can an action that follows not be taken back?"),
        choices=(("no", _("No: it can be undone or corrected")), ("yes", _("Yes: once done it stays done"))),
        coerce=lambda value: value == "yes",
        help_text=_("A payment or a deletion, for example."),
    )
    per_day = forms.IntegerField(label=_("How many cases come a day?"), min_value=0, max_value=_MOST)
    error_cost = forms.FloatField(
        label=_("What does one wrong decision cost, in dollars?"), min_value=0, max_value=_MOST
    )
    reviewable = forms.FloatField(
        label=_("What share of the cases do your people have time for, in per cent?"), min_value=0, max_value=100
    )
    labels = forms.IntegerField(
        label=_("For how many cases is the right answer known already?"), min_value=0, max_value=_MOST
    )
    risk = forms.ChoiceField(
        label=_("How much may a wrong decision harm?"), choices=[(level.value, name) for level, name in _LEVELS.items()]
    )

    def answers(self) -> Answers:
        """What was answered; call when valid."""
        said = self.cleaned_data
        return Answers(
            irreversible=said["irreversible"],
            per_day=said["per_day"],
            error_cost=said["error_cost"],
            reviewable_share=said["reviewable"] / 100,
            labels=said["labels"],
            risk=RiskLevel(said["risk"]),
        )


class AdvisorPage(Page):
    """Asks, advises (`do=advise`) and creates the draft (`do=create`); shows the plan once there is one."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        task_type = policy.task_type
        initial = {
            "irreversible": "no" if task_type.reversible else "yes",
            "labels": labels_known(policy),
            "risk": task_type.static_risk,
        }
        return self._page(request, policy, AdvisorForm(initial=initial))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        self.actor.require(Permission.PROPOSE_POLICIES)
        policy = policy_for(self.actor, slug)
        form = AdvisorForm(request.POST)
        if form.is_valid() and request.POST.get("do") == "create":
            answers = form.answers()
            version = attempt(
                request, lambda: propose_advised(actor=self.actor, policy=policy, answers=answers), str(_("Proposed."))
            )
            return redirect("policy-version", slug, version.number) if version else redirect("feedback:advisor", slug)
        return self._page(request, policy, form)

    def _page(self, request: HttpRequest, policy: Policy, form: AdvisorForm) -> HttpResponse:
        advice = advise(form.answers()) if form.is_bound and form.is_valid() else None
        context = {
            "policy": policy,
            "form": form,
            "advice": advice,
            "sections": document_in_words(dict(advice.document)) if advice else (),
            "plan": plan_of(policy),
            "may_propose": self.actor.may(Permission.PROPOSE_POLICIES),
        }
        status = 422 if form.is_bound and not form.is_valid() else 200
        return render(request, "feedback/advisor.html", context, status=status)


class PlanStep(Page):
    """An unlocked step of the plan becomes a draft."""

    permission = Permission.PROPOSE_POLICIES

    def post(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        plan = plan_of(policy)
        labels, days = (plan.figures.labels, plan.figures.days) if plan else (0, 0.0)
        version = attempt(
            request,
            lambda: propose_step(actor=self.actor, policy=policy, number=number, labels=labels, days=days),
            str(_("Proposed.")),
        )
        return redirect("policy-version", slug, version.number) if version else redirect("feedback:advisor", slug)
