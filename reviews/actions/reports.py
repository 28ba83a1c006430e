"""Users' reports of a case; enough of them make people look at it, soon (mission E6)."""

import uuid
from datetime import datetime

import msgspec
from django.db import transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.errors import NotFound
from hitl.core.rows import insert_rows
from reviews.actions.appeals import once, queue_above
from reviews.actions.decisions import lock_case
from reviews.actions.heads import note_waiting
from reviews.actions.idempotency import Answer, IdempotencyClaim
from reviews.actions.opening import new_review
from reviews.appeals import recourse_of, report_out
from reviews.history import case_history
from reviews.models import Case, Decision, Report, ReviewTask

_Kind, _Status = ReviewTask.Kind, ReviewTask.Status


@transaction.atomic
def file_report(*, actor: Actor, case_id: uuid.UUID, category: str, text: str, submitted_by: str) -> Report:
    """Keep what a user reports; every `reports_to_audit`-th opens a review, or brings an open one to the front."""
    case = lock_case(case_id)
    if case is None or case.workspace_id != actor.workspace_id:
        raise NotFound()
    at = db_now()
    report = Report(
        workspace_id=case.workspace_id,
        task_type=case.task_type,
        case=case,
        category=category,
        text=text,
        submitted_by=submitted_by,
        created_at=at,
    )
    report.save(force_insert=True)
    count = Report.objects.filter(case_id=case.pk).count()
    looked = _look_again(actor, case, at) if count % recourse_of(case.task_type).reports_to_audit == 0 else None
    after = {"report": str(report.pk), "category": category, "reports": count, "review": looked and str(looked.pk)}
    subject, change = Subject("report", report.pk, case.pk), Change(after=after, reason=text[:2000])
    insert_rows(build_event(actor=actor, action="report.filed", subject=subject, change=change, at=at))
    return report


def _look_again(actor: Actor, case: Case, at: datetime) -> ReviewTask | None:
    """The review that people will look at the case in: one already open comes first now, else a new one."""
    reviews = ReviewTask.objects.filter(case_id=case.pk, status__in=[_Status.WAITING, _Status.CLAIMED])
    open_ = reviews.exclude(kind=_Kind.BLIND).order_by("id").first()
    if open_ is not None:
        ReviewTask.objects.filter(pk=open_.pk).update(urgent_at=at)
        note_waiting(open_.queue_id, open_)
        return open_
    decision = Decision.objects.filter(case_id=case.pk, is_current=True).first()
    if decision is None or case.status != Case.Status.DECIDED or reviews.exists():
        return None
    choice = queue_above(case, decision)
    if choice is None:
        return None
    review = new_review(case, choice, kind=_Kind.REPORT, at=at)
    review.urgent_at = at
    review.save(force_insert=True)
    note_waiting(choice.id, review)
    case.queue_id = choice.id
    Case.objects.filter(pk=case.pk).update(queue_id=choice.id)
    subject, change = Subject("review", review.pk, case.pk), Change(after={"queue": choice.slug, "because": "reports"})
    insert_rows(
        build_event(actor=actor, action="review.opened", subject=subject, change=change, at=at),
        case_history(case, actor=actor, at=at, reason="reports"),
    )
    return review


def file_report_once(
    *, actor: Actor, case_id: uuid.UUID, category: str, text: str, submitted_by: str, claim: IdempotencyClaim | None
) -> Answer:
    """`file_report`, idempotent by Idempotency-Key."""

    def work() -> bytes:
        filed = file_report(actor=actor, case_id=case_id, category=category, text=text, submitted_by=submitted_by)
        return msgspec.json.encode(report_out(filed))

    return once(actor, claim, work)
