"""What follows from a judgement on a panel: wait, open the next seats, decide, or report a conflict; and its undo.

Every judgement of a panel locks its case first, so that of two people who finish at the same moment the second sees
what the first said.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import transaction

from audit.actions.events import Change, Subject, build_event, cancel_messages
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict
from hitl.core.rows import insert_rows
from reviews.access import conflict_for_actor
from reviews.actions.consequences import MESSAGES, Rule, Told, withdraw
from reviews.actions.decisions import check_label, decide_case, lock_case
from reviews.actions.gate import ActionVerdict, approval_rows
from reviews.actions.opening import open_seats
from reviews.engine import schemes
from reviews.engine.declared import read_scheme
from reviews.engine.schemes import Decide, Open, Voice, Wait, next_step
from reviews.history import case_history
from reviews.models import Case, Claim, Decision, Judgement, Panel, ReviewTask
from reviews.payloads import CaseOut, case_outs

_OPEN = (Case.Status.PENDING, Case.Status.IN_REVIEW, Case.Status.AWAITING_ADJUDICATION)
_IN_CONFLICT = (Panel.Status.ADJUDICATION, Panel.Status.RETURNED)
_OWNERS = {
    schemes.Owner.REVIEWER: Decision.Owner.REVIEWER,
    schemes.Owner.PANEL: Decision.Owner.PANEL,
    schemes.Owner.ADJUDICATOR: Decision.Owner.ADJUDICATOR,
}


@transaction.atomic
def follow_panel(told: Told) -> CaseOut:
    """Write a panel member's judgement and take the scheme's next step."""
    review, judgement = told.held.claim.review, told.judgement
    case = lock_case(review.case_id)
    assert case is not None
    if _has_judged(judgement):
        raise Conflict("You have judged this case already.", code="already_judged")
    told.write()
    _step(told, case, _panel(review.panel_id), judgement.created_at)
    ring("delivery.relay_outbox")
    fresh = Case.objects.select_related("task_type", "queue").get(pk=case.pk)
    return case_outs([fresh], with_trace=True)[0]


def _panel(panel_id: uuid.UUID | None) -> Panel:
    assert panel_id is not None
    return Panel.objects.select_related("queue__tier").get(pk=panel_id)


def _has_judged(judgement: Judgement) -> bool:
    """Whether this person has spoken on another seat; claims exclude it, this is the last door."""
    said = Judgement.objects.filter(case_id=judgement.case_id, user_id=judgement.user_id, undone_at__isnull=True)
    return said.filter(stage=Judgement.Stage.FINAL).exclude(review_id=judgement.review_id).exists()


def voices_of(panel: Panel) -> list[Voice]:
    """Every seat of a panel with what was said on it, in the order of opening."""
    reviews = ReviewTask.objects.filter(case_id=panel.case_id, panel_id=panel.pk).exclude(status="cancelled")
    said = {j.review_id: j.label for j in standing(panel)}
    return [Voice(r.seat, said.get(r.pk)) for r in reviews.order_by("created_at", "pk")]


def standing(panel: Panel) -> list[Judgement]:
    """The final judgements of a panel that stand."""
    found = Judgement.objects.filter(
        case_id=panel.case_id, review__panel_id=panel.pk, stage=Judgement.Stage.FINAL, undone_at__isnull=True
    )
    return list(found.select_related("user", "review").order_by("created_at", "pk"))


def _step(told: Told, case: Case, panel: Panel, at: datetime) -> None:
    step = next_step(read_scheme(panel.scheme), voices_of(panel))
    match step:
        case Wait():
            _settle_status(told.actor, case, panel, at, "a panel member judged")
        case Decide(label, owner, reason):
            _decide(told, case, panel, label, _OWNERS[owner], reason, at)
        case Open():
            opened = open_seats(actor=told.actor, panel=panel, case=case, step=step, follows=told.judgement, at=at)
            if not opened:
                _conflict(told.actor, panel, f"{step.explanation} There is no queue of a higher tier.", at)
            elif step.explanation:
                _conflict(told.actor, panel, step.explanation, at, Panel.Status.ADJUDICATION)
            _settle_status(told.actor, case, panel, at, step.explanation or "the next seat of the panel")
        case schemes.Conflict(explanation):
            _conflict(told.actor, panel, explanation, at)
            _settle_status(told.actor, case, panel, at, explanation)


def _conflict(
    actor: Actor, panel: Panel, explanation: str, at: datetime, status: Panel.Status = Panel.Status.RETURNED
) -> None:
    panel.status, panel.explanation, panel.conflict_at = status, explanation, at
    panel.save(update_fields=["status", "explanation", "conflict_at"])
    change = Change({"status": "open"}, {"status": status.value, "panel": str(panel.pk)}, explanation)
    subject = Subject("panel", panel.pk, panel.case_id)
    insert_rows(build_event(actor=actor, action="panel.disagreed", subject=subject, change=change, at=at))


def _decide(told: Told, case: Case, panel: Panel, label: str, owner: Decision.Owner, reason: str, at: datetime) -> None:
    """The panel's decision. Its effects wait until nobody on the panel can take back what they said."""
    said = told.judgement.reasoning[:2000] if owner != Decision.Owner.PANEL else ""
    until = max(j.effects_at for j in standing(panel))
    hold = max(told.hold, until - at, timedelta(0))
    decision = decide_case(
        actor=told.actor,
        case=case,
        label=label,
        owner=owner,
        at=at,
        reason=said or reason,
        hold=hold,
    )
    answer_on_action(told.actor, case, standing(panel), label, at, hold)
    panel.status, panel.decision, panel.closed_at = Panel.Status.DECIDED, decision, at
    panel.explanation = panel.explanation or reason
    panel.save(update_fields=["status", "decision", "closed_at", "explanation"])


