"""A person's own saved filters, and the address each leads to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from hitl.core.actors import Actor
from reviews.models import SavedFilter

# place → the parameters of its list that a filter may keep
KEPT: dict[str, tuple[str, ...]] = {"cases": ("q", "status", "task_type"), "queue": ("queue", "show")}


@dataclass(frozen=True, slots=True)
class FilterLink:
    id: Any
    name: str
    url: str


def own_filters(actor: Actor) -> QuerySet[SavedFilter]:
    """Nobody sees another's."""
    return SavedFilter.objects.filter(workspace_id=actor.workspace_id, user_id=actor.person_id).order_by("name")


def filters_of(actor: Actor, place: str) -> list[FilterLink]:
    """As the list's page shows them."""
    return [FilterLink(row.pk, row.name, address(place, row.query)) for row in own_filters(actor).filter(place=place)]


def address(place: str, query: Mapping[str, str]) -> str:
    """Where a filter leads."""
    rest = {k: v for k, v in query.items() if v and k != "queue"}
    base = "/cases" if place == "cases" else f"/queues/{query.get('queue', '')}/reviews"
    return f"{base}?{urlencode(rest)}" if rest else base
