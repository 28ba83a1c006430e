"""/exports: ask for a training set, download it, read its manifest, make it again."""

import uuid
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedback.access import export_for_actor, visible_exports
from feedback.actions.export_work import kept_file
from feedback.actions.exports import note_download, request_export, request_rebuild
from feedback.export_files import file_response
from feedback.export_payloads import manifest_out
from feedback.models import Export
from feedback.selectors import task_types_for_actor
from feedback.structs import ExportIn
from hitl.accounts.views.base import Page, attempt
from hitl.core.actors import Actor
from hitl.core.errors import Refused
from hitl.core.pagination import page_by_id
from hitl.core.parsing import convert
from hitl.core.permissions import Permission

SHOWN = 20


class _Day(forms.DateInput):
    input_type = "date"


class ExportForm(forms.Form):
    """What to export; `raw` only for who may."""

    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=Export.Kind.choices)
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=Export.Format.choices)
    task_type = forms.ChoiceField(label=gettext_lazy("Task type"), required=False)
    model_version = forms.CharField(label=gettext_lazy("Only this model version"), max_length=100, required=False)
    since = forms.DateField(label=gettext_lazy("Only labels changed since"), required=False, widget=_Day())
    raw = forms.BooleanField(
        label=gettext_lazy("Not pseudonymised"),
        help_text=gettext_lazy("Names people and subjects as they are stored. It is recorded who asked."),
        required=False,
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(t.slug, t.title) for t in task_types_for_actor(actor)]
        self.fields["task_type"].choices = [("", _("All")), *kinds]  # type: ignore[attr-defined]
        if not actor.may(Permission.EXPORT_RAW):
            del self.fields["raw"]

    def question(self) -> ExportIn:
        """What is asked for. A day begins at midnight, UTC."""
        given = self.cleaned_data
        since = given["since"]
        return convert(
            {
                "kind": given["kind"],
                "format": given["format"],
                "task_type": given["task_type"] or None,
                "model_version": given["model_version"] or None,
                "since": datetime.combine(since, time(), UTC).isoformat() if since else None,
                "raw": bool(given.get("raw")),
            },
            ExportIn,
        )


class ExportsPage(Page):
    permission = Permission.EXPORT

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form, and what was exported before."""
        return self._page(request, ExportForm(actor=self.actor))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file; a worker makes it."""
        form = ExportForm(request.POST, actor=self.actor)
        if form.is_valid():
            try:
                export = request_export(actor=self.actor, wanted=form.question())
            except Refused as error:
                form.add_error(None, error.said)
            else:
                return redirect("feedback:export", export.pk)
        return self._page(request, form)

    def _page(self, request: HttpRequest, form: ExportForm) -> HttpResponse:
        rows = visible_exports(self.actor).defer("withheld", "chunks", "versions")
        page = page_by_id(rows, limit=SHOWN, cursor=request.GET.get("cursor"))
        context = {
            "form": form,
            "exports": page.rows,
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/exports.html", context, status=422 if form.is_bound else 200)


class ExportPage(Page):
    permission = Permission.EXPORT

    def get(self, request: HttpRequest, export_id: uuid.UUID) -> HttpResponse:
        """One export's manifest in words and numbers."""
        export = export_for_actor(self.actor, export_id)
        found = export.versions.get("found", {})
        names = (("models", _("Models")), ("policies", _("Policies")), ("calibrations", _("Calibrations")),
                 ("guidelines", _("Guidelines")))  # fmt: skip
        context = {
            "export": export,
            "manifest": manifest_out(export),
            "versions": [(title, found[name].items()) for name, title in names if found.get(name)],
            "may_download": export.has_file and (not export.raw or self.actor.may(Permission.EXPORT_RAW)),
            "open": export.status in (Export.Status.WAITING, Export.Status.RUNNING),
        }
        return render(request, "feedback/export.html", context)


class ExportDownload(Page):
    permission = Permission.EXPORT

    def get(self, request: HttpRequest, export_id: uuid.UUID) -> HttpResponse | StreamingHttpResponse:
        """The kept file, or back to the manifest, which says why there is none."""
        export = export_for_actor(self.actor, export_id)
        try:
            note_download(actor=self.actor, export=export)
        except Refused:
            return redirect("feedback:export", export.pk)
        return file_response(export, kept_file(export))


class ExportRebuild(Page):
    permission = Permission.EXPORT

    def post(self, request: HttpRequest, export_id: uuid.UUID) -> HttpResponse:
        """Make it again and compare."""
        export = export_for_actor(self.actor, export_id)
        again = attempt(request, lambda: request_rebuild(actor=self.actor, export=export))
        return redirect("feedback:export", again.pk if again else export.pk)
