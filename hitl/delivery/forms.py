"""Forms of the partners' pages."""

import uuid
from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy as _

from hitl.accounts.forms import KeyForm, choices
from hitl.core.permissions import Scope
from hitl.delivery.structs import EventType


class ClientForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("The partner's system, as people know it."))


class ClientKeyForm(KeyForm):
    task_types = forms.MultipleChoiceField(
        label=_("Only these task types"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("None chosen: all of them."),
    )

    def __init__(
        self, *args: object, scopes: Iterable[Scope], task_types: list[tuple[str, str]], **kwargs: object
    ) -> None:
        super().__init__(*args, scopes=scopes, **kwargs)
        choices(self, "task_types").choices = task_types

    def chosen_task_types(self) -> list[uuid.UUID] | None:
        """Null: not limited."""
        return [uuid.UUID(value) for value in self.cleaned_data["task_types"]] or None


class WebhookForm(forms.Form):
    url = forms.CharField(label=_("Address"), max_length=500, widget=forms.URLInput)
    event_types = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(kind.value, kind.value) for kind in EventType],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("None chosen: all of them."),
    )
