"""/guidelines/<t>/suite: a task type's policy test suite, its next version, its runs and what each of them found."""

import re
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.access import suite_run_for_actor, visible_suite_runs
from feedback.actions.suite_runs import OPEN, request_suite_run
from feedback.models import SuiteRun
from feedback.replay_words import action_words
from feedback.suite_payloads import Only, results_of, summary_of
from feedback.suite_results import ExampleResult, Passed, SuiteSummary
from feedback.views.suite_form import SuiteForm
from hitl.accounts.views.base import Page, attempt
from hitl.core.numbers import fixed, percent
from hitl.core.pagination import page_by_id, page_of_list
from hitl.core.parsing import convert
from hitl.core.permissions import Permission
from reviews.guidelines import visible_guidelines
from reviews.suites import MAX_EXAMPLES, ExampleIn, suite_for, visible_suites, write_lines
from reviews.views.shapes import title_of
from routing.access import task_type_for
from routing.models import PolicyVersion, TaskType

RUNS_SHOWN = 20
EXAMPLES_SHOWN = 100
INPUT_SHOWN = 200
LONGEST_PREFILL = 200_000
"""Characters; a longer suite is not put into the form, but downloaded over REST or kept as a file."""


class SuitePage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """The versions of the suite, the form that runs the newest, and the runs so far."""
        kind = task_type_for(self.actor, slug)
        may_write = self.actor.may(Permission.CONFIGURE)
        page = page_by_id(
            visible_suite_runs(self.actor).filter(task_type=kind), limit=RUNS_SHOWN, cursor=request.GET.get("cursor")
        )
        context = {
            "kind": kind,
            "suites": visible_suites(self.actor).filter(task_type=kind).order_by("-number")[:200],
            "runs": [(run, _figures(run)) for run in page.rows],
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
            "versions": _versions(kind),
            "may_write": may_write,
            "guideline": may_write or visible_guidelines(self.actor).filter(task_type=kind).exists(),
            "may_run": self.actor.may(Permission.WRITE_POLICIES),
        }
        return render(request, "feedback/suite.html", context)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Run the newest version on the policy version that was chosen."""
        self.actor.require(Permission.WRITE_POLICIES)
        kind = task_type_for(self.actor, slug)
        number = None
        if chosen := request.POST.get("version"):
            number = int(chosen) if re.fullmatch(r"[0-9]{1,9}", chosen) else 0  # no policy has a version 0
        made = attempt(request, lambda: request_suite_run(actor=self.actor, task_type=kind, number=number))
        return redirect("feedback:suite-run", made.pk) if made else redirect("feedback:suite", slug)


class SuiteVersionPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        """One version with its examples."""
        kind = task_type_for(self.actor, slug)
        suite = suite_for(self.actor, kind, number)
        rows, following = page_of_list(suite.examples, limit=EXAMPLES_SHOWN, cursor=request.GET.get("cursor"))
        context = {
            "kind": kind,
            "suite": suite,
            "examples": [(one, title_of(kind, one["expected"]), _short(one["input"])) for one in rows],
            "next_url": f"?{urlencode({'cursor': following})}" if following else None,
        }
        return render(request, "feedback/suite_version.html", context)


class SuiteWritePage(Page):
    permission = Permission.CONFIGURE

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """The newest version as a text to go on from."""
        kind = task_type_for(self.actor, slug)
        newest = visible_suites(self.actor).defer(None).filter(task_type=kind).order_by("-number").first()
        text = write_lines(convert(newest.examples, list[ExampleIn])) if newest else ""
        initial = {"text": text} if len(text) <= LONGEST_PREFILL else {}
        return self._page(request, kind, SuiteForm(initial=initial))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Write the next version, or say where the text is wrong."""
        kind = task_type_for(self.actor, slug)
        form = SuiteForm(request.POST, request.FILES)
        made = form.write(self.actor, kind) if form.is_valid() else None
        if made is None:
            return self._page(request, kind, form)
        return redirect("feedback:suite-version", slug, made.number)

    def _page(self, request: HttpRequest, kind: TaskType, form: SuiteForm) -> HttpResponse:
        label = kind.label_values[0]
        sample = ExampleIn(name=_("a short name"), input={}, expected=label, expected_route="people")
        context = {"kind": kind, "form": form, "sample": write_lines([sample]), "most": MAX_EXAMPLES}
        return render(request, "feedback/suite_write.html", context, status=422 if form.is_bound else 200)


class SuiteRunPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """One run, what fails first."""
        run = suite_run_for_actor(self.actor, run_id)
        only: Only | None = "failing" if request.GET.get("only") == "failing" else None
        found = results_of(run, only)
        rows, following = page_of_list(found, limit=EXAMPLES_SHOWN, cursor=request.GET.get("cursor"))
        asked = {"only": only} if only else {}
        context = {
            "run": run,
            "kind": run.task_type,
            "open": run.status in OPEN,
            "figures": _figures(run),
            "rows": [_row(result, run.task_type) for result in rows],
            "only": only,
            "next_url": f"?{urlencode(asked | {'cursor': following})}" if following else None,
        }
        return render(request, "feedback/suite_run.html", context)


@dataclass(frozen=True, slots=True)
class Figures:
    """The sum of a run, ready to read."""

    summary: SuiteSummary
    model: str
    route: str


@dataclass(frozen=True, slots=True)
class Row:
    """One example of a run, ready to read; `said` null: there was no prediction."""

    result: ExampleResult
    expected: str
    said: str | None
    confidence: str
    action: str


def _figures(run: SuiteRun) -> Figures | None:
    summary = summary_of(run)
    return None if summary is None else Figures(summary, _passed(summary.model), _passed(summary.route))


def _passed(found: Passed) -> str:
    if found.share is None:
        return "–"
    given = {"passed": found.passed, "of": found.of, "share": percent(found.share)}
    given |= {"low": percent(found.low), "high": percent(found.high)}
    return _("%(passed)s of %(of)s: %(share)s (%(low)s to %(high)s)") % given


def _row(result: ExampleResult, kind: TaskType) -> Row:
    return Row(
        result=result,
        expected=title_of(kind, result.expected),
        said=None if result.label is None else title_of(kind, result.label),
        confidence="" if result.confidence is None else fixed(result.confidence, 2),
        action=action_words(result.action),
    )


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= INPUT_SHOWN else f"{text[:INPUT_SHOWN]} …"


def _versions(kind: TaskType) -> list[PolicyVersion]:
    """What the suite may be run on, newest first."""
    rows = PolicyVersion.objects.filter(policy__task_type=kind).exclude(status=PolicyVersion.Status.REJECTED)
    return list(rows.defer("document").order_by("-number")[:100])
