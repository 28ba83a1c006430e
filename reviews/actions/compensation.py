"""What undoes an action that a decision released and a correction takes back (mission E2)."""

from datetime import timedelta
from typing import Any

from django.db.models import Model

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.core.actors import Actor
from reviews.models import Approval, Case, Decision

COMPENSATION = "action.compensation"


def compensation_rows(
    actor: Actor, case: Case, before: Decision | None, now_decided: Decision, hold: timedelta
) -> list[Model]:
    """The event and message that ask for the proposed action to be made good; none where none was released.

    `compensation` in the message is what the proposal itself named as its undoing, null where it named nothing: then
    the partner knows at least that the action should not have been done.
    """
    proposed = case.content.proposed_action
    if before is None or proposed is None or not _released(case, before):
        return []
    payload: dict[str, Any] = {
        "case_id": str(case.pk),
        "external_id": case.external_id,
        "task_type": case.task_type.slug,
        "proposed_action": {k: v for k, v in proposed.items() if k != "compensation"},
        "compensation": proposed.get("compensation"),
        "reverses": str(before.pk),
        "decision": str(now_decided.pk),
        "owner": str(now_decided.owner),
        "label": now_decided.label,
    }
    subject = Subject("case", case.pk, case.pk)
    change = Change({"decision": str(before.pk), "label": before.label}, payload, now_decided.reason)
    at = now_decided.created_at
    return [
        build_event(actor=actor, action=COMPENSATION, subject=subject, change=change, at=at),
        build_message(actor=actor, type=COMPENSATION, payload=payload, case_id=case.pk, hold=hold),
    ]


def _released(case: Case, decision: Decision) -> bool:
    """Whether this decision let the proposed action happen: a person approved it, or what proposed it was followed."""
    approval = Approval.objects.filter(case_id=case.pk).order_by("-id").first()
    if approval is not None:
        return approval.approved
    prediction = case.content.prediction
    return prediction is not None and bool(prediction["label"] == decision.label)
