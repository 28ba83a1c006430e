"""The form that asks for a threshold study."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.actions.studies import StudyQuestion
from feedback.models import ThresholdStudy
from feedback.structs import StudyIn
from hitl.core.errors import DomainError, InvalidInput
from hitl.core.parsing import convert
from routing.models import TaskType

_FIELDS = {
    "/slice/label": "label",
    "/slice/segment": "segment",
    "/max_error": "max_error",
    "/delta": "delta",
    "/costs": "review_cost",
    "/costs/review": "review_cost",
    "/costs/error": "error_cost",
}
"""Where a refusal of the question is shown; what is not named here belongs to the costs by pair or to the whole."""


class StudyForm(forms.Form):
    """Shares in per cent. `task_types`: those to choose from."""

    task_type = forms.ChoiceField(label=_("Task type"))
    model_version = forms.CharField(
        label=_("Only this model version"),
        max_length=100,
        required=False,
        help_text=_("Empty: all, each on its own scale."),
    )
    label = forms.CharField(label=_("Only predictions of this label"), max_length=100, required=False)
    segment = forms.CharField(
        label=_("Only this segment"), help_text=_("name=value, as region=EU"), max_length=301, required=False
    )
    max_error = forms.FloatField(
        label=_("Error budget, %"), help_text=_("At most so many of the automated decisions may be wrong.")
    )
    delta = forms.FloatField(
        label=_("Risk of the guarantee, %"), help_text=_("At most so many studies may certify what does not hold.")
    )
    objective = forms.ChoiceField(label=_("Objective"), choices=ThresholdStudy.Objective.choices)
    review_cost = forms.FloatField(
        label=_("A review costs"), required=False, help_text=_("In any unit; needed for the least cost.")
    )
    error_cost = forms.FloatField(label=_("An error costs"), required=False, help_text=_("In the same unit."))
    pairs = forms.CharField(
        label=_("Errors that cost otherwise"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "One a line: right label, decided label, cost; * for any label. Empty: the task type's own costs of errors."
        ),
    )

    def __init__(self, *args: Any, task_types: Sequence[TaskType], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"max_error": 2, "delta": 5, "error_cost": 1, **self.initial}
        self._task_types = {t.slug: t for t in task_types}
        self.fields["task_type"].choices = [(t.slug, t.title) for t in task_types]  # type: ignore[attr-defined]

    def clean_segment(self) -> dict[str, str]:
        """The pair as a mapping."""
        text: str = self.cleaned_data["segment"]
        name, found, value = text.partition("=")
        if text and not (found and name.strip()):
            raise forms.ValidationError(_("Write it as name=value."))
        return {name.strip(): value.strip()} if text else {}

    def clean_pairs(self) -> list[dict[str, Any]] | None:
        """Each line as an entry; null where there is none."""
        lines = [line for line in self.cleaned_data["pairs"].splitlines() if line.strip()]
        return [_pair(line) for line in lines] or None

    @property
    def chosen(self) -> TaskType:
        """The task type asked about; call when valid."""
        return self._task_types[self.cleaned_data["task_type"]]

    def question(self) -> StudyQuestion | None:
        """What is asked for; null where a field is refused after all, which it then says."""
        given = self.cleaned_data
        wanted: dict[str, Any] = {
            "task_type": given["task_type"],
            "model_version": given["model_version"] or None,
            "slice": {"label": given["label"] or None, "segment": given["segment"]},
            "max_error": given["max_error"] / 100,
            "delta": given["delta"] / 100,
            "objective": given["objective"],
        }
        if given["review_cost"] is not None:
            error = 1.0 if given["error_cost"] is None else given["error_cost"]
            wanted["costs"] = {"review": given["review_cost"], "error": error, "pairs": given["pairs"]}
        try:
            asked = convert(wanted, StudyIn)
        except InvalidInput as refused:
            for problem in refused.errors:
                self.add_error(_field_of(problem.pointer), _("This is out of range."))
            return None
        return StudyQuestion(
            model_version=asked.model_version,
            slice=asked.slice,
            max_error=asked.max_error,
            delta=asked.delta,
            objective=asked.objective,
            costs=asked.costs,
        )

    def refuse(self, error: DomainError) -> None:
        """Say beside each field what is wrong with it."""
        for problem in error.errors:
            self.add_error(_field_of(problem.pointer), problem.said)
        if not error.errors:
            self.add_error(None, error.said)


def _field_of(pointer: str) -> str | None:
    other = "pairs" if pointer.startswith("/costs/pairs") else None
    return _FIELDS.get(pointer, other)


def _pair(line: str) -> dict[str, Any]:
    parts = [part.strip() for part in line.split(",")]
    try:
        truth, decided, cost = parts
        return {"truth": _named(truth), "decided": _named(decided), "cost": float(cost)}
    except ValueError:
        raise forms.ValidationError(_("Write each line as: right label, decided label, cost.")) from None


def _named(label: str) -> str | None:
    return None if label == "*" else label
