"""What a judgement makes of an appeal: the rows beside the judgement and the decision."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.core.actors import Actor
from hitl.core.rows import Statement, expecting, insert_rows, inserts
from reviews.actions.decisions import DECISION_MOVED
from reviews.appeals import appeal_out
from reviews.models import Appeal, Case, Decision, Judgement

MESSAGE = "appeal.resolved"
_RESOLVE = """
UPDATE reviews_appeal SET outcome = %s, resolved_label = %s, judgement_id = %s, resolved_at = %s WHERE id = %s
"""
_STANDS = "SELECT 1 FROM reviews_decision WHERE id = %s AND is_current FOR UPDATE"


def appeal_of(review_id: uuid.UUID) -> Appeal:
    """The open appeal that this review judges, with the decision it contests."""
    return Appeal.objects.select_related("decision", "review", "task_type").get(review_id=review_id)


def outcome_of(contested: Decision, judgement: Judgement) -> Appeal.Outcome:
    """Another label overturns; the same label with fields adjusted upholds in part."""
    if judgement.label != contested.label:
        return Appeal.Outcome.OVERTURNED
    return Appeal.Outcome.PARTLY if judgement.adjustments else Appeal.Outcome.UPHELD


def changes_decision(standing: Decision | None, judgement: Judgement, outcome: Appeal.Outcome) -> bool:
    """Whether a new decision, owned by the appeal, replaces what stands (an audit may have corrected it meanwhile)."""
    partly = outcome == Appeal.Outcome.PARTLY
    return standing is None or standing.provisional or standing.label != judgement.label or partly


def still_stands(decision: Decision) -> Statement:
    """A guard: the appeal is upheld against the decision that was read, not against a newer one."""
    return expecting((_STANDS, [decision.pk]), DECISION_MOVED)


def resolving(
    actor: Actor, case: Case, appeal: Appeal, judgement: Judgement, outcome: Appeal.Outcome, hold: timedelta
) -> list[Statement]:
    """Resolve the appeal, with its event and its message, which leaves after `hold`."""
    at = judgement.created_at
    appeal.case, appeal.outcome, appeal.resolved_label, appeal.resolved_at = case, outcome, judgement.label, at
    appeal.judgement_id = judgement.pk
    payload = msgspec.to_builtins(appeal_out(appeal))
    after: dict[str, Any] = {"outcome": str(outcome), "label": judgement.label, "judgement": str(judgement.pk)}
    change = Change({"label": appeal.decision.label}, after, judgement.reasoning[:2000])
    subject = Subject("appeal", appeal.pk, case.pk)
    return [
        (_RESOLVE, [str(outcome), judgement.label, judgement.pk, at, appeal.pk]),
        *inserts(
            build_event(actor=actor, action=MESSAGE, subject=subject, change=change, at=at),
            build_message(actor=actor, type=MESSAGE, payload=payload, case_id=case.pk, hold=hold),
        ),
    ]


def reopen_appeal(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """The judgement was taken back before it took effect: the appeal is open again."""
    rows = Appeal.objects.filter(review_id=judgement.review_id)
    rows.update(outcome=None, resolved_label="", judgement=None, resolved_at=None)
    appeal = rows.get()
    change = Change({"label": judgement.label}, {"outcome": None}, "judgement undone")
    subject = Subject("appeal", appeal.pk, judgement.case_id)
    insert_rows(build_event(actor=actor, action="appeal.reopened", subject=subject, change=change, at=at))
