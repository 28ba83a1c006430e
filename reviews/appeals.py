"""Appeals and reports as they are read: the rules in force, who may see which, and the public form."""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db.models import QuerySet

from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from hitl.core.errors import NotFound
from reviews.access import Desk, desk_of, sealed_ids, visible_cases
from reviews.models import Appeal, Judgement, Recourse, Report
from reviews.payloads import DecisionOut, decision_out
from routing.models import TaskType


class AppealOut(msgspec.Struct, frozen=True, omit_defaults=False):
    """`outcome` null while open. Whoever may yet judge it gets no reason and no decision: they would tell."""

    id: str
    case_id: str
    external_id: str | None
    task_type: str
    status: str
    submitted_by: str
    created_at: str | None
    due_at: str | None
    resolved_at: str | None
    outcome: str | None | msgspec.UnsetType = msgspec.UNSET
    label: str | None | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
    decision: DecisionOut | None | msgspec.UnsetType = msgspec.UNSET


class ReportOut(msgspec.Struct, frozen=True):
    """`review`: the id of the review that enough reports have opened or hastened, null before."""

    id: str
    case_id: str
    category: str
    text: str
    submitted_by: str
    created_at: str | None


def recourse_of(task_type: TaskType) -> Recourse:
    """The rules in force; the defaults where nobody set any."""
    found = Recourse.objects.select_related("queue__tier").filter(pk=task_type.pk).first()
    return found or Recourse(task_type=task_type, workspace_id=task_type.workspace_id)


def appeal_out(appeal: Appeal, *, sealed: bool = False) -> AppealOut:
    """The public form; `appeal` with case, task type, decision and review."""
    out = AppealOut(
        id=str(appeal.pk),
        case_id=str(appeal.case_id),
        external_id=appeal.case.external_id,
        task_type=appeal.task_type.slug,
        status="open" if appeal.resolved_at is None else "resolved",
        submitted_by=appeal.submitted_by,
        created_at=rfc3339(appeal.created_at),
        due_at=rfc3339(appeal.review.due_at) if appeal.review else None,
        resolved_at=rfc3339(appeal.resolved_at),
    )
    if sealed:
        return out
    return msgspec.structs.replace(
        out,
        outcome=appeal.outcome,
        label=appeal.resolved_label or None,
        reason=appeal.reason,
        decision=decision_out(appeal.decision),
    )


def report_out(report: Report) -> ReportOut:
    return ReportOut(
        id=str(report.pk),
        case_id=str(report.case_id),
        category=report.category,
        text=report.text,
        submitted_by=report.submitted_by,
        created_at=rfc3339(report.created_at),
    )


def appeals_for_actor(actor: Actor, desk: Desk | None = None) -> QuerySet[Appeal]:
    """Appeals against decisions of the cases this actor may see."""
    rows = Appeal.objects.filter(workspace_id=actor.workspace_id, case__in=visible_cases(actor, desk))
    return rows.select_related("case__task_type", "case__queue", "task_type", "decision", "review__queue")


def appeal_for_actor(actor: Actor, appeal_id: uuid.UUID) -> Appeal:
    """One appeal. Raises NotFound."""
    found = appeals_for_actor(actor).filter(pk=appeal_id).first()
    if found is None:
        raise NotFound()
    return found


def appeal_outs(actor: Actor, appeals: Sequence[Appeal], desk: Desk | None = None) -> list[AppealOut]:
    """Each appeal, sealed where this person may yet judge it."""
    sealed = sealed_ids(actor, [a.case for a in appeals], desk or desk_of(actor))
    return [appeal_out(a, sealed=a.case_id in sealed) for a in appeals]


class ContestedOut(msgspec.Struct, frozen=True):
    """What an appeal is about, for its judge after the first judgement: what was decided, by whom, why; and why not."""

    reason: str
    submitted_by: str
    label: str
    owner: str
    decided_because: str
    judgements: list[dict[str, Any]]


def contested_out(review_id: uuid.UUID) -> ContestedOut | None:
    """What the review's appeal contests; null where the review is no appeal's. The caller has checked the seal.

    The people who judged before are not named: a colleague's name is no argument.
    """
    appeal = Appeal.objects.select_related("decision").filter(review_id=review_id).first()
    if appeal is None:
        return None
    said = Judgement.objects.filter(case_id=appeal.case_id, stage=Judgement.Stage.FINAL, undone_at__isnull=True)
    before = said.filter(created_at__lte=appeal.created_at).order_by("id")
    return ContestedOut(
        reason=appeal.reason,
        submitted_by=appeal.submitted_by,
        label=appeal.decision.label,
        owner=appeal.decision.owner,
        decided_because=appeal.decision.reason,
        judgements=[{"label": j.label, "reasoning": j.reasoning, "rationale": j.rationale} for j in before],
    )
