"""Gold cases: make one with its known answer, and retire it. An answer never changes once it is stored."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.access import case_for_actor, sealed_ids
from reviews.models import Case, CaseContent, GoldCase
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a gold case: its right label, why, and whether the machine gets it wrong."""

    label: str
    explanation: str
    machine_wrong: bool = False
    purpose: str = GoldCase.Purpose.GOLD
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class GoldContent:
    """What a reviewer is shown, as a case would bring it."""

    input: dict[str, Any]
    prediction: dict[str, Any] | None = None
    key_evidence: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)


def gold_from_case(*, actor: Actor, case_id: uuid.UUID, answer: Answer) -> GoldCase:
    """A gold case from a decided one whose truth is known by now.

    Raises NotFound, Forbidden, Conflict (`not_decided`, `first_judgement_required`, `gold_already`), Refused
    (`proposed_action`, `unknown_label`, `reason_required`).
    """
    case = case_for_actor(actor, case_id)
    actor.require(Permission.AUDIT_DECISIONS)
    if sealed_ids(actor, [case]):
        raise Conflict("Judge this case first: you may still be asked to.", code="first_judgement_required")
    if case.status != Case.Status.DECIDED or case.mode == "gold":
        raise Conflict("Only a decided case can become a gold case.", code="not_decided")
    row = CaseContent.objects.get(pk=case.pk)
    if row.proposed_action is not None:
        detail = "A case that proposes an action cannot be a gold case: judging it would have to act."
        raise Refused(detail, code="proposed_action")
    content = GoldContent(row.input, row.prediction, row.key_evidence, row.evidence, row.context)
    return create_gold(actor=actor, task_type=case.task_type, content=content, answer=answer, source=case)


@transaction.atomic
def create_gold(
    *, actor: Actor, task_type: TaskType, content: GoldContent, answer: Answer, source: Case | None = None
) -> GoldCase:
    """Store a gold case. Raises Forbidden, NotFound, Refused (`unknown_label`, `reason_required`), Conflict
    (`gold_already`: this case or this slug is one)."""
    actor.require(Permission.AUDIT_DECISIONS)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise NotFound()
    _check(task_type, answer)
    row = GoldCase(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        slug=answer.slug or None,
        purpose=answer.purpose,
        source=source,
        label=answer.label,
        explanation=answer.explanation.strip(),
        machine_wrong=answer.machine_wrong,
        input=content.input,
        prediction=content.prediction,
        key_evidence=content.key_evidence,
        evidence=content.evidence,
        context=content.context,
        created_by_id=actor.user_id,
        created_at=now(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Conflict("There is such a gold case already.", code="gold_already") from None
    after = {"label": row.label, "purpose": row.purpose, "machine_wrong": row.machine_wrong, "slug": row.slug}
    if source is not None:
        after["source"] = str(source.pk)
    record_event(
        actor=actor,
        action="gold.created",
        subject=Subject("gold", row.pk),
        change=Change(after=after, reason=row.explanation[:2000]),
    )
    return row


def _check(task_type: TaskType, answer: Answer) -> None:
    problems = []
    if answer.label not in task_type.label_values:
        known = ", ".join(task_type.label_values)
        problems.append(FieldProblem("/label", f"Use one of: {known}.", "unknown_label"))
    if not answer.explanation.strip():
        problems.append(FieldProblem("/explanation", "Say why this is the right answer.", "required"))
    if answer.purpose not in GoldCase.Purpose.values:
        problems.append(FieldProblem("/purpose", "Use gold or training.", "unknown_purpose"))
    if problems:
        raise Refused(problems[0].detail, code=problems[0].code, errors=problems)


@transaction.atomic
def retire_gold(*, actor: Actor, gold_id: uuid.UUID, reason: str) -> GoldCase:
    """Serve it no more; copies that are out still count. Again changes nothing. Raises NotFound, Forbidden, Refused."""
    actor.require(Permission.AUDIT_DECISIONS)
    row = GoldCase.objects.select_for_update().filter(pk=gold_id, workspace_id=actor.workspace_id).first()
    if row is None or not actor.sees_task_type(row.task_type_id):
        raise NotFound()
    if not reason.strip():
        raise Refused("Say why.", code="reason_required", errors=[FieldProblem("/reason", "Say why.", "required")])
    if row.active:
        row.active = False
        row.save(update_fields=["active"])
        change = Change({"active": True}, {"active": False}, reason.strip()[:2000])
        record_event(actor=actor, action="gold.retired", subject=Subject("gold", row.pk), change=change)
    return row
