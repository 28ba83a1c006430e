"""Outbox messages and cases as other apps write them."""

import uuid
from datetime import timedelta
from typing import Any

from audit.actions.events import build_message
from audit.models import OutboxMessage
from hitl.accounts.models import Client
from hitl.core.actors import system_actor
from hitl.core.clock import now
from reviews.models import Case
from tests.factories import World


def make_message(
    world: World, kind: str = "case.decided", *, case: Case | None = None, hold: timedelta = timedelta(0), **data: Any
) -> OutboxMessage:
    message = build_message(
        actor=system_actor(world.workspace.pk),
        type=kind,
        payload=data or {"label": "approve"},
        case_id=case.pk if case else None,
        hold=hold,
    )
    message.save(force_insert=True)
    return message


def make_case(world: World, client: Client | None) -> Case:
    return Case.objects.create(
        workspace=world.workspace,
        task_type=world.task_type,
        owner_id=client.pk if client else uuid.uuid4(),
        client=client,
        status="decided",
        risk="low",
        priority=0.0,
        content_hash=b"",
        created_at=now(),
    )
