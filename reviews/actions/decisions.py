"""What a case resolves to: one current decision; corrections supersede; effects wait for the undo window."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, FieldProblem, NotFound, Refused
from hitl.core.rows import Select, Statement, as_one, expecting, insert_rows, inserts, new_row, read_rows, run_pipelined
from reviews.actions.compensation import compensation_rows
from reviews.actions.lending import return_case
from reviews.history import case_history
from reviews.models import Case, Claim, Decision, Panel, ReviewTask
from reviews.payloads import CaseOut, case_out, without_trace
from reviews.selectors import estimated_wait_s, parts_of
from routing.decision_form import LabelSpace
from routing.models import RoutingDecision


def check_label(case: Case, label: str, pointer: str = "/label") -> None:
    """Refuse a label the task type does not have."""
    if label not in case.task_type.label_values:
        known = ", ".join(case.task_type.label_values)
        known += " – or several of them joined by “|”" if isinstance(case.task_type.label_values, LabelSpace) else ""
        raise Refused(
            f"“{label}” is not a label of this task type.",
            code="unknown_label",
            errors=[FieldProblem(pointer, f"Use one of: {known}.", "unknown_label")],
        )


_CURRENT = Select(
    models=(("d", Decision),), rest="FROM reviews_decision d WHERE d.case_id = %s AND d.is_current FOR UPDATE"
)


def decide_case(
    *,
    actor: Actor,
    case: Case,
    label: str,
    owner: Decision.Owner,
    at: datetime,
    reason: str = "",
    provisional: bool = False,
    hold: timedelta = timedelta(0),
) -> Decision:
    """Make `label` the case's current decision (`resolution`), inside the caller's transaction."""
    before = next((found for (found,) in read_rows(_CURRENT, case.pk)), None)
    parts = parts_of([case], with_trace=True)
    made = resolution(
        actor=actor,
        case=case,
        around=Around(before, parts.routings.get(case.pk), parts.reviews.get(case.pk)),
        verdict=Verdict(label, owner, reason, provisional),
        at=at,
        hold=hold,
    )
    run_pipelined(*made.guards, as_one(*made.changes))
    ring("delivery.relay_outbox")
    return made.decision


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a case: its current decision, the routing in force, another open review."""

    decision: Decision | None
    routing: RoutingDecision | None
    review: ReviewTask | None

    def case_out(self, case: Case) -> CaseOut:
        """The case as partners get it, with the trace."""
        return case_out(
            case,
            task_type=case.task_type.slug,
            queue=case.queue.slug if case.queue else None,
            decision=self.decision,
            routing=self.routing,
            review=self.review,
            wait_s=estimated_wait_s(self.review.queue_id) if self.review else None,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the case is decided to be, by whom."""

    label: str
    owner: Decision.Owner
    reason: str = ""
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """A decision and what writes it: `guards` first, which fail where the decision read is no longer the current one,
    then `changes`, all in one transaction. `out` is the case as it then stands.
    """

    decision: Decision
    guards: tuple[Statement, ...]
    changes: tuple[Statement, ...]
    out: CaseOut


def resolution(
    *, actor: Actor, case: Case, around: Around, verdict: Verdict, at: datetime, hold: timedelta = timedelta(0)
) -> Resolution:
    """A new current decision, superseding the one before; event, history and outbox with it.

    The message is `case.corrected` where the label differs from a decision that was already out, `case.provisional` or
    `case.decided` otherwise; it leaves after `hold`.
    """
    before, label, reason = around.decision, verdict.label, verdict.reason
    decision = new_row(
        Decision,
        workspace_id=case.workspace_id,
        case_id=case.pk,
        label=label,
        owner=verdict.owner.value,
        decided_by_id=None if verdict.owner == Decision.Owner.PANEL else actor.user_id,
        provisional=verdict.provisional,
        reason=reason,
        supersedes_id=before.pk if before else None,
        created_at=at,
        effects_at=at + hold,
    )
    case.status = (Case.Status.PROVISIONAL if verdict.provisional else Case.Status.DECIDED).value
    case.decided_at = at
    action = _action(before, label, verdict.provisional)
    change = Change(_described(before), _described(decision), reason, {"policy": case.policy_version})
    event = build_event(actor=actor, action=action, subject=Subject("case", case.pk, case.pk), change=change, at=at)
    out = replace(around, decision=decision).case_out(case)
    payload = msgspec.to_builtins(without_trace(out))
    message = build_message(actor=actor, type=action, payload=payload, case_id=case.pk, hold=hold)
    undoing = compensation_rows(actor, case, before, decision, hold) if action == "case.corrected" else []
    changes = (
        ("UPDATE reviews_case SET status = %s, decided_at = %s WHERE id = %s", [case.status, at, case.pk]),
        *inserts(decision, event, case_history(case, actor=actor, at=at, reason=action), message, *undoing),
    )
    guards = (expecting((_SUPERSEDE, [before.pk]), DECISION_MOVED),) if before else ()
    return Resolution(decision, guards, changes, out)


_SUPERSEDE = "UPDATE reviews_decision SET is_current = false WHERE id = %s AND is_current RETURNING 1"
DECISION_MOVED = "the decision read is no longer the current one"


def _action(before: Decision | None, label: str, provisional: bool) -> str:
    if before is not None and before.label != label:
        return "case.corrected"
    return "case.provisional" if provisional else "case.decided"


def _described(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "decision": str(decision.pk),
        "label": decision.label,
        "owner": str(decision.owner),
        "provisional": decision.provisional,
    }


@transaction.atomic
def correct_decision(
    *, actor: Actor, case_id: uuid.UUID, label: str, reason: str, owner: Decision.Owner = Decision.Owner.AUDITOR
) -> Decision:
    """Replace a final decision (audit, appeal). Open reviews of the case end. Raises Conflict `not_decided`."""
    case = lock_case(case_id)
    if case is None:
        raise NotFound()
    check_label(case, label)
    if case.status not in (Case.Status.DECIDED, Case.Status.PROVISIONAL):
        raise Conflict("This case has no decision to correct.", code="not_decided")
    at = db_now()
    end_open_reviews(actor=actor, case=case, at=at, reason=reason)
    return decide_case(actor=actor, case=case, label=label, owner=owner, at=at, reason=reason)


@transaction.atomic
def cancel_case(*, actor: Actor, case_id: uuid.UUID, reason: str = "") -> Case:
    """Withdraw an undecided case; its reviews and leases end. Idempotent; Conflict `already_decided`."""
    case = lock_case(case_id)
    if case is None:
        raise NotFound()
    if case.status == Case.Status.CANCELLED:
        return case
    if Case.Status.CANCELLED not in Case.TRANSITIONS[case.status]:
        raise Conflict("A decided case cannot be cancelled.", code="already_decided")
    if case.appeals.filter(resolved_at__isnull=True).exists():
        raise Conflict("An appeal against this case is open; it is answered first.", code="appeal_open")
    at = db_now()
    before = case.status
    end_open_reviews(actor=actor, case=case, at=at, reason=reason)
    case.status = Case.Status.CANCELLED
    Case.objects.filter(pk=case.pk).update(status=case.status)
    change = Change({"status": before}, {"status": "cancelled"}, reason)
    insert_rows(
        build_event(
            actor=actor, action="case.cancelled", subject=Subject("case", case.pk, case.pk), change=change, at=at
        ),
        case_history(case, actor=actor, at=at, reason="cancelled"),
    )
    return case


def lock_case(case_id: uuid.UUID) -> Case | None:
    """Lock a case and what is open on it, in the order judging takes (or they deadlock): leases, reviews, case."""
    lock_leases(case_id=case_id)
    open_reviews = ReviewTask.objects.select_for_update().filter(case_id=case_id, status__in=ReviewTask.OPEN)
    list(open_reviews.order_by("pk"))  # in one order, or two members of a panel who finish together deadlock
    locked = Case.objects.select_for_update(of=("self",)).select_related("task_type", "queue")
    return locked.filter(pk=case_id).first()


def lock_leases(*, case_id: uuid.UUID) -> None:
    """Lock the open claims of a case, before any of its reviews is locked."""
    list(Claim.objects.select_for_update(of=("self",)).filter(review__case_id=case_id, status="open").order_by("pk"))


def close_panel(*, case: Case, at: datetime) -> None:
    """The panel that still sat on the case breaks up without a decision of its own."""
    sitting = [Panel.Status.OPEN, Panel.Status.ADJUDICATION, Panel.Status.RETURNED]
    Panel.objects.filter(case_id=case.pk, status__in=sitting).update(status=Panel.Status.CANCELLED, closed_at=at)


def end_open_reviews(*, actor: Actor, case: Case, at: datetime, reason: str) -> None:
    """Cancel waiting and claimed reviews of a case; a holder's late submit is then refused as lost.

    An appeal goes on: it is the subject's right, whatever an audit finds meanwhile.
    """
    close_panel(case=case, at=at)
    open_ = ReviewTask.objects.select_for_update().filter(case_id=case.pk, status__in=ReviewTask.OPEN)
    reviews = list(open_.exclude(kind=ReviewTask.Kind.APPEAL))
    if not reviews:
        return
    keys = [r.pk for r in reviews]
    Claim.objects.filter(review_id__in=keys, status="open").update(status="cancelled", token=None, closed_at=at)
    ReviewTask.objects.filter(pk__in=keys).update(status="cancelled", done_at=at)
    insert_rows(
        *(
            build_event(
                actor=actor,
                action="review.cancelled",
                subject=Subject("review", r.pk, case.pk),
                change=Change({"status": r.status}, {"status": "cancelled"}, reason),
                at=at,
            )
            for r in reviews
        )
    )
    if any(r.kind == ReviewTask.Kind.BLIND for r in reviews):
        return_case(actor=actor, case=case, at=at)
