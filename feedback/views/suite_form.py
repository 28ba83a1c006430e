"""The form that writes the next version of a test suite: pasted or from a file, with the line of what is wrong."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hitl.core.actors import Actor
from hitl.core.errors import DomainError, FieldProblem
from reviews.actions.suites import write_suite
from reviews.models import SuiteVersion
from reviews.suites import SuiteTextError, read_suite
from routing.models import TaskType


class SuiteForm(forms.Form):
    """`problems`, after `write`: the line (null: unknown) and what is wrong there."""

    text = forms.CharField(
        label=gettext_lazy("Examples"),
        help_text=gettext_lazy("JSON Lines, one example a line, or a list in YAML."),
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "code"}),
        required=False,
        strip=False,
    )
    file = forms.FileField(
        label=gettext_lazy("Or a file"), help_text=gettext_lazy("It counts instead of the text."), required=False
    )
    note = forms.CharField(label=gettext_lazy("What changed, and why"), max_length=5000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems: list[tuple[int | None, FieldProblem]] = []

    def clean_file(self) -> str | None:
        """Its text; null without one."""
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is None:
            return None
        if (file.size or 0) > settings.HITL_MAX_BATCH_BYTES:
            raise forms.ValidationError(_("This file is too large."))
        try:
            return bytes(file.read()).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError(_("This file is not UTF-8 text.")) from None

    def write(self, actor: Actor, kind: TaskType) -> SuiteVersion | None:
        """The version written; null where something is wrong, which the form then says."""
        given = self.cleaned_data
        text = given["text"].replace("\r\n", "\n") if given["file"] is None else given["file"]
        try:
            read = read_suite(text)
        except SuiteTextError as error:
            self.problems = list(error.problems)
            return None
        try:
            return write_suite(actor=actor, task_type=kind, examples=read.examples, note=given["note"])
        except DomainError as error:
            found = error.errors or (FieldProblem("", error.detail, error.code),)
            self.problems = [(read.line(problem.pointer), problem) for problem in found]
            return None
