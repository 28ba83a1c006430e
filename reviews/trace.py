"""The whole path of a case as one document (mission G2)."""

from typing import Any

import msgspec

from audit.models import Event, OutboxMessage
from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from reviews.answers import answers_of
from reviews.chain import ProposalOut, proposal_chain
from reviews.models import Case, Claim, Decision, Judgement, Panel, ValidationResult
from reviews.panel_selectors import seats_of
from reviews.payloads import CaseOut, case_outs, labels_out
from reviews.selectors import shadows_of
from routing.models import RoutingDecision


class TraceOut(msgspec.Struct, frozen=True):
    """Prediction → routing and shadows → reviews → judgements → decisions → messages → outcomes, and every event."""

    case: CaseOut
    input: dict[str, Any]
    key_evidence: list[str]
    evidence: dict[str, Any]
    labels: list[dict[str, Any]]
    prediction: dict[str, Any] | None
    proposed_action: dict[str, Any] | None
    context: dict[str, Any]
    routings: list[dict[str, Any]]
    shadows: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    judgements: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]
    events: list[dict[str, Any]]
    validations: list[dict[str, Any]]
    proposals: list[ProposalOut]
    panels: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []


def trace_of(actor: Actor, case: Case) -> TraceOut:
    """Everything stored about `case`, oldest first, in a fixed number of queries; the caller has checked the seal."""
    content = case.content
    return TraceOut(
        case=case_outs([case], with_trace=True)[0],
        input=content.input,
        key_evidence=content.key_evidence,
        evidence=content.evidence,
        labels=msgspec.to_builtins(labels_out(case.task_type)),
        prediction=content.prediction,
        proposed_action=content.proposed_action,
        context=content.context,
        routings=_routings(case),
        shadows=_shadows(case),
        claims=_claims(case),
        judgements=_judgements(case),
        decisions=_decisions(case),
        messages=_messages(case),
        outcomes=_signals(case),
        events=_events(case),
        validations=_validations(case),
        panels=_panels(case),
        answers=_answers(case),
        proposals=proposal_chain(case.pk),
    )


def _routings(case: Case) -> list[dict[str, Any]]:
    rows = RoutingDecision.objects.filter(workspace_id=case.workspace_id, case_id=case.routed_as or case.pk).order_by(
        "id"
    )
    return [
        {
            "id": str(r.pk),
            "at": rfc3339(case.created_at if case.routed_as else r.created_at),
            "action": r.action,
            "zone": r.zone,
            "reason": r.reason,
            "policy_version": case.policy_version,
            "version_probability": r.version_probability,
            "calibration_version": r.calibration_version,
            "action_propensity": r.action_propensity,
            "selection_probability": r.selection_probability,
            "draw": r.draw,
            "features": r.features,
            "trace": r.trace,
        }
        for r in rows.select_related("policy_version")
    ]


def _shadows(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "policy_version": s.policy_version.number,
            "action": s.action,
            "zone": s.zone,
            "tier": s.tier,
            "reason": s.reason,
            "threshold": s.threshold,
            "sampled": s.sampled,
            "trace": s.trace,
        }
        for s in shadows_of(case)
    ]


def _validations(case: Case) -> list[dict[str, Any]]:
    """What each layer of the cascade and each adapter said, what it cost and how long it took."""
    return [
        {
            "layer": v.layer,
            "kind": v.kind,
            "endpoint": v.endpoint or None,
            "outcome": v.outcome,
            "detail": v.detail,
            "cost": v.cost,
            "latency_ms": v.latency_ms,
            "attempts": v.attempts,
            "policy_version": v.policy_version,
            "at": rfc3339(v.created_at),
        }
        for v in ValidationResult.objects.filter(case_id=case.pk).order_by("id")
    ]


def _claims(case: Case) -> list[dict[str, Any]]:
    rows = Claim.objects.filter(review__case_id=case.pk).select_related("user").order_by("id")
    return [
        {
            "id": str(c.pk),
            "review": str(c.review_id),
            "reviewer": c.user.get_username(),
            "epoch": c.epoch,
            "status": c.status,
            "claimed_at": rfc3339(c.claimed_at),
            "expires_at": rfc3339(c.expires_at),
            "closed_at": rfc3339(c.closed_at),
        }
        for c in rows
    ]


