"""What follows from a final judgement, and what is taken back with it: one rule per kind of review.

Whoever adds a kind of review adds its rule to `RULES`; `judgements` writes what was said, the rule what comes of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit.actions.events import cancel_messages
from hitl.core.actors import Actor
from hitl.core.enqueue import ring
from hitl.core.rows import Statement, as_one, insert_rows, inserts, new_row, run_as_one
from reviews.access import Held
from reviews.actions.appeal_outcome import (
    MESSAGE,
    appeal_of,
    changes_decision,
    outcome_of,
    reopen_appeal,
    resolving,
    still_stands,
)
from reviews.actions.compensation import COMPENSATION
from reviews.actions.decisions import Around, Verdict, resolution
from reviews.actions.gate import MESSAGES as ON_ACTIONS
from reviews.actions.gate import ActionVerdict, approval_rows
from reviews.actions.lending import lend_case, return_case
from reviews.history import case_history
from reviews.models import Case, Decision, Judgement, ReviewTask
from reviews.payloads import CaseOut

MESSAGES = ("case.decided", "case.corrected", COMPENSATION, MESSAGE, *ON_ACTIONS)


@dataclass(frozen=True, slots=True)
class Told:
    """A final judgement about to be written. `changes` store it and end its review, `closing` ends the lease.

    `on_action`: the verdict on a proposed action, where one waits. `hold`: the undo window.
    """

    actor: Actor
    held: Held
    judgement: Judgement
    on_action: ActionVerdict | None
    hold: timedelta
    changes: tuple[Statement, ...]
    closing: Statement

    @property
    def case(self) -> Case:
        return self.held.claim.review.case

    @property
    def around(self) -> Around:
        other = self.held.other
        if other is not None and other.kind == ReviewTask.Kind.OPINION:
            other = None  # decides nothing, so nobody but its reviewer hears of it
        return Around(self.held.decision, self.held.routing, other)

    def write(self, *more: Statement, guards: tuple[Statement, ...] = ()) -> None:
        """Store the judgement with what follows from it: all or nothing, in one round trip.

        Raises Unexpected when the lease is over or a guard does not hold.
        """
        if guards:
            run_as_one(self.closing, *guards, as_one(*self.changes, *more))
        else:
            run_as_one(as_one(*self.changes, *more, self.closing))


@dataclass(frozen=True, slots=True)
class Rule:
    """`follow` writes a judgement and what follows from it, and answers with the case as it then stands. `take_back`
    undoes that, inside the caller's transaction and before the review is given back; Conflict `too_late` where others
    have acted upon it.
    """

    follow: Callable[[Told], CaseOut]
    take_back: Callable[[Actor, Judgement, datetime], None]


def decide(told: Told) -> CaseOut:
    """The judgement decides its case; where an appeal was answered meanwhile, that stands."""
    if told.held.decision is not None and told.held.decision.owner == Decision.Owner.APPEAL:
        return keep(told)
    verdict = Verdict(told.judgement.label, Decision.Owner.REVIEWER, told.judgement.reasoning[:2000])
    at, case = told.judgement.created_at, told.case
    answered: list[Statement] = []
    if told.on_action:
        answered = inserts(*approval_rows(told.actor, case, told.judgement, told.on_action, at, told.hold))
    made = resolution(actor=told.actor, case=case, around=told.around, verdict=verdict, at=at, hold=told.hold)
    told.write(*answered, *made.changes, guards=made.guards)
    ring("delivery.relay_outbox")
    return made.out


def correct(told: Told) -> CaseOut:
    """A judgement of what was decided already: it corrects where it disagrees, and changes nothing else."""
    decision = told.held.decision
    if decision is None or decision.label != told.judgement.label:
        return decide(told)
    return keep(told)


def keep(told: Told) -> CaseOut:
    """The judgement is stored; the case stays as it is."""
    told.write()
    return told.around.case_out(told.case)


@transaction.atomic
def answer_appeal(told: Told) -> CaseOut:
    """The appeal is resolved, and where its judge sees it otherwise the decision replaced."""
    judgement, case, standing = told.judgement, told.case, told.held.decision
    appeal = appeal_of(judgement.review_id)
    outcome = outcome_of(appeal.decision, judgement)
    answer = resolving(told.actor, case, appeal, judgement, outcome, told.hold)
    ring("delivery.relay_outbox")
    if standing is not None and not changes_decision(standing, judgement, outcome):
        told.write(*answer, guards=(still_stands(standing),))
        return told.around.case_out(case)
    verdict = Verdict(judgement.label, Decision.Owner.APPEAL, judgement.reasoning[:2000])
    made = resolution(
        actor=told.actor, case=case, around=told.around, verdict=verdict, at=judgement.created_at, hold=told.hold
    )
    told.write(*answer, *made.changes, guards=made.guards)
    return made.out


def reopen(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """What the appeal decided goes, and it is open again."""
    cancel_messages(workspace_id=judgement.workspace_id, case_id=judgement.case_id, types=MESSAGES)
    withdraw_decision(actor, judgement, at)
    reopen_appeal(actor, judgement, at)


@transaction.atomic
def keep_and_return(told: Told) -> CaseOut:
    """A blind sample: stored, and the case goes home."""
    told.write()
    return_case(actor=told.actor, case=told.case, at=told.judgement.created_at)
    return told.around.case_out(told.case)


def withdraw_decision(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """The decision this judgement made goes, the one before it stands again, unsent messages are cancelled."""
    made = Decision.objects.filter(
        case_id=judgement.case_id, is_current=True, decided_by_id=judgement.user_id, created_at=judgement.created_at
    ).first()
    case = judgement.review.case
    if made is None:
        return
    cancel_messages(workspace_id=case.workspace_id, case_id=case.pk, types=MESSAGES)
    withdraw(actor, case, made, at)


def withdraw(actor: Actor, case: Case, made: Decision, at: datetime) -> None:
    """A current decision goes before it took effect; the one before it stands again."""
    Decision.objects.filter(pk=made.pk).update(is_current=False, withdrawn_at=at)
    before = made.supersedes
    if before is not None:
        Decision.objects.filter(pk=before.pk).update(is_current=True)
    case.status = _status_before(before)
    case.decided_at = before.created_at if before else None
    Case.objects.filter(pk=case.pk).update(status=case.status, decided_at=case.decided_at)
    insert_rows(case_history(case, actor=actor, at=at, reason="judgement undone"))


def _status_before(before: Decision | None) -> str:
    if before is None:
        return Case.Status.IN_REVIEW
    return Case.Status.PROVISIONAL if before.provisional else Case.Status.DECIDED


def lend_again(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """The case of a blind sample belongs once more to the queue that judges it."""
    lend_case(actor=actor, case=judgement.review.case, queue_id=judgement.review.queue_id, at=at)


def keep_gold(told: Told) -> CaseOut:
    """A gold case: what was said is stored and nothing follows. The answer looks like that of any other case."""
    at, case, judgement = told.judgement.created_at, told.case, told.judgement
    shown = new_row(
        Decision,
        workspace_id=case.workspace_id,
        case_id=case.pk,
        label=judgement.label,
        owner=Decision.Owner.REVIEWER.value,
        decided_by_id=judgement.user_id,
        created_at=at,
        effects_at=judgement.effects_at,
    )
    case.status, case.decided_at = Case.Status.DECIDED.value, at
    told.write(
        ("UPDATE reviews_case SET status = %s, decided_at = %s WHERE id = %s", [case.status, at, case.pk]),
        *inserts(case_history(case, actor=told.actor, at=at, reason="gold judged")),
    )
    return Around(shown, told.held.routing, None).case_out(case)


def reopen_gold(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """The copy is being judged again."""
    case = judgement.review.case
    case.status, case.decided_at = Case.Status.IN_REVIEW.value, None
    Case.objects.filter(pk=case.pk).update(status=case.status, decided_at=None)
    insert_rows(case_history(case, actor=actor, at=at, reason="judgement undone"))


RULES: dict[str, Rule] = {
    ReviewTask.Kind.FIRST: Rule(decide, withdraw_decision),
    ReviewTask.Kind.AUDIT: Rule(correct, withdraw_decision),
    ReviewTask.Kind.LEARNING: Rule(correct, withdraw_decision),
    ReviewTask.Kind.REPORT: Rule(correct, withdraw_decision),
    ReviewTask.Kind.APPEAL: Rule(answer_appeal, reopen),
    ReviewTask.Kind.BLIND: Rule(keep_and_return, lend_again),
    ReviewTask.Kind.GOLD: Rule(keep_gold, reopen_gold),
}