def answer_on_action(
    actor: Actor, case: Case, said: Sequence[Judgement], label: str, at: datetime, hold: timedelta
) -> None:
    """The panel's answer on an irreversible action: approved where all who said the decided label approve it."""
    if not said or all(j.action_verdict is None for j in said):
        return
    verdicts = [(j.label, msgspec.convert(j.action_verdict, ActionVerdict)) for j in said if j.action_verdict]
    ruling = said[-1].review.kind == ReviewTask.Kind.ADJUDICATION
    members = [v for at_label, v in (verdicts[-1:] if ruling else verdicts) if at_label == label]
    if members and all(v.approved for v in members):
        whole = ActionVerdict(True, comment=" ".join(v.comment for v in members if v.comment))
    else:
        against = [v for _, v in verdicts if not v.approved]
        whole = ActionVerdict(
            False,
            codes=tuple(dict.fromkeys(code for v in against for code in v.codes)),
            comment=" ".join(v.comment for v in against if v.comment) or "The panel did not approve it.",
            parameters=tuple(remark for v in against for remark in v.parameters),
        )
    insert_rows(*approval_rows(actor, case, said[-1], whole, at, hold))


def _settle_status(actor: Actor, case: Case, panel: Panel, at: datetime, reason: str) -> None:
    """The case's status as its panel makes it; a case that a provisional decision holds keeps its own."""
    if case.status not in _OPEN:
        return
    status = Case.Status.AWAITING_ADJUDICATION
    if panel.status == Panel.Status.OPEN:
        held = Claim.objects.filter(review__case_id=case.pk, status=Claim.Status.OPEN).exists()
        status = Case.Status.IN_REVIEW if held else Case.Status.PENDING
    if case.status == status:
        return
    case.status = status
    Case.objects.filter(pk=case.pk).update(status=status)
    insert_rows(case_history(case, actor=actor, at=at, reason=reason[:100]))


# --- undo -------------------------------------------------------------------------------------------------------------


