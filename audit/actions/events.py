"""The evidence of an action. Called by actions only, inside their transaction."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from audit.models import Event, OutboxMessage
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.rows import new_row

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about; `case_id` files it in that case's trace."""

    type: str
    id: uuid.UUID | str
    case_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Before and after of what changed (plain JSON), why, and the versions in force."""

    before: Json | None = None
    after: Json | None = None
    reason: str = ""
    versions: Json = field(default_factory=dict)


def build_event(
    *, actor: Actor, action: str, subject: Subject, change: Change = Change(), at: datetime | None = None
) -> Event:
    """An unsaved Event, for callers that insert many rows at once."""
    return new_row(
        Event,
        workspace_id=actor.workspace_id,
        at=at or now(),
        action=action,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label[:200],
        object_type=subject.type,
        object_id=str(subject.id),
        case_id=subject.case_id,
        reason=change.reason,
        versions=dict(change.versions),
        before=dict(change.before) if change.before is not None else None,
        after=dict(change.after) if change.after is not None else None,
    )


def record_event(
    *, actor: Actor, action: str, subject: Subject, change: Change = Change(), at: datetime | None = None
) -> Event:
    """Write one Event. Must run in the transaction of the change it records."""
    if not connection.in_atomic_block:
        raise RuntimeError("record_event belongs inside the transaction of its change")
    event = build_event(actor=actor, action=action, subject=subject, change=change, at=at)
    event.save(force_insert=True)
    return event


def build_message(
    *, actor: Actor, type: str, payload: Json, case_id: uuid.UUID | None = None, hold: timedelta = timedelta(0)
) -> OutboxMessage:
    """An unsaved OutboxMessage that leaves after `hold`."""
    at = now()
    return new_row(
        OutboxMessage,
        workspace_id=actor.workspace_id,
        case_id=case_id,
        type=type,
        payload=dict(payload),
        created_at=at,
        available_at=at + hold,
    )


def cancel_messages(*, workspace_id: uuid.UUID, case_id: uuid.UUID, types: tuple[str, ...]) -> int:
    """Withdraw what has not left yet (undo). Returns how many were withdrawn."""
    return OutboxMessage.objects.filter(
        workspace_id=workspace_id, case_id=case_id, type__in=types, relayed_at__isnull=True, cancelled_at__isnull=True
    ).update(cancelled_at=now())
