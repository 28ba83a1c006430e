"""What people say: the first judgement unaided and immutable, the final one, and its undo."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now, rfc3339
from hitl.core.errors import Conflict, NotFound
from hitl.core.rows import Unexpected, as_one, expecting, insert_rows, inserts, new_row, run_as_one
from reviews.access import Held, held_by_actor
from reviews.actions.answers import answer_rows, label_from
from reviews.actions.claims import claim_lost, close_statement, exclusion_statement, reopen_for
from reviews.actions.consequences import Told
from reviews.actions.decisions import check_label
from reviews.actions.gate import ActionVerdict, verdict_on_action
from reviews.actions.rules import rule_of
from reviews.models import Case, Claim, Exclusion, Judgement
from reviews.payloads import CaseOut
from reviews.reasons import check_reason, reason_draw
from reviews.selectors import judged_stages
from reviews.statements import canonical_label, check_category, check_rationale_of, check_statement


@dataclass(frozen=True, slots=True)
class Said:
    """A judgement's content. `confidence` 0–1 or null; `adjustments` one difference per field."""

    label: str
    reasoning: str = ""
    confidence: float | None = None
    override_category: str = ""
    adjustments: dict[str, Any] | None = None
    rationale: dict[str, Any] | None = None
    approval: ActionVerdict | None = None
    suggested_label: str = ""
    answers: dict[str, str] = field(default_factory=dict)

    def echo(self) -> dict[str, Any]:
        """What was sent, for a refusal that must not lose it."""
        return {
            "label": self.label,
            "answers": self.answers,
            "reasoning": self.reasoning,
            "confidence": self.confidence,
            "override_category": self.override_category or None,
            "adjustments": self.adjustments or {},
            "rationale": self.rationale,
            "suggested_label": self.suggested_label or None,
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said, and the case as it then stands."""

    judgement: Judgement
    case: CaseOut


def record_first_judgement(
    *,
    actor: Actor,
    held: Held,
    token: str,
    label: str,
    confidence: float | None = None,
    adjustments: dict[str, Any] | None = None,
    rationale: dict[str, Any] | None = None,
) -> Judgement:
    """Store what this person thinks unaided. The same again gives the same; another is Conflict `already_judged`."""
    claim, case = held.claim, held.claim.review.case
    said = checked(case, Said(label, confidence=confidence, adjustments=adjustments, rationale=rationale), None)
    judgement = _judgement(held, Judgement.Stage.FIRST, said, timedelta(0))
    change = Change(after={"label": said.label, "visibility": str(judgement.visibility)})
    subject = Subject("judgement", judgement.pk, case.pk)
    event = build_event(actor=actor, action="judgement.first_recorded", subject=subject, change=change, at=held.at)
    try:
        run_as_one(as_one(*inserts(judgement, event), expecting((_LOCK_LEASE, [claim.pk, token]), _LEASE)))
    except Unexpected:
        raise claim_lost({"label": label, "confidence": confidence}) from None
    except IntegrityError:
        return _said_before(claim, said)
    return judgement


# Keeps the lease from expiring while the judgement is written.
_LOCK_LEASE = "SELECT 1 FROM reviews_claim WHERE id = %s AND token = %s AND expires_at > clock_timestamp() FOR UPDATE"
_LEASE = "an open lease"


def _said_first(claim: Claim) -> Judgement | None:
    """This person's standing first judgement of the review; also after losing and regaining the lease."""
    said = judged_stages(claim.user_id, [claim.review.case_id]).get(claim.review.case_id, [])
    first = (j for j in said if j.stage == Judgement.Stage.FIRST and j.review_id == claim.review_id)
    return next(first, None)


def _said_before(claim: Claim, said: Said) -> Judgement:
    found = _said_first(claim)
    again = (said.label, said.confidence, said.adjustments or {}, said.rationale)
    if found is None or (found.label, found.confidence, found.adjustments, found.rationale) != again:
        raise Conflict("Your first judgement is already stored and stays as it is.", code="already_judged")
    return found


def _judgement(held: Held, stage: Judgement.Stage, said: Said, hold: timedelta) -> Judgement:
    claim = held.claim
    arm = held.arm
    return new_row(
        Judgement,
        workspace_id=claim.workspace_id,
        case_id=claim.review.case_id,
        review_id=claim.review_id,
        claim_id=claim.pk,
        user_id=claim.user_id,
        stage=stage,
        label=said.label,
        confidence=said.confidence,
        visibility=arm.visibility,
        visibility_propensity=arm.propensity,
        visibility_version=arm.version,
        reasoning=said.reasoning,
        override_category=said.override_category,
        adjustments=said.adjustments or {},
        rationale=said.rationale,
        suggested_label=said.suggested_label,
        **reason_draw(claim.review, stage, arm.visibility),
        guideline_id=held.guideline_id,
        decision_time_s=max(0.0, (held.at - (claim.shown_at or claim.claimed_at)).total_seconds()),
        created_at=held.at,
        effects_at=held.at + hold,
    )


def record_judgement(
    *, actor: Actor, claim_id: uuid.UUID, token: str, said: Said, hold: timedelta = timedelta(0)
) -> Judged:
    """This person's final word: ends the claim and resolves the review. Effects wait for `hold` (the undo window).

    Raises Conflict `claim_lost` (echoing what was sent), `first_judgement_required`, Refused `unknown_label`
    and what `verdict_on_action` refuses.
    """
    for _ in range(_TRIES):
        held = held_by_actor(actor, claim_id)
        checked_said = _check_may_judge(held, said)
        try:
            return _follow(actor, held, token, checked_said, hold)
        except Unexpected as error:
            if str(error) == _LEASE:
                raise claim_lost(said.echo()) from None
        except IntegrityError as error:
            if "decision_one_current_per_case" not in str(error):
                raise
    raise Conflict("The case is being decided by others at this moment; send it again.", code="conflict")


_TRIES = 5  # each time somebody else decides the case between reading and writing


def _check_may_judge(held: Held, said: Said) -> Said:
    """What was said as it is stored. Raises Refused where it does not fit the task type's questions or form."""
    claim, review = held.claim, held.claim.review
    unseen = held.arm.visibility == Judgement.Visibility.NEVER
    said = replace(said, label=label_from(review, said.label, said.answers, unseen=unseen))
    check_category(review.case, said.override_category)
    check_label(review.case, canonical_label(review.case, review.case.task_type.decision_form, said.label))
    first = _said_first(claim) if held.arm.sealed else None
    if held.arm.sealed and first is None:
        if claim.token is None:
            raise claim_lost(said.echo())
        raise Conflict("Record your first judgement before the final one.", code="first_judgement_required")
    check_reason(review, said.override_category, held.arm.visibility)
    return checked(review.case, said, first)


def checked(case: Case, said: Said, first: Judgement | None) -> Said:
    """`said` with its label canonical and its adjustments as differences. Raises Refused with a pointer per field."""
    form = case.task_type.decision_form
    check_label(case, canonical_label(case, form, said.label))
    check_rationale_of(case, said.rationale)
    stated = check_statement(case, said.label, said.adjustments or {}, confidence=said.confidence, first=first)
    return replace(said, label=stated.label, adjustments=stated.adjustments)


def _follow(actor: Actor, held: Held, token: str, said: Said, hold: timedelta) -> Judged:
    """Store the judgement, end its lease and its review, and let what follows follow (`consequences.RULES`).

    Raises Unexpected when the lease is over or the case's decision is no longer the one read.
    """
    claim, review, at = held.claim, held.claim.review, held.at
    on_action = verdict_on_action(review, said.label, said.reasoning, said.approval)
    judgement = _judgement(held, Judgement.Stage.FINAL, said, hold)
    if review.panel_id is not None:  # the panel answers on the action when it has decided
        judgement.action_verdict = msgspec.to_builtins(on_action)
    after = {"label": said.label, "override_category": said.override_category or None, "confidence": said.confidence}
    event = build_event(
        actor=actor,
        action="judgement.recorded",
        subject=Subject("judgement", judgement.pk, review.case_id),
        change=Change(after=after, reason=said.reasoning[:2000]),
        at=at,
    )
    told = Told(
        actor=actor,
        held=held,
        judgement=judgement,
        on_action=on_action,
        hold=hold,
        changes=(
            *inserts(judgement, *answer_rows(judgement, review, said.answers), event),
            ("UPDATE reviews_reviewtask SET status = 'done', done_at = %s WHERE id = %s", [at, review.pk]),
            exclusion_statement(claim, Exclusion.Reason.JUDGED, at),
        ),
        closing=expecting(close_statement(claim, token, Claim.Status.SUBMITTED.value), _LEASE),
    )
    return Judged(judgement, rule_of(review).follow(told))


@transaction.atomic
def undo_judgement(*, actor: Actor, judgement_id: uuid.UUID) -> Claim:
    """Take back one's own final judgement before it took effect; returns a new claim on the same review.

    Raises NotFound for anybody else's, Conflict `too_late` once `effects_at` has passed.
    """
    judgement = (
        Judgement.objects.select_for_update(of=("self",))
        .filter(pk=judgement_id, user_id=actor.person_id, workspace_id=actor.workspace_id, stage=Judgement.Stage.FINAL)
        .select_related("review__case__task_type", "review__queue__tier")
        .first()
    )
    if judgement is None or actor.user_id is None or not actor.sees_task_type(judgement.review.case.task_type_id):
        raise NotFound()
    at = db_now()
    if judgement.undone_at is not None or judgement.effects_at <= at:
        raise Conflict("It has taken effect and can no longer be undone; ask a supervisor.", code="too_late")
    Judgement.objects.filter(pk=judgement.pk).update(undone_at=at)
    rule_of(judgement.review).take_back(actor, judgement, at)
    Exclusion.objects.filter(case_id=judgement.case_id, user_id=actor.user_id, reason="judged").delete()
    try:
        claim = reopen_for(actor=actor, review=judgement.review)
    except IntegrityError:
        raise Conflict("The review has moved on.", code="too_late") from None
    change = Change({"label": judgement.label}, {"undone_at": rfc3339(at)})
    subject = Subject("judgement", judgement.pk, judgement.case_id)
    insert_rows(build_event(actor=actor, action="judgement.undone", subject=subject, change=change, at=at))
    return claim
