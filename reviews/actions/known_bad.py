"""Mark a decided case as known bad, so that cases like it can be kept from the machine; and take the mark away."""

import uuid

from django.db import IntegrityError, transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, FieldProblem, Refused
from hitl.core.permissions import Permission
from reviews.access import case_for_actor, sealed_ids
from reviews.models import Case, CaseEmbedding, KnownBad


@transaction.atomic
def mark_known_bad(*, actor: Actor, case_id: uuid.UUID, reason: str) -> bool:
    """Whether this call marked it; again, it changes nothing.

    Raises NotFound, Forbidden, Refused (`reason_required`, `no_embedding`), Conflict (`not_decided`,
    `first_judgement_required`).
    """
    case = _case(actor, case_id)
    if not (reason := reason.strip()):
        raise Refused("Say why.", code="reason_required", errors=[FieldProblem("/reason", "Say why.", "required")])
    if case.status != Case.Status.DECIDED:
        raise Conflict("Only a decided case can be marked.", code="not_decided")
    if not CaseEmbedding.objects.filter(pk=case.pk).exists():
        raise Refused("The case came without an embedding, so no case can be compared with it.", code="no_embedding")
    row = KnownBad(
        case=case,
        workspace_id=case.workspace_id,
        task_type_id=case.task_type_id,
        reason=reason,
        marked_by_id=actor.user_id,
        created_at=now(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    _record(actor, case, "case.marked_known_bad", marked=True, reason=reason)
    return True


@transaction.atomic
def unmark_known_bad(*, actor: Actor, case_id: uuid.UUID, reason: str = "") -> bool:
    """Whether this call took a mark away. Raises NotFound, Forbidden, Conflict (`first_judgement_required`)."""
    case = _case(actor, case_id)
    deleted, _ = KnownBad.objects.filter(pk=case.pk).delete()
    if deleted:
        _record(actor, case, "case.unmarked_known_bad", marked=False, reason=reason)
    return bool(deleted)


def _case(actor: Actor, case_id: uuid.UUID) -> Case:
    case = case_for_actor(actor, case_id)
    actor.require(Permission.AUDIT_DECISIONS)
    if sealed_ids(actor, [case]):
        raise Conflict("Judge this case first: you may still be asked to.", code="first_judgement_required")
    return case


def _record(actor: Actor, case: Case, action: str, *, marked: bool, reason: str) -> None:
    change = Change({"known_bad": not marked}, {"known_bad": marked}, reason)
    record_event(actor=actor, action=action, subject=Subject("case", case.pk, case.pk), change=change)
