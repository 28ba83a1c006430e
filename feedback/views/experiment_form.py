"""The form that declares an experiment."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.actions.experiments import MOST_BLOCK_HOURS, Declared
from feedback.models import Experiment
from hitl.core.errors import Refused
from routing.models import TaskType


class _Moment(forms.DateTimeInput):
    input_type = "datetime-local"


class ExperimentForm(forms.Form):
    """`task_types`: those the person may choose."""

    title = forms.CharField(label=_("Title"), max_length=200)
    task_type = forms.ModelChoiceField(label=_("Kind of case"), queryset=TaskType.objects.none(), to_field_name="slug")
    kind = forms.ChoiceField(label=_("How"), choices=Experiment.Kind.choices)
    over = forms.ChoiceField(label=_("What"), choices=Experiment.Over.choices)
    first = forms.CharField(
        label=_("What is tried"),
        help_text=_("A policy version's number, a model version, or a segment as region=EU."),
        max_length=301,
    )
    second = forms.CharField(label=_("Compared with"), max_length=301)
    measure = forms.ChoiceField(label=_("Judged by"), choices=Experiment.Measure.choices)
    share = forms.FloatField(
        label=_("Share of the cases, for a split that is still to start"),
        min_value=0.001,
        max_value=0.5,
        required=False,
    )
    block_hours = forms.IntegerField(
        label=_("Hours of a block, for time blocks"), min_value=1, max_value=MOST_BLOCK_HOURS, required=False
    )
    washout_hours = forms.IntegerField(
        label=_("Hours left out at its start"), min_value=0, max_value=MOST_BLOCK_HOURS, required=False
    )
    starts_at = forms.DateTimeField(
        label=_("From (UTC)"), help_text=_("Empty: from now on."), required=False, widget=_Moment()
    )
    reason = forms.CharField(label=_("Why"), max_length=2000, required=False)

    def __init__(self, *args: Any, task_types: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task_type"].queryset = task_types  # type: ignore[attr-defined]

    def declared(self) -> Declared:
        """What the fields say."""
        given = self.cleaned_data
        return Declared(
            task_type=given["task_type"], title=given["title"], kind=given["kind"], over=given["over"],
            first=given["first"].strip(), second=given["second"].strip(), measure=given["measure"],
            block_hours=given["block_hours"], washout_hours=given["washout_hours"] or 0, share=given["share"],
            starts_at=given["starts_at"], reason=given["reason"],
        )  # fmt: skip

    def refuse(self, error: Refused) -> None:
        """Put a refusal where it belongs."""
        for problem in error.errors:
            name = problem.pointer.removeprefix("/")
            self.add_error(name if name in self.fields else None, problem.said)
        if not error.errors:
            self.add_error(None, error.said)
