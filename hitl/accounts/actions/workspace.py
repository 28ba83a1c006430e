"""The stop button of a whole workspace."""

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.models import Workspace
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, Refused
from hitl.core.permissions import Permission


@transaction.atomic
def set_machine_stopped(*, actor: Actor, stopped: bool, reason: str) -> bool:
    """While stopped, no machine decides anything in the workspace. Returns whether this call changed it.

    Raises Forbidden, Refused (`reason_required`).
    """
    actor.require(Permission.STOP_MACHINE)
    reason = reason.strip()
    if not reason:
        raise Refused(
            "Say why.", code="reason_required", errors=[FieldProblem("/reason", "Say why.", "reason_required")]
        )
    rows = Workspace.objects.filter(pk=actor.workspace_id, machine_stopped=not stopped)
    if not rows.update(machine_stopped=stopped):
        return False
    record_event(
        actor=actor,
        action=f"workspace.machine_{'stopped' if stopped else 'resumed'}",
        subject=Subject("workspace", actor.workspace_id),
        change=Change({"machine_stopped": not stopped}, {"machine_stopped": stopped}, reason),
    )
    return True
