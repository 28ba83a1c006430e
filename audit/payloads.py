"""The public JSON of events."""

from typing import Any

import msgspec

from audit.models import Event
from hitl.core.clock import rfc3339


class EventOut(msgspec.Struct, frozen=True):
    """One thing that happened. `actor` null: hitl itself."""

    id: str
    at: str | None
    action: str
    actor_kind: str
    actor: str | None
    actor_label: str
    object_type: str
    object_id: str
    case: str | None
    reason: str
    versions: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class EventList(msgspec.Struct, frozen=True):
    results: list[EventOut]
    next: str | None


def event_out(event: Event) -> EventOut:
    return EventOut(
        id=str(event.pk),
        at=rfc3339(event.at),
        action=event.action,
        actor_kind=event.actor_kind,
        actor=str(event.actor_id) if event.actor_id else None,
        actor_label=event.actor_label,
        object_type=event.object_type,
        object_id=event.object_id,
        case=str(event.case_id) if event.case_id else None,
        reason=event.reason,
        versions=event.versions,
        before=event.before,
        after=event.after,
    )
