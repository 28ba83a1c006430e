"""The supervisor's audit of a decision: upheld, or wrong and corrected (mission E4)."""

import uuid
from dataclasses import dataclass
from typing import Literal

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import Signal
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.access import case_for_actor, sealed_ids
from reviews.actions.decisions import check_label, correct_decision, lock_case
from reviews.models import Case, Decision, Judgement

Verdict = Literal["upheld", "wrong"]


@dataclass(frozen=True, slots=True)
class Audit:
    """The signal that was recorded; `correction`: the decision that now stands, null when upheld."""

    signal: Signal
    correction: Decision | None


@transaction.atomic
def audit_decision(
    *, actor: Actor, decision_id: uuid.UUID, verdict: Verdict, label: str | None = None, note: str = ""
) -> Audit:
    """Record whether a standing decision was right; “wrong” needs the right label and corrects the decision at once.

    Raises NotFound, Forbidden (permission, `own_judgement`), InvalidInput for a label that is missing or not wanted,
    Refused (`unknown_label`, `same_label`), Conflict (`already_audited`, `superseded`, `first_judgement_required`).
    """
    found = Decision.objects.filter(pk=decision_id, workspace_id=actor.workspace_id).values_list("case_id").first()
    if found is None:
        raise NotFound()
    case = case_for_actor(actor, found[0])
    actor.require(Permission.AUDIT_DECISIONS)
    # The lock lets only one audit, correction or judgement at a time change what the case resolved to.
    lock_case(case.pk)
    decision = Decision.objects.get(pk=decision_id)
    _guard(actor, case, decision)
    right = _right_label(case, decision, verdict, label)
    correction = None
    if verdict == "wrong":
        correction = correct_decision(
            actor=actor, case_id=case.pk, label=right, reason=note or "audited as wrong", owner=Decision.Owner.AUDITOR
        )
    return Audit(_record(actor, case, decision, verdict, right, note), correction)


def _guard(actor: Actor, case: Case, decision: Decision) -> None:
    if sealed_ids(actor, [case]):
        raise Conflict("Judge this case first: you may still be asked to.", code="first_judgement_required")
    judged = Judgement.objects.filter(case_id=case.pk, user_id=actor.person_id, undone_at__isnull=True).exists()
    if actor.user_id is not None and (judged or actor.user_id in (decision.decided_by_id, case.submitted_by_id)):
        raise Forbidden("Somebody else has to audit what you judged or submitted yourself.", code="own_judgement")
    if Signal.objects.filter(decision_id=decision.pk, user_id=actor.person_id, source=Signal.Source.AUDIT).exists():
        raise Conflict("You have already audited this decision.", code="already_audited")
    if not decision.is_current or decision.withdrawn_at is not None:
        raise Conflict("This decision no longer stands; audit the one that replaced it.", code="superseded")


def _right_label(case: Case, decision: Decision, verdict: Verdict, label: str | None) -> str:
    if verdict == "upheld":
        if label not in (None, decision.label):
            raise InvalidInput(
                errors=[FieldProblem("/label", "An upheld decision keeps its label; leave it out.", "invalid_value")]
            )
        return decision.label
    if label is None:
        raise InvalidInput(errors=[FieldProblem("/label", "Give the label that would have been right.", "required")])
    check_label(case, label)
    if label == decision.label:
        problem = FieldProblem("/label", "This is what was decided; uphold it or give another label.", "same_label")
        raise Refused("The right label is the one that was decided.", code="same_label", errors=[problem])
    return label


def _record(actor: Actor, case: Case, decision: Decision, verdict: Verdict, label: str, note: str) -> Signal:
    at = now()
    signal = Signal(
        workspace_id=case.workspace_id,
        case=case,
        decision=decision,
        user_id=actor.person_id,
        source=Signal.Source.AUDIT,
        origin=actor.label[:100],
        label=label,
        details={"verdict": verdict, "note": note},
        observed_at=at,
        created_at=at,
    )
    signal.save(force_insert=True)
    record_event(
        actor=actor,
        action="decision.audited",
        subject=Subject("decision", decision.pk, case.pk),
        change=Change(
            {"label": decision.label}, {"verdict": verdict, "label": label}, note, {"policy": case.policy_version}
        ),
        at=at,
    )
    return signal
