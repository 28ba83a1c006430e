"""/settings/wellness: how I want to see hard material, and what I was given of it."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hitl.accounts.views.base import Page, attempt
from hitl.core.permissions import Permission
from reviews.actions.wellness import choose_veil
from reviews.models import Veil
from reviews.veil import MIN_PEOPLE, own_counts, sums, veil_of


class VeilForm(forms.Form):
    style = forms.ChoiceField(label=gettext_lazy("Images and texts at first"), choices=Veil.Style.choices)
    scope = forms.ChoiceField(label=gettext_lazy("In"), choices=Veil.Scope.choices)
    break_after_min = forms.IntegerField(
        label=gettext_lazy("Remind me of a break after minutes of judging (0: never)"), min_value=0, max_value=480
    )


class WellnessPage(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """My wishes, my own counts; sums for whoever reads figures."""
        return self._page(request, None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = VeilForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        attempt(request, lambda: choose_veil(actor=self.actor, **form.cleaned_data), _("Saved."))
        return redirect("reviews:wellness")

    def _page(self, request: HttpRequest, form: VeilForm | None) -> HttpResponse:
        veil = veil_of(self.actor.person_id, self.actor.workspace_id)
        initial = {"style": veil.style, "scope": veil.scope, "break_after_min": veil.break_after_min}
        context = {
            "form": form or VeilForm(initial=initial),
            "counts": own_counts(self.actor),
            "sums": sums(self.actor.workspace_id) if self.actor.may(Permission.READ_METRICS) else None,
            "min_people": MIN_PEOPLE,
        }
        return render(request, "reviews/wellness.html", context)