def take_back(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """What followed goes: the decision it completed, seats it opened. Conflict `too_late` once others acted upon it."""
    case = lock_case(judgement.case_id)
    assert case is not None
    panel = _panel(judgement.review.panel_id)
    later = ReviewTask.objects.filter(case_id=case.pk, panel_id=panel.pk, created_at__gte=judgement.created_at)
    later = later.exclude(pk=judgement.review_id).exclude(follows_id=None).exclude(status="cancelled")
    if later.exclude(status__in=["waiting", "assigned"]).exists() or panel.status == Panel.Status.CANCELLED:
        raise Conflict("Others have gone on from what you said; it can no longer be undone.", code="too_late")
    _withdraw_decision(actor, case, panel, at)
    _cancel(actor, list(later), at)
    ruling = judgement.review.kind == ReviewTask.Kind.ADJUDICATION
    panel.status = Panel.Status.ADJUDICATION if ruling else Panel.Status.OPEN
    panel.explanation = panel.explanation if ruling else ""
    panel.conflict_at = panel.conflict_at if ruling else None
    panel.closed_at = panel.decision = None
    panel.save(update_fields=["status", "explanation", "conflict_at", "closed_at", "decision"])
    if case.status in _OPEN:
        case.status = Case.Status.AWAITING_ADJUDICATION if ruling else Case.Status.IN_REVIEW
        Case.objects.filter(pk=case.pk).update(status=case.status)
        insert_rows(case_history(case, actor=actor, at=at, reason="judgement undone"))


def _cancel(actor: Actor, reviews: Sequence[ReviewTask], at: datetime) -> None:
    """Seats nobody has taken go, each with an event."""
    ReviewTask.objects.filter(pk__in=[r.pk for r in reviews]).update(status="cancelled", done_at=at)
    for review in reviews:
        change = Change({"status": review.status}, {"status": "cancelled"}, "the judgement it followed was undone")
        subject = Subject("review", review.pk, review.case_id)
        insert_rows(build_event(actor=actor, action="review.cancelled", subject=subject, change=change, at=at))


def _withdraw_decision(actor: Actor, case: Case, panel: Panel, at: datetime) -> None:
    if panel.decision_id is None:
        return
    made = Decision.objects.get(pk=panel.decision_id)
    if not made.is_current or made.effects_at <= at:
        raise Conflict("The panel's decision has taken effect; ask a supervisor.", code="too_late")
    cancel_messages(workspace_id=case.workspace_id, case_id=case.pk, types=MESSAGES)
    withdraw(actor, case, made, at)


PANEL_RULE = Rule(follow_panel, take_back)


# --- what nobody on the panel could end -------------------------------------------------------------------------------


@transaction.atomic
def settle_panel(*, actor: Actor, panel_id: uuid.UUID, label: str, reason: str) -> Decision:
    """A supervisor ends a conflict that came back to them. Raises NotFound, Conflict `not_returned`, Refused
    `unknown_label`; Conflict `already_judged` for whoever sat on the panel.
    """
    panel = conflict_for_actor(actor, panel_id)
    case = lock_case(panel.case_id)
    assert case is not None
    panel.refresh_from_db()
    if panel.status != Panel.Status.RETURNED:
        raise Conflict("This conflict is not yours to end: somebody judges it, or it has ended.", code="not_returned")
    check_label(case, label)
    if any(j.user_id == actor.user_id for j in standing(panel)):
        raise Conflict("You sat on this panel; somebody else has to end its conflict.", code="already_judged")
    at = db_now()
    owner = Decision.Owner.ADJUDICATOR
    decision = decide_case(actor=actor, case=case, label=label, owner=owner, at=at, reason=reason)
    answer_on_action(actor, case, standing(panel), label, at, timedelta(0))
    panel.status, panel.decision, panel.closed_at = Panel.Status.DECIDED, decision, at
    panel.save(update_fields=["status", "decision", "closed_at"])
    change = Change({"status": "returned"}, {"status": "decided", "label": label}, reason)
    subject = Subject("panel", panel.pk, case.pk)
    insert_rows(build_event(actor=actor, action="panel.settled", subject=subject, change=change, at=at))
    return decision
