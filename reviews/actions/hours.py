"""When people work: their own availability, and the rotation a supervisor gives them."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.entities import save_recorded
from hitl.core.actors import Actor
from hitl.core.clock import in_utc
from hitl.core.errors import FieldProblem, Forbidden, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.models import Queue, Reviewer
from routing.actions.configure import sign


@transaction.atomic
def set_own_hours(
    *, actor: Actor, available: bool, on_call_until: datetime | None, schedule: dict[str, Any]
) -> Reviewer:
    """Say when I work: `schedule` has time_zone, shifts and absences; the rotation stays the supervisor's.

    Raises Forbidden `reviewer_required`, InvalidInput, Refused with a pointer.
    """
    on_call_until = on_call_until and in_utc(on_call_until, "/on_call_until")
    person = _locked(actor, user_id=actor.person_id)
    if person is None:
        raise Forbidden("Only a person with a reviewer profile has hours.", code="reviewer_required")
    kept = {"rotation": person.schedule["rotation"]} if person.schedule.get("rotation") else {}
    person.available, person.on_call_until = available, on_call_until
    person.schedule = {k: v for k, v in schedule.items() if k != "rotation"} | kept
    return _save(actor, person, "own hours")


@transaction.atomic
def set_schedule(*, actor: Actor, reviewer_id: uuid.UUID, schedule: dict[str, Any]) -> Reviewer:
    """A supervisor sets somebody's hours and rotation. Raises Forbidden, NotFound, Refused (also `unknown_queue`)."""
    actor.require(Permission.ASSIGN_REVIEWS)
    person = _locked(actor, pk=reviewer_id)
    if person is None:
        raise NotFound()
    wanted = {slug for turn in schedule.get("rotation", []) for slug in turn.get("queues", [])}
    known = set(Queue.objects.filter(workspace_id=actor.workspace_id, slug__in=wanted).values_list("slug", flat=True))
    if missing := sorted(wanted - known):
        problem = FieldProblem("/rotation", f"There is no queue “{missing[0]}”.", "unknown_queue")
        raise Refused(problem.detail, code="unknown_queue", errors=[problem])
    person.schedule = schedule
    return _save(actor, person, "schedule")


def _locked(actor: Actor, **which: Any) -> Reviewer | None:
    rows = Reviewer.objects.select_for_update(of=("self",)).filter(workspace_id=actor.workspace_id, **which)
    return rows.select_related("user").first()


def _save(actor: Actor, person: Reviewer, reason: str) -> Reviewer:
    sign(person, actor)
    save_recorded(actor=actor, obj=person, reason=reason)
    return person
