"""Pages of replays: ask, watch, read, look into what would change."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.access import change_for_actor, changes_for_actor, replay_for_actor, replays_of_version
from feedback.actions.replays import OPEN, cancel_replay, request_replay
from feedback.models import ReplayJob
from feedback.off_policy_page import off_policy_shown
from feedback.replay_charts import automation_chart, error_chart, load_chart
from feedback.replay_payloads import result_of
from feedback.replay_result import ReplayResult
from feedback.replay_traces import routes_of
from feedback.replay_words import action_words, replay_sentences, unknown_sentence
from feedback.selectors import replay_progress
from feedback.views.replay_form import ReplayForm
from feedback.views.replay_rows import change_rows, compared_steps, matrix_rows, result_rows, segment_rows
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import Refused
from hitl.core.numbers import percent
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.access import version_for
from routing.engine.route import Action
from routing.models import PolicyVersion

SHOWN = 20


class VersionReplays(Page):
    """Ask for a replay of a version, and those it had."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        version = version_for(self.actor, slug, number)
        return self._page(request, version, ReplayForm(others=_others(version)))

    def post(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        self.actor.require(Permission.WRITE_POLICIES)
        version = version_for(self.actor, slug, number)
        form = ReplayForm(request.POST, others=_others(version))
        if form.is_valid() and (wanted := form.question()):
            try:
                job = request_replay(actor=self.actor, version=version, wanted=wanted)
            except Refused as error:
                form.add_error(None, error.said)
            else:
                return redirect("feedback:replay", job.pk)
        return self._page(request, version, form)

    def _page(self, request: HttpRequest, version: PolicyVersion, form: ReplayForm) -> HttpResponse:
        rows = replays_of_version(self.actor, version).defer("result")
        page = page_by_id(rows, limit=SHOWN, cursor=request.GET.get("cursor"))
        context = {
            "policy": version.policy,
            "version": version,
            "form": form,
            "jobs": page.rows,
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
            "may_write": self.actor.may(Permission.WRITE_POLICIES),
        }
        return render(request, "feedback/replay_form.html", context, status=422 if form.is_bound else 200)


class ReplayPage(Page):
    """One replay: how far it is, or what it says."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
        job = replay_for_actor(self.actor, replay_id)
        result = result_of(job)
        context = _progress(job) | {"may_write": self.actor.may(Permission.WRITE_POLICIES)}
        if result is not None:
            context |= _shown(result)
        return render(request, "feedback/replay.html", context)


class ReplayProgress(Page):
    """The part that is asked for again and again while a replay runs; unchanged costs no rendering."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
        job = replay_for_actor(self.actor, replay_id)
        context = _progress(job)
        tag = f'"{job.status}-{context["done"]}"'
        if request.headers.get("If-None-Match") == tag:
            response: HttpResponse = HttpResponseNotModified()
        else:
            response = render(request, "feedback/_replay_progress.html", context)
        response["ETag"], response["Cache-Control"] = tag, "private, no-cache"
        if job.status not in OPEN:
            response["HX-Refresh"] = "true"
        return response


class ReplayCancelPage(Page):
    permission = Permission.WRITE_POLICIES

    def post(self, request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
        """Stop it."""
        job = replay_for_actor(self.actor, replay_id)
        attempt(request, lambda: cancel_replay(actor=self.actor, job=job), _("The replay is cancelled."))
        return redirect("feedback:replay", job.pk)


class ReplayChangesPage(Page):
    """The cases that would have been routed otherwise, all or those of one cell of the matrix."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
        job = replay_for_actor(self.actor, replay_id)
        rows = changes_for_actor(self.actor, job)
        asked = {name: request.GET.get(name, "") for name in ("before", "after")}
        chosen = {name: value for name, value in asked.items() if value in set(Action)}
        rows = rows.filter(**{f"action_{name}": value for name, value in chosen.items()})
        page = page_by_id(rows, limit=50, cursor=request.GET.get("cursor"))
        context = {
            "job": job,
            "policy": job.version.policy,
            "rows": change_rows(page.rows),
            "chosen": chosen,
            "actions": [(action.value, action_words(action)) for action in Action],
            "next_url": f"?{urlencode(chosen | {'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/replay_changes.html", context)


class ReplayChangePage(Page):
    """One changed case: both routes side by side."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, replay_id: uuid.UUID, change_id: uuid.UUID) -> HttpResponse:
        job = replay_for_actor(self.actor, replay_id)
        change = change_for_actor(self.actor, job, change_id)
        before, after = routes_of(job, change)
        context = {
            "job": job,
            "policy": job.version.policy,
            "change": change_rows([change])[0],
            "before": before,
            "after": after,
            "steps": compared_steps(before, after),
        }
        return render(request, "feedback/replay_change.html", context)


def _others(version: PolicyVersion) -> list[int]:
    rows = PolicyVersion.objects.filter(policy_id=version.policy_id).exclude(pk=version.pk)
    return list(rows.order_by("-number").values_list("number", flat=True)[:200])


def _progress(job: ReplayJob) -> dict[str, Any]:
    done, total = replay_progress(job)
    return {
        "job": job,
        "policy": job.version.policy,
        "asked": job.question,
        "running": job.status in OPEN,
        "done": done,
        "total": total,
        "percent": percent(done / total, 0) if total else "",
    }


def _shown(result: ReplayResult) -> dict[str, Any]:
    return {
        "result": result,
        "rows": result_rows(result),
        "segments": segment_rows(result),
        "matrix": matrix_rows(result.matrix),
        "off_policy": off_policy_shown(result.off_policy),
        "unknown": unknown_sentence(result),
        "sentences": list(replay_sentences(result)),
        "load_chart": load_chart(result.load),
        "charts": [
            chart
            for chart in (
                automation_chart(result, _("Share the machine decides"), _("all cases")),
                error_chart(result, _("Automated decisions that are wrong"), _("all cases")),
            )
            if chart is not None
        ],
    }
