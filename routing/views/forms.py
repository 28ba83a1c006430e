"""Forms of the policy pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from routing.documents import MAX_CHARACTERS
from routing.engine.canary import MAX_SHARE


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why?"), max_length=500, required=False)


class CanaryForm(ReasonForm):
    share = forms.FloatField(
        label=_("Share of the cases"),
        min_value=0.001,
        max_value=MAX_SHARE,
        widget=forms.NumberInput(attrs={"step": "0.001", "inputmode": "decimal"}),
        help_text=_("Above 0, at most 0.5. Only a canary needs it."),
    )


class WhenForm(forms.Form):
    at = forms.DateTimeField(
        label=_("Day and time (UTC)"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class PairForm(forms.Form):
    """Two versions; their numbers come from the address."""

    before = forms.TypedChoiceField(label=_("From version"), coerce=int)
    after = forms.TypedChoiceField(label=_("To version"), coerce=int)

    def __init__(self, *args: Any, numbers: Sequence[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("before", "after"):
            field = self.fields[name]
            assert isinstance(field, forms.TypedChoiceField)
            field.choices = [(number, str(number)) for number in numbers]


class StopForm(forms.Form):
    reason = forms.CharField(label=_("Why?"), max_length=500)
    stop = forms.BooleanField(required=False, widget=forms.HiddenInput)


class DraftForm(forms.Form):
    document = forms.CharField(
        label=_("Document (YAML or JSON)"),
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "code"}),
    )
    note = forms.CharField(label=_("What changes, and why?"), max_length=2000)
