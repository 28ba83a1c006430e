"""Searching events. Time is searched by way of the UUIDv7 key, so every filter stays on an index that ends in it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from audit.models import Event


@dataclass(frozen=True, slots=True)
class EventSearch:
    """Null or empty: any. `actor` is a name as events show it or an id; `object_id` with or without `object_type`."""

    action: str = ""
    actor: str = ""
    object_type: str = ""
    object_id: str = ""
    case_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def found_events(events: QuerySet[Event], search: EventSearch) -> QuerySet[Event]:
    """`events` narrowed by `search`; an action that ends in “.” or names no verb matches all of its noun."""
    if search.case_id is not None:
        events = events.filter(case_id=search.case_id)
    if search.action:
        noun = search.action.removesuffix(".")
        events = events.filter(Q(action=search.action) if "." in noun else Q(action__startswith=f"{noun}."))
    if search.actor:
        actor_id = as_uuid(search.actor)
        events = events.filter(Q(actor_label=search.actor) if actor_id is None else Q(actor_id=actor_id))
    if search.object_type:
        events = events.filter(object_type=search.object_type)
    if search.object_id:
        events = events.filter(object_id=search.object_id)
    if search.since is not None:
        events = events.filter(pk__gte=first_id_at(search.since))
    if search.until is not None:
        events = events.filter(pk__lt=first_id_at(search.until))
    return events


def first_id_at(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond (RFC 9562)."""
    return uuid.UUID(int=max(int(at.timestamp() * 1000), 0) << 80)


def as_uuid(text: str) -> uuid.UUID | None:
    """The UUID written in `text`, or null."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
