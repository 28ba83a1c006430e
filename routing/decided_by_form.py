"""The part of a task type that says how people decide it."""

from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import models

from routing.decision_form import DecisionForm, form_of, form_problems, label_space
from routing.validation import check_form


class DecidedByForm(models.Model):
    """Adds `form` beside `labels`; see docs/evidence-and-forms.md."""

    labels: Any
    form = models.JSONField(
        "decision form",
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        validators=[check_form],
        help_text='How people decide: {"kind": "choice"}, or binary, multi_label, amount, text, pairwise.',
    )

    class Meta:
        abstract = True

    @property
    def label_values(self) -> tuple[str, ...]:
        """In the order of the taxonomy. Where a case may have several, `in` asks for a set of them: `a|b`."""
        values = tuple(label["value"] for label in self.labels)
        return label_space(values) if self.form.get("kind") == "multi_label" else values

    @property
    def decision_form(self) -> DecisionForm:
        return form_of(self.form)

    def check_form_fits(self) -> None:
        """Raises ValidationError where the form does not fit the labels; silent where either is refused by itself."""
        try:
            problem = next(form_problems(self.decision_form, tuple(self.label_values)), None) if self.form else None
        except (msgspec.ValidationError, AttributeError, KeyError, TypeError):
            return
        if problem:
            raise ValidationError({"form": problem})
