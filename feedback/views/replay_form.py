"""The form that asks for a replay."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.structs import ReplayIn
from hitl.core.errors import InvalidInput
from hitl.core.parsing import convert


class _Day(forms.DateInput):
    input_type = "date"


class ReplayForm(forms.Form):
    """Days are whole days, UTC. `others`: numbers of the versions it may be compared with."""

    since = forms.DateField(label=_("First day"), required=False, widget=_Day())
    until = forms.DateField(label=_("Last day"), required=False, widget=_Day())
    limit = forms.IntegerField(label=_("At most so many cases, the newest"), min_value=1, max_value=1_000_000)
    model_version = forms.CharField(label=_("Only this model version"), max_length=100, required=False)
    segment = forms.CharField(
        label=_("Only this segment"), help_text=_("name=value, as region=EU"), max_length=301, required=False
    )
    compare_with = forms.TypedChoiceField(label=_("Compare with"), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, others: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("limit", 100_000)
        versions = [(str(n), _("version %(number)d") % {"number": n}) for n in others]
        self.fields["compare_with"].choices = [("", _("what really happened")), *versions]  # type: ignore[attr-defined]

    def clean_segment(self) -> dict[str, str]:
        """The pair as a mapping."""
        text: str = self.cleaned_data["segment"]
        name, found, value = text.partition("=")
        if text and not (found and name.strip()):
            raise forms.ValidationError(_("Write it as name=value."))
        return {name.strip(): value.strip()} if text else {}

    def clean(self) -> dict[str, Any]:
        """The first day is not after the last."""
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("This is before the first day."))
        return cleaned

    def question(self) -> ReplayIn | None:
        """What is asked for; null where a field is refused after all, which it then says."""
        given = self.cleaned_data
        since, until = _midnight(given["since"]), _midnight(given["until"])
        try:
            return convert(
                {
                    "limit": given["limit"],
                    "segment": given["segment"],
                    "model_version": given["model_version"] or None,
                    "compare_with": given["compare_with"],
                    "from": since and since.isoformat(),
                    "to": until and (until + timedelta(days=1)).isoformat(),
                },
                ReplayIn,
            )
        except (InvalidInput, OverflowError):
            self.add_error(None, _("This is out of range."))
            return None


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
