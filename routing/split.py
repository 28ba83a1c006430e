"""The part of a task type that splits its cases into questions (mission C9)."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import models

from routing.engine.questions import problems_of, read_label_rules, read_questions
from routing.validation import check_label_rules, check_questions


class WithQuestions(models.Model):
    """`questions`, answered by machine or person, and `label_rules`: how the answers make the label."""

    questions = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        validators=[check_questions],
        help_text='[{"key", "title", "labels": [{"value", "title"}], "answered_by"?, "threshold"?, "main"?}]',
    )
    label_rules = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        validators=[check_label_rules],
        help_text='How answers make the label, in order: [{"when": {question: answer}, "label"}].',
    )

    class Meta:
        abstract = True

    @property
    def label_values(self) -> Collection[str]:
        raise NotImplementedError

    def check_questions(self) -> None:
        """What only both together and the labels can tell."""
        try:
            questions, rules = read_questions(self.questions), read_label_rules(self.label_rules)
        except ValueError:
            return  # the fields' own checks have said it
        if found := problems_of(questions, rules, self.label_values):
            raise ValidationError({"questions": found})
