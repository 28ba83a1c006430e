"""Register the models partners name in their predictions, and say which of them may act."""

import uuid

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import Conflict, Forbidden, NotFound
from hitl.core.ids import new_id
from hitl.core.permissions import Permission
from routing.models import ModelVersion, TaskType

_seen: set[tuple[uuid.UUID, str]] = set()


def register_model_version(*, task_type: TaskType, name: str) -> None:
    """Remember a model version when first seen; one statement per process and name, then none."""
    if (task_type.pk, name) in _seen:
        return
    row = ModelVersion(id=new_id(), workspace_id=task_type.workspace_id, task_type_id=task_type.pk, name=name)
    ModelVersion.objects.bulk_create([row], ignore_conflicts=True)
    if len(_seen) < 10_000:
        _seen.add((task_type.pk, name))


@transaction.atomic
def move_model_version(*, actor: Actor, model: ModelVersion, status: str, reason: str = "") -> ModelVersion:
    """Accept a model version, hold it in shadow (routed, but a person decides) or withdraw it (never automates).

    One person may take trust away; accepting again is a supervisor's act too. Effective for the next case.
    Raises Forbidden, NotFound, Conflict (`wrong_status`).
    """
    if actor.kind is not ActorKind.USER:
        raise Forbidden("A person must do this.", code="person_required")
    actor.require(Permission.APPROVE_POLICIES)
    rows = ModelVersion.objects.select_for_update(of=("self",)).select_related("task_type")
    row = rows.filter(pk=model.pk, workspace_id=actor.workspace_id).first()
    if row is None or not actor.sees_task_type(row.task_type_id):
        raise NotFound()
    if status not in ModelVersion.TRANSITIONS[row.status]:
        raise Conflict(f"The model version is {row.status}; it cannot become {status}.", code="wrong_status")
    before, row.status = row.status, status
    row.save(update_fields=["status"])
    about = {"task_type": row.task_type.slug, "name": row.name}
    change = Change({"status": before}, about | {"status": status}, reason, {"model": row.name})
    record_event(actor=actor, action=f"modelversion.{status}", subject=Subject("modelversion", row.pk), change=change)
    return row
