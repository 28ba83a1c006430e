"""Pages of threshold studies: those there are, a new one, what one says, and the policy draft that follows."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.actions.studies import store_study
from feedback.actions.study_drafts import propose_from_study, version_in_force, why_not_proposable
from feedback.models import ThresholdStudy
from feedback.selectors import studies_for_actor, study_for_actor, task_types_for_actor
from feedback.study_charts import cost_chart, money
from feedback.study_words import cost_words, naive_words, needed_words, share_words, slice_words, verdict
from feedback.views.study_form import StudyForm
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import InvalidInput, Refused
from hitl.core.numbers import percent
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.views.study import study_views

SHOWN = 25
_PREFILLED = ("task_type", "model_version", "label", "segment", "objective")


class StudiesPage(Page):
    """The stored studies, the newest first; `?task_type=` narrows them."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        kinds = list(task_types_for_actor(self.actor))
        asked = request.GET.get("task_type", "")
        chosen = asked if asked in {kind.slug for kind in kinds} else None
        rows = studies_for_actor(self.actor, chosen)
        page = page_by_id(rows, limit=SHOWN, cursor=request.GET.get("cursor"))
        kept = {"task_type": chosen} if chosen else {}
        context = {
            "rows": [(row, slice_words(row.slice)) for row in page.rows],
            "task_types": kinds,
            "chosen": chosen,
            "next_url": f"?{urlencode(kept | {'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/studies.html", context)


class NewStudy(Page):
    """Asks what to study; it is answered at once. Analysis only, so reading policies is enough, as in REST."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = {name: request.GET[name] for name in _PREFILLED if name in request.GET}
        return self._page(request, StudyForm(initial=initial, task_types=self._task_types()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = StudyForm(request.POST, task_types=self._task_types())
        if form.is_valid() and (question := form.question()):
            try:
                row = store_study(actor=self.actor, task_type=form.chosen, question=question)
            except (InvalidInput, Refused) as refused:
                form.refuse(refused)
            else:
                return redirect("feedback:study", row.pk)
        return self._page(request, form)

    def _task_types(self) -> list[Any]:
        return list(task_types_for_actor(self.actor))

    def _page(self, request: HttpRequest, form: StudyForm) -> HttpResponse:
        return render(request, "feedback/study_form.html", {"form": form}, status=422 if form.is_bound else 200)


class StudyPage(Page):
    """One study: its frontier, its costs, its labels, its critical zone, and what would make it attainable."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
        study = study_for_actor(self.actor, study_id)
        active = version_in_force(study)
        context = _shown(study) | {
            "active": active,
            "why_not": why_not_proposable(study, active),
            "may_propose": self.actor.may(Permission.PROPOSE_POLICIES),
        }
        return render(request, "feedback/study.html", context)


class DraftFromStudy(Page):
    permission = Permission.PROPOSE_POLICIES

    def post(self, request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
        """Propose a policy version with what the study certified."""
        study = study_for_actor(self.actor, study_id)
        version = attempt(request, lambda: propose_from_study(actor=self.actor, study=study), _("Proposed."))
        if version is None:
            return redirect("feedback:study", study.pk)
        return redirect("policy-version", version.policy.slug, version.number)


def _shown(study: ThresholdStudy) -> dict[str, Any]:
    result = study.result
    cost, zone = result.get("cost"), result.get("critical_zone")
    about = {"max_error": study.max_error, "delta": study.delta, "n": study.n}
    return {
        "study": study,
        "slice": slice_words(study.slice),
        "verdict": verdict(study),
        "frontier": study_views(result | about)[0],
        "naive": naive_words(study),
        "cost": cost and cost_chart(cost),
        "cost_words": list(cost_words(cost)) if cost else [],
        "labels": [_label_row(one) for one in (result.get("per_label") or {}).get("labels", ())],
        "delta_each": percent((result.get("per_label") or result.get("slices") or {}).get("delta_each") or 0.0, 2),
        "budget": percent(study.max_error),
        "peak_budget": "" if study.peak_error is None else percent(study.peak_error),
        "risk": percent(study.delta),
        "zone": zone and _zone_rows(zone),
        "needed": list(needed_words(result)),
        "slices": [_slice_row(study, one) for one in (result.get("slices") or {}).get("slices", ())],
    }


def _zone_rows(zone: dict[str, Any]) -> dict[str, Any]:
    """The zone's figures as rows of a table: what, and how much with its interval."""
    rows = [
        (_("Share of all cases"), share_words(zone["volume"])),
        (_("The machine is wrong in"), share_words(zone["error"])),
        (_("Share of all the machine's errors"), share_words(zone["errors"])),
        (_("Of these cases people decide"), share_words(zone["reviewed"])),
        (_("Share of all reviews"), share_words(zone["reviews"])),
    ]
    if zone["cost_share"] is not None:
        rows.append((_("Share of the total cost"), f"{percent(zone['cost_share'])} ({money(zone['cost'])})"))
    return zone | {"rows": rows}


def _label_row(one: dict[str, Any]) -> dict[str, Any]:
    """A label of the table, ready to read."""
    error = one["error"]
    return one | {
        "share_words": "–" if one["share"] is None else percent(one["share"]),
        "error_words": "–" if error is None else f"{percent(error, 2)} (≤ {percent(one['error_upper'], 2)})",
    }


def _slice_row(study: ThresholdStudy, one: dict[str, Any]) -> dict[str, Any]:
    """A slice with the address of a study of its own, where that can be asked for."""
    by_label = one["kind"] == "label"
    narrowed = {"label": one["value"]} if by_label else {"segment": f"{one['name']}={one['value']}"}
    asked = {"task_type": study.task_type.slug, "model_version": study.model_version or ""} | narrowed
    title = slice_words({"label": one["value"]} if by_label else {"segment": {one["name"]: one["value"]}})
    return one | {"title": title, "query": urlencode(asked), "may_study": not study.slice}