def _judgements(case: Case) -> list[dict[str, Any]]:
    rows = Judgement.objects.filter(case_id=case.pk).select_related("user").order_by("id")
    return [
        {
            "id": str(j.pk),
            "reviewer": j.user.get_username(),
            "simulated": j.user.simulated,
            "stage": j.stage,
            "label": j.label,
            "confidence": j.confidence,
            "visibility": j.visibility,
            "visibility_propensity": j.visibility_propensity,
            "reasoning": j.reasoning,
            "override_category": j.override_category or None,
            "adjustments": j.adjustments,
            "rationale": j.rationale,
            "suggested_label": j.suggested_label or None,
            "reason_required": j.reason_required,
            "decision_time_s": j.decision_time_s,
            "created_at": rfc3339(j.created_at),
            "undone_at": rfc3339(j.undone_at),
        }
        for j in rows
    ]


def _answers(case: Case) -> list[dict[str, Any]]:
    """Who answered which question: the machine, or a person and on which seat."""
    if not case.task_type.questions:
        return []
    return [
        {
            "question": a.question,
            "label": a.label,
            "source": a.source,
            "responsible": a.user.get_username() if a.user else a.model_version,
            "seat": a.seat or None,
            "confidence": a.confidence,
            "judgement": str(a.judgement_id) if a.judgement_id else None,
            "at": rfc3339(a.created_at),
        }
        for a in answers_of(case)
    ]


def _panels(case: Case) -> list[dict[str, Any]]:
    """Who sat on each panel of the case, under which scheme, and what each said on which seat."""
    return [
        {
            "id": str(p.pk),
            "scheme": p.scheme,
            "status": p.status,
            "explanation": p.explanation,
            "decision": str(p.decision_id) if p.decision_id else None,
            "opened_at": rfc3339(p.opened_at),
            "conflict_at": rfc3339(p.conflict_at),
            "closed_at": rfc3339(p.closed_at),
            "seats": [
                {
                    "seat": v.seat,
                    "kind": v.kind,
                    "status": v.status,
                    "reviewer": v.reviewer,
                    "label": v.label,
                    "reasoning": v.reasoning,
                }
                for v in seats_of(p)
            ],
        }
        for p in Panel.objects.filter(case_id=case.pk).order_by("id")
    ]


def _decisions(case: Case) -> list[dict[str, Any]]:
    rows = Decision.objects.filter(case_id=case.pk).select_related("decided_by").order_by("id")
    return [
        {
            "id": str(d.pk),
            "label": d.label,
            "owner": d.owner,
            "decided_by": d.decided_by.get_username() if d.decided_by else None,
            "provisional": d.provisional,
            "current": d.is_current,
            "supersedes": str(d.supersedes_id) if d.supersedes_id else None,
            "reason": d.reason,
            "created_at": rfc3339(d.created_at),
            "effects_at": rfc3339(d.effects_at),
            "withdrawn_at": rfc3339(d.withdrawn_at),
        }
        for d in rows
    ]


def _messages(case: Case) -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(workspace_id=case.workspace_id, case_id=case.pk).order_by("id")
    return [
        {
            "id": str(m.pk),
            "type": m.type,
            "available_at": rfc3339(m.available_at),
            "relayed_at": rfc3339(m.relayed_at),
            "cancelled_at": rfc3339(m.cancelled_at),
        }
        for m in rows.defer("payload")
    ]


def _signals(case: Case) -> list[dict[str, Any]]:
    # feedback's table, through the relation it put on Case: reviews does not import feedback.
    return [
        {
            "id": str(s.pk),
            "source": s.source,
            "origin": s.origin,
            "label": s.label,
            "observed_at": rfc3339(s.observed_at),
            "created_at": rfc3339(s.created_at),
        }
        for s in case.signals.order_by("id")
    ]


def events_of(case: Case, most: int | None = None) -> list[Event]:
    """The events of a case, oldest first, at most so many; a gold copy begins like the case it is routed as."""
    found = list(Event.objects.filter(workspace_id=case.workspace_id, case_id=case.pk).order_by("id")[:most])
    if case.routed_as is None:
        return found
    begun = Event.objects.filter(workspace_id=case.workspace_id, case_id=case.routed_as, action="case.submitted")
    for event in begun.order_by("id")[:1]:
        event.at, event.object_id, event.case_id = case.created_at, str(case.pk), case.pk
        return [event, *found]
    return found


def _events(case: Case) -> list[dict[str, Any]]:
    rows = events_of(case)
    return [
        {
            "id": str(e.pk),
            "at": rfc3339(e.at),
            "action": e.action,
            "actor": {"kind": e.actor_kind, "id": str(e.actor_id) if e.actor_id else None, "label": e.actor_label},
            "object": {"type": e.object_type, "id": e.object_id},
            "reason": e.reason,
            "versions": e.versions,
            "before": e.before,
            "after": e.after,
        }
        for e in rows
    ]
