"""/settings/models: the models that hitl may ask."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hitl.accounts.views.base import Page
from hitl.core.errors import Refused
from hitl.core.permissions import Permission
from routing.access import endpoint_for, visible_endpoints
from routing.actions.configure import save_configured
from routing.models import ModelEndpoint


class EndpointForm(forms.Form):
    """A model endpoint; the secret is written, never shown: left empty it stays."""

    slug = forms.SlugField(label=gettext_lazy("Name"), max_length=60, help_text=gettext_lazy("As policies name it."))
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=ModelEndpoint.Kind.choices)
    url = forms.CharField(label=gettext_lazy("Address"), max_length=500, widget=forms.URLInput)
    auth_header = forms.CharField(label=gettext_lazy("Header of the secret"), max_length=60, initial="Authorization")
    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Never shown again. Left empty, the stored one stays."),
    )
    timeout_s = forms.FloatField(
        label=gettext_lazy("Time-out (seconds)"), min_value=0.1, max_value=60, initial=20, widget=forms.NumberInput
    )
    mapping = forms.JSONField(
        label=gettext_lazy("Mapping (adapters)"),
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=gettext_lazy("JSON: what is asked, and where the answer says what."),
    )
    active = forms.BooleanField(label=gettext_lazy("May be asked"), required=False, initial=True)


class Models(Page):
    permission = Permission.CONFIGURE

    def get(self, request: HttpRequest) -> HttpResponse:
        """Every model that may be asked, and the form for another."""
        return self.page(request, EndpointForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EndpointForm(request.POST)
        row = ModelEndpoint(workspace_id=self.actor.workspace_id)
        if self.stored(form, row):
            messages.success(request, _("Saved."))
            return redirect("models")
        return self.page(request, form, status=422)

    def stored(self, form: EndpointForm, row: ModelEndpoint) -> bool:
        """Bring the form into the row and save it; false with the problems beside their fields."""
        if not form.is_valid():
            return False
        for name, value in form.cleaned_data.items():
            if name != "secret" or value:
                setattr(row, name, value if name != "mapping" else value or {})
        try:
            save_configured(actor=self.actor, obj=row)
        except Refused as refused:
            for problem in refused.errors:
                name = problem.pointer.removeprefix("/")
                form.add_error(name if name in form.fields else None, problem.said)
            return False
        return True

    def page(self, request: HttpRequest, form: EndpointForm, *, status: int = 200, **more: Any) -> HttpResponse:
        rows = visible_endpoints(self.actor)[:200]
        context = {"endpoints": rows, "form": form, **more}
        return render(request, "routing/models.html", context, status=status)


class Model(Models):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:  # type: ignore[override]
        """One model, to change."""
        row = endpoint_for(self.actor, slug)
        fields = ("slug", "kind", "url", "auth_header", "timeout_s", "mapping", "active")
        form = EndpointForm(initial={name: getattr(row, name) for name in fields})
        return self.page(request, form, changing=row)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:  # type: ignore[override]
        row = endpoint_for(self.actor, slug)
        form = EndpointForm(request.POST)
        if self.stored(form, row):
            messages.success(request, _("Saved."))
            return redirect("models")
        return self.page(request, form, status=422, changing=row)
