"""/ops/experiments: declare a comparison, read it, stop it."""

import uuid
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.access import experiment_for_actor, visible_experiments
from feedback.actions.experiments import declare_experiment, stop_experiment
from feedback.experiment_page import block_lines, difference_drawing, measure_lines, verdict
from feedback.experiment_report import report_of
from feedback.selectors import task_types_for_actor
from feedback.views.experiment_form import ExperimentForm
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import Conflict, Refused
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission

SHOWN = 20


class ExperimentsPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first, and the form for whoever may declare one."""
        return self._page(request, self._form(None))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Declare one; what is refused is said at its field."""
        self.actor.require(Permission.WRITE_POLICIES)
        form = self._form(request.POST)
        if form.is_valid():
            try:
                found = declare_experiment(actor=self.actor, declared=form.declared())
            except Refused as error:
                form.refuse(error)
            except Conflict as error:
                form.add_error(None, error.said)
            else:
                return redirect("feedback:experiment", found.pk)
        return self._page(request, form)

    def _form(self, data: object) -> ExperimentForm:
        return ExperimentForm(data, task_types=task_types_for_actor(self.actor))

    def _page(self, request: HttpRequest, form: ExperimentForm) -> HttpResponse:
        page = page_by_id(visible_experiments(self.actor), limit=SHOWN, cursor=request.GET.get("cursor"))
        context = {
            "rows": page.rows,
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
            "form": form,
            "may_write": self.actor.may(Permission.WRITE_POLICIES),
        }
        return render(request, "feedback/experiments.html", context, status=422 if form.is_bound else 200)


class ExperimentPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, experiment_id: uuid.UUID) -> HttpResponse:
        """What it says so far."""
        found = experiment_for_actor(self.actor, experiment_id)
        report = report_of(found)
        context = {
            "experiment": found,
            "report": report,
            "verdict": verdict(found, report),
            "lines": measure_lines(found, report),
            "drawing": difference_drawing(report),
            "blocks": block_lines(found, report),
            "may_write": self.actor.may(Permission.WRITE_POLICIES),
        }
        return render(request, "feedback/experiment.html", context)


class StopExperiment(Page):
    permission = Permission.WRITE_POLICIES

    def post(self, request: HttpRequest, experiment_id: uuid.UUID) -> HttpResponse:
        """End it."""
        found = experiment_for_actor(self.actor, experiment_id)
        attempt(request, lambda: stop_experiment(actor=self.actor, experiment=found), _("The experiment is stopped."))
        return redirect("feedback:experiment", found.pk)
