"""The event explorer."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views import View

from audit.access import visible_events
from audit.models import Event
from audit.selectors import EventSearch, found_events
from hitl.core.actors import Actor
from hitl.core.errors import Forbidden
from hitl.core.pagination import Page, page_by_id

PAGE_SIZE = 50
_DATETIME = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class SearchForm(forms.Form):
    action = forms.CharField(label=_("Action"), max_length=60, required=False, help_text=_("case.decided, or case"))
    actor = forms.CharField(label=_("Who"), max_length=200, required=False)
    object_type = forms.CharField(label=_("Kind of object"), max_length=40, required=False)
    object_id = forms.CharField(label=_("Object"), max_length=64, required=False)
    case = forms.UUIDField(label=_("Case"), required=False)
    since = forms.DateTimeField(label=_("From (UTC)"), required=False, widget=_DATETIME)
    until = forms.DateTimeField(label=_("Until (UTC)"), required=False, widget=_DATETIME)

    def search(self) -> EventSearch:
        """What was asked; call when valid."""
        values = self.cleaned_data
        return EventSearch(
            action=values["action"],
            actor=values["actor"],
            object_type=values["object_type"],
            object_id=values["object_id"],
            case_id=values["case"],
            since=values["since"],
            until=values["until"],
        )


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with its change as the difference component shows it."""

    event: Event
    changes: tuple[dict[str, str | None], ...]


class EventExplorer(LoginRequiredMixin, View):
    """Search the workspace's events; supervisors and auditors only."""

    def get(self, request: HttpRequest) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if not actor:
            raise Forbidden("You are not an active member of any workspace. Ask your supervisor.")
        events = visible_events(actor)
        form = SearchForm(request.GET)
        page: Page[Event] = Page([], None)
        if form.is_valid():
            page = page_by_id(found_events(events, form.search()), limit=PAGE_SIZE, cursor=request.GET.get("cursor"))
        kept = {name: value for name, value in request.GET.items() if name in form.fields and value}
        context = {
            "form": form,
            "rows": [EventRow(event, _changes(event)) for event in page.rows],
            "next_url": f"?{urlencode(kept | {'cursor': page.next})}" if page.next else None,
        }
        return render(request, "audit/event_list.html", context, status=200 if form.is_valid() else 422)


def _changes(event: Event) -> tuple[dict[str, str | None], ...]:
    before, after = event.before or {}, event.after or {}
    names = [*after, *(name for name in before if name not in after)]
    return tuple({"field": n, "before": _text(before, n), "after": _text(after, n)} for n in names)


def _text(values: dict[str, Any], name: str) -> str | None:
    if values.get(name) is None:
        return None
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
