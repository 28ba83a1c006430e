"""Count what people are given of each content tag, and keep how they want evidence shown."""

import uuid
from collections.abc import Iterable

from django.db import connection, transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, Forbidden, Refused
from hitl.core.ids import new_id
from reviews.access import Held
from reviews.content_tags import care_for, today
from reviews.models import Veil

_COUNT = """
INSERT INTO reviews_exposure (id, workspace_id, user_id, day, tag, count) VALUES (%s, %s, %s, %s, %s, 1)
ON CONFLICT (workspace_id, user_id, day, tag) DO UPDATE SET count = reviews_exposure.count + 1
"""


def note_exposure(user_id: uuid.UUID, held: Held) -> Held:
    """Count a case just given, and give it; costs nothing where its task type declares no tags."""
    case = held.claim.review.case
    care = care_for(case.workspace_id, case.task_type_id)
    if care is not None:
        _count(case.workspace_id, user_id, care.tags_of(case.content.input, case.content.context))
    return held


def _count(workspace_id: uuid.UUID, user_id: uuid.UUID, tags: Iterable[str]) -> None:
    day = today().date()
    with connection.cursor() as cursor:
        for tag in tags:
            cursor.execute(_COUNT, [new_id(), workspace_id, user_id, day, tag])


@transaction.atomic
def choose_veil(*, actor: Actor, style: str, scope: str, break_after_min: int) -> Veil:
    """How the acting person wants evidence shown. Raises Forbidden, Refused (`invalid_values`).

    The event names that something was chosen, not what: it is nobody else's business.
    """
    if actor.user_id is None:
        raise Forbidden("Only people have preferences.")
    if style not in Veil.Style.values or scope not in Veil.Scope.values or not 0 <= break_after_min <= 480:
        problem = FieldProblem("", "Choose from the values offered; a break after 0 to 480 minutes.", "invalid_value")
        raise Refused("The values were not accepted.", code="invalid_values", errors=[problem])
    veil, _ = Veil.objects.update_or_create(
        user_id=actor.user_id,
        defaults={
            "workspace_id": actor.workspace_id,
            "style": style,
            "scope": scope,
            "break_after_min": break_after_min,
        },
    )
    subject = Subject("person", actor.user_id)
    record_event(actor=actor, action="preferences.changed", subject=subject, change=Change(after={"veil": "chosen"}))
    return veil
