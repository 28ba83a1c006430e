"""Approve or reject an irreversible action, and link a new proposal to the one before (mission B6)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models import Model

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, Refused
from reviews.chain import MAX_CHAIN, approval_out, needs_approval
from reviews.models import Approval, Case, Judgement, Resubmission, ReviewTask

MESSAGES = ("action.approved", "action.rejected")
_OPEN = (Case.Status.PENDING, Case.Status.IN_REVIEW, Case.Status.AWAITING_ADJUDICATION)


@dataclass(frozen=True, slots=True)
class ActionVerdict:
    """What a person says of a proposed action."""

    approved: bool
    codes: tuple[str, ...] = ()
    comment: str = ""
    parameters: tuple[Mapping[str, Any], ...] = ()


def verdict_on_action(
    review: ReviewTask, label: str, reasoning: str, said: ActionVerdict | None
) -> ActionVerdict | None:
    """The verdict this judgement carries; null where no action waits for one.

    Unsaid, whoever agrees with the machine's label approves what it proposed, anybody else rejects it.
    Raises Refused: `not_gated`, `approval_required` (nothing to agree with), `feedback_required` on a bare rejection.
    """
    case = review.case
    decides = review.kind == ReviewTask.Kind.FIRST or review.panel_id is not None
    gated = decides and needs_approval(case.content.proposed_action, reversible=case.task_type.reversible)
    if not gated:
        if said is not None:
            raise _refused("not_gated", "/approval", "No irreversible action waits for approval here.")
        return None
    if said is None:
        return _implied(case.content.prediction, label, reasoning)
    if not said.approved and not (said.codes or said.comment or said.parameters):
        raise _refused("feedback_required", "/approval/codes", "Say why: a code, a comment or a remark on a parameter.")
    return said


def _implied(prediction: Mapping[str, Any] | None, label: str, reasoning: str) -> ActionVerdict:
    if prediction is None:
        raise _refused("approval_required", "/approval", "Say whether the proposed action is approved.")
    return ActionVerdict(prediction["label"] == label, comment=reasoning)


def approval_rows(
    actor: Actor, case: Case, judgement: Judgement, verdict: ActionVerdict, at: datetime, hold: timedelta
) -> list[Model]:
    """The unsaved approval with its event and its message, which leaves after `hold`."""
    row = Approval(
        workspace_id=case.workspace_id,
        case_id=case.pk,
        judgement_id=judgement.pk,
        approved=verdict.approved,
        codes=list(verdict.codes),
        comment=verdict.comment,
        parameters=[dict(remark) for remark in verdict.parameters],
        created_at=at,
    )
    feedback = msgspec.to_builtins(approval_out(row))
    action = MESSAGES[0] if verdict.approved else MESSAGES[1]
    payload = {
        "case_id": str(case.pk),
        "external_id": case.external_id,
        "task_type": case.task_type.slug,
        "proposed_action": case.content.proposed_action,
        "label": judgement.label,
        "feedback": feedback,
    }
    subject = Subject("case", case.pk, case.pk)
    change = Change(after={"approved": row.approved, "codes": row.codes}, reason=verdict.comment[:500])
    return [
        row,
        build_event(actor=actor, action=action, subject=subject, change=change, at=at),
        build_message(actor=actor, type=action, payload=payload, case_id=case.pk, hold=hold),
    ]


def resubmission_row(case: Case, named: str | None) -> Resubmission | None:
    """The unsaved link to the predecessor that `named` means: a case id, or an external id of the same owner.

    Raises Refused at /resubmits: `unknown_case` (also another owner's or task type's), `predecessor_open`,
    `chain_too_long`.
    """
    if named is None:
        return None
    before = _predecessor(case, named)
    if before is None:
        raise _refused("unknown_case", "/resubmits", "Name an earlier case of yours of the same task type.")
    if before.status in _OPEN:
        raise _refused("predecessor_open", "/resubmits", "That case is not decided yet; wait for it, or cancel it.")
    earlier = Resubmission.objects.filter(pk=before.pk).values_list("depth", flat=True).first() or 0
    if earlier >= MAX_CHAIN:
        raise _refused("chain_too_long", "/resubmits", f"A case may be resubmitted {MAX_CHAIN} times.")
    return Resubmission(case_id=case.pk, workspace_id=case.workspace_id, predecessor_id=before.pk, depth=earlier + 1)


def _predecessor(case: Case, named: str) -> Case | None:
    own = Case.objects.filter(workspace_id=case.workspace_id, owner_id=case.owner_id, task_type_id=case.task_type_id)
    try:
        by_id = own.filter(pk=uuid.UUID(named)).first()
    except ValueError:
        by_id = None
    return by_id or own.filter(external_id=named).order_by().first()


def _refused(code: str, pointer: str, detail: str) -> Refused:
    return Refused(detail, code=code, errors=[FieldProblem(pointer, detail, code)])
