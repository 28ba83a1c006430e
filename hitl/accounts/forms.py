"""Forms of the people and settings pages."""

from collections.abc import Iterable

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User
from hitl.core.permissions import Role, Scope

_ROLES = {
    Role.REVIEWER: _("Reviewer"),
    Role.EXPERT: _("Expert"),
    Role.SUPERVISOR: _("Supervisor"),
    Role.AUDITOR: _("Auditor"),
    Role.ENGINEER: _("Engineer"),
    Role.OPERATOR: _("Operator"),
}


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: object, roles: Iterable[Role], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices(self, "role").choices = [(role.value, _ROLES[role]) for role in roles]


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=[(role.value, title) for role, title in _ROLES.items()])


class PreferencesForm(forms.Form):
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("As the browser")), *settings.LANGUAGES]
    )
    theme = forms.ChoiceField(label=_("Theme"), choices=User.Theme.choices)
    keys_enabled = forms.BooleanField(
        label=_("Single-key shortcuts"), required=False, help_text=_("Off: only the mouse, Tab and Enter.")
    )


class KeyForm(forms.Form):
    """What every API key has: a name and scopes from those that may be given."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("What will use it?"))
    scopes = forms.MultipleChoiceField(label=_("Scopes"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: object, scopes: Iterable[Scope], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices(self, "scopes").choices = [(scope.value, scope.value) for scope in Scope if scope in set(scopes)]

    def chosen_scopes(self) -> list[Scope]:
        return [Scope(value) for value in self.cleaned_data["scopes"]]


class StopForm(forms.Form):
    reason = forms.CharField(label=_("Why?"), max_length=500)


def choices(form: forms.Form, name: str) -> forms.ChoiceField:
    """The choice field `name` of `form`."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field
