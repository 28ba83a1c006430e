"""/imports: check a file of labelled history, bring it in, read what was refused."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedback.access import import_for_actor, visible_imports
from feedback.actions.imports import request_import
from feedback.models import HistoryImport
from feedback.selectors import task_types_for_actor
from feedback.structs import ImportIn
from hitl.accounts.views.base import Page, reason_of
from hitl.core.actors import Actor
from hitl.core.errors import InvalidInput, Refused
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission

SHOWN = 20


class ImportForm(forms.Form):
    """A file and what is declared of it; nothing is written unless the dry run is switched off."""

    file = forms.FileField(label=gettext_lazy("File"))
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=HistoryImport.Format.choices)
    task_type = forms.ChoiceField(label=gettext_lazy("Task type"))
    trust = forms.FloatField(
        label=gettext_lazy("Trust"),
        help_text=gettext_lazy("What an imported judgement weighs beside one made here, above 0 and at most 1."),
        min_value=0.01,
        max_value=1.0,
        initial=0.5,
    )
    unaided = forms.BooleanField(
        label=gettext_lazy("These people had not seen the machine's answer"),
        help_text=gettext_lazy("Only then may calibration learn from them."),
        required=False,
    )
    dry_run = forms.BooleanField(label=gettext_lazy("Only check, write nothing"), required=False, initial=True)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(t.slug, t.title) for t in task_types_for_actor(actor)]
        self.fields["task_type"].choices = kinds  # type: ignore[attr-defined]

    def clean_file(self) -> str:
        """Its text."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > settings.HITL_MAX_BATCH_BYTES:
            raise forms.ValidationError(_("This file is too large; cut it into several."))
        try:
            return bytes(file.read()).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError(_("This file is not UTF-8 text.")) from None


class ImportsPage(Page):
    permission = Permission.SUBMIT_CASES

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form, and earlier imports."""
        return self._page(request, ImportForm(actor=self.actor))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the file; a worker takes it."""
        form = ImportForm(request.POST, request.FILES, actor=self.actor)
        if form.is_valid():
            given = form.cleaned_data
            wanted = ImportIn(
                task_type=given["task_type"], format=given["format"], content=given["file"],
                dry_run=given["dry_run"], unaided=given["unaided"], trust=given["trust"],
            )  # fmt: skip
            try:
                found = request_import(actor=self.actor, wanted=wanted)
            except (InvalidInput, Refused) as error:
                form.add_error(None, reason_of(error))
            else:
                return redirect("feedback:import", found.pk)
        return self._page(request, form)

    def _page(self, request: HttpRequest, form: ImportForm) -> HttpResponse:
        rows = visible_imports(self.actor).defer("body", "errors")
        page = page_by_id(rows, limit=SHOWN, cursor=request.GET.get("cursor"))
        context = {
            "form": form,
            "imports": page.rows,
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/imports.html", context, status=422 if form.is_bound else 200)


class ImportPage(Page):
    permission = Permission.SUBMIT_CASES

    def get(self, request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
        """How far it is, and every refused row with its cure."""
        found = import_for_actor(self.actor, import_id)
        open_ = found.status in (HistoryImport.Status.WAITING, HistoryImport.Status.RUNNING)
        return render(request, "feedback/import.html", {"found": found, "open": open_})
