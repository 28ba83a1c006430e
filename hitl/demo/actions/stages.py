"""Which stages of the demo are done. The event log remembers, so a load that was interrupted goes on from there."""

from enum import StrEnum

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from audit.models import Event
from hitl.accounts.models import Workspace
from hitl.core.actors import system_actor


class Stage(StrEnum):
    """In the order they are worked."""

    HISTORY_SUBMITTED = "history_submitted"
    HISTORY_JUDGED = "history_judged"
    OUTCOMES_REPORTED = "outcomes_reported"
    RECALIBRATED = "recalibrated"
    FRESH_SUBMITTED = "fresh_submitted"
    CONTESTED = "contested"
    FIGURES_MADE = "figures_made"
    SUITE_RUN = "suite_run"


def finished_stages(workspace: Workspace, part: str) -> frozenset[Stage]:
    """The finished stages of one part of the demo."""
    names = {f"demo.{stage.value}": stage for stage in Stage}
    rows = Event.objects.filter(
        workspace_id=workspace.pk, object_type="demo", object_id=part, action__in=list(names)
    ).values_list("action", flat=True)
    return frozenset(names[action] for action in rows)


@transaction.atomic
def finish_stage(workspace: Workspace, part: str, stage: Stage, detail: str) -> None:
    """Remember that a stage is done."""
    record_event(
        actor=system_actor(workspace.pk, "demo"),
        action=f"demo.{stage.value}",
        subject=Subject("demo", part),
        change=Change(reason=detail),
    )
