"""The public JSON, built once, for API and webhooks alike."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from hitl.core.clock import rfc3339
from reviews.chain import ProposalOut, earlier_proposals
from reviews.handed import HandoverOut
from reviews.models import Case, CaseContent, Claim, Decision, Judgement, Queue, ReviewTask
from reviews.selectors import estimated_wait_s, parts_of
from routing.models import RoutingDecision, TaskType


class DecisionOut(msgspec.Struct, frozen=True):
    label: str
    automated: bool
    provisional: bool
    owner: str
    decided_at: str
    id: str


class RoutingOut(msgspec.Struct, frozen=True):
    action: str
    zone: str
    risk: str
    tier: str
    queue: str | None
    reason: str
    rule: str | None
    calibrated_confidence: float | None
    threshold: float | None
    priority: float
    priority_breakdown: list[dict[str, Any]]
    selection_probability: float
    action_propensity: float
    policy_version: int | None
    calibration_version: int | None
    trace: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


class ReviewOut(msgspec.Struct, frozen=True):
    id: str
    due_at: str
    estimated_wait_seconds: int | None


class CaseOut(msgspec.Struct, frozen=True):
    """A case for partners and supervisors. `decision` null while pending; `review` non-null while one is open.

    `validating`: a model is being asked first; `routing` is null until it has answered, or its time is over.
    """

    id: str
    task_type: str
    external_id: str | None
    subject: str | None
    status: str
    decision: DecisionOut | None
    routing: RoutingOut | None
    review: ReviewOut | None
    created_at: str
    latency_ms: float | msgspec.UnsetType = msgspec.UNSET
    validating: bool = False


class LabelOut(msgspec.Struct, frozen=True):
    value: str
    title: str


class ReviewCaseOut(msgspec.Struct, frozen=True):
    """A case as its reviewer sees it. Sealed (judge-first, not yet judged): the fields below the line are absent."""

    id: str
    task_type: str
    external_id: str | None
    subject: str | None
    input: dict[str, Any]
    key_evidence: list[str]
    evidence: dict[str, Any]
    created_at: str
    labels: list[LabelOut]
    # absent while sealed: what the machine said and whatever betrays it
    prediction: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET
    proposed_action: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET
    context: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    status: str | msgspec.UnsetType = msgspec.UNSET
    routing: RoutingOut | None | msgspec.UnsetType = msgspec.UNSET
    earlier_proposals: list[ProposalOut] | msgspec.UnsetType = msgspec.UNSET
    # on a claim, once the person may know which are theirs
    questions: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    machine_answers: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class MachineOut(msgspec.Struct, frozen=True):
    """The machine's answer, shown after the first judgement in the arm “after”."""

    label: str
    calibrated_confidence: float | None
    probabilities: dict[str, float]
    explanation: dict[str, Any] | None
    model_version: str | None


class SchemeStepOut(msgspec.Struct, frozen=True):
    """Which seat this review is; blind reviewers all get the same, so that the third cannot tell that two disagree."""

    kind: str
    seat: str
    title: str


class VoiceOut(msgspec.Struct, frozen=True):
    """What another person on the panel said. `reviewer` null for whoever weighs words, not names."""

    title: str
    label: str
    reasoning: str
    confidence: float | None
    reviewer: str | None = None


class ClaimReviewOut(msgspec.Struct, frozen=True):
    id: str
    queue: str
    tier: str
    due_at: str
    judge_first: bool
    handovers: list[HandoverOut] | msgspec.UnsetType = msgspec.UNSET
    # only where several people judge the case
    scheme: SchemeStepOut | msgspec.UnsetType = msgspec.UNSET
    others: list[VoiceOut] | msgspec.UnsetType = msgspec.UNSET


class ClaimOut(msgspec.Struct, frozen=True):
    id: str
    token: str | None
    status: str
    expires_at: str
    review: ClaimReviewOut
    case: ReviewCaseOut | None


class ClaimEnvelope(msgspec.Struct, frozen=True):
    claim: ClaimOut


class FirstJudgementOut(msgspec.Struct, frozen=True):
    """What was said unaided, in which arm, and the machine's answer where the arm shows it.

    `appeal`, on an appeal's review: the reason given, what was decided, by what owner, and why.
    `reason_required`: the final judgement must name an override category (a random sample).
    """

    first_judgement: dict[str, Any]
    visibility: str
    visibility_propensity: float
    machine: MachineOut | None
    appeal: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    reason_required: bool = False
    others: list[VoiceOut] | msgspec.UnsetType = msgspec.UNSET  # for an adjudicator: what they said before


def _time(value: datetime) -> str:
    text = rfc3339(value)
    assert text is not None
    return text


def decision_out(decision: Decision | None) -> DecisionOut | None:
    """A decision; `automated` says that the machine's answer took effect without a person."""
    if decision is None:
        return None
    return DecisionOut(
        label=decision.label,
        automated=decision.owner in (Decision.Owner.SYSTEM, Decision.Owner.FALLBACK),
        provisional=decision.provisional,
        owner=decision.owner,
        decided_at=_time(decision.created_at),
        id=str(decision.pk),
    )


def routing_out(
    routing: RoutingDecision | None, *, policy_version: int | None, queue: str | None, with_trace: bool = True
) -> RoutingOut | None:
    """How the case was routed; without the trace in lists."""
    if routing is None:
        return None
    return RoutingOut(
        action=routing.action,
        zone=routing.zone,
        risk=routing.risk,
        tier=routing.tier,
        queue=queue,
        reason=routing.reason,
        rule=routing.rule,
        calibrated_confidence=routing.calibrated_confidence,
        threshold=routing.threshold,
        priority=routing.priority,
        priority_breakdown=routing.priority_breakdown,
        selection_probability=selection_given_version(routing),
        action_propensity=routing.action_propensity,
        policy_version=policy_version,
        calibration_version=routing.calibration_version,
        trace=routing.trace if with_trace else msgspec.UNSET,
    )


def selection_given_version(routing: RoutingDecision) -> float:
    """P(at least one review | features, the version that decided), as the contract has it: 1 where a person decides.

    During a canary the row's own probability is the mixture of both versions, which weights labels (ADR 0008).
    """
    return routing.selection_probability if routing.version_selection is None else routing.version_selection


def case_out(
    case: Case,
    *,
    task_type: str,
    queue: str | None,
    decision: Decision | None,
    routing: RoutingDecision | None,
    review: ReviewTask | None,
    wait_s: int | None = None,
    latency_ms: float | None = None,
    with_trace: bool = True,
) -> CaseOut:
    """The case as partners get it; all parts are given, nothing is fetched here."""
    shadow = case.status == Case.Status.SHADOW
    return CaseOut(
        id=str(case.pk),
        task_type=task_type,
        external_id=case.external_id,
        subject=case.subject,
        status=case.status,
        decision=None if shadow else decision_out(decision),
        routing=routing_out(routing, policy_version=case.policy_version, queue=queue, with_trace=with_trace),
        review=None if review is None else ReviewOut(str(review.pk), _time(review.due_at), wait_s),
        created_at=_time(case.created_at),
        latency_ms=msgspec.UNSET if latency_ms is None else round(latency_ms, 2),
        validating=routing is None and case.status in (Case.Status.PENDING, Case.Status.SHADOW),
    )


def without_trace(out: CaseOut) -> CaseOut:
    """As lists and messages carry it."""
    if out.routing is None:
        return out
    return msgspec.structs.replace(out, routing=msgspec.structs.replace(out.routing, trace=msgspec.UNSET))


def case_outs(cases: Sequence[Case], *, with_trace: bool) -> list[CaseOut]:
    """Payloads of many cases in one round trip; `cases` come with task_type and queue selected."""
    parts = parts_of(cases, with_trace=with_trace)
    decisions, routings, reviews = parts.decisions, parts.routings, parts.reviews
    return [
        case_out(
            case,
            task_type=case.task_type.slug,
            queue=case.queue.slug if case.queue else None,
            decision=decisions.get(case.pk),
            routing=routings.get(case.pk),
            review=reviews.get(case.pk),
            wait_s=estimated_wait_s(reviews[case.pk].queue_id) if case.pk in reviews else None,
            with_trace=with_trace,
        )
        for case in cases
    ]


def labels_out(task_type: TaskType) -> list[LabelOut]:
    """The labels in the order of the taxonomy, never the machine's."""
    return [LabelOut(label["value"], label["title"]) for label in task_type.labels]


def sealed_case_out(case: Case, content: CaseContent, task_type: TaskType) -> ReviewCaseOut:
    """Invariant 8: sealed means absent."""
    return ReviewCaseOut(
        id=str(case.pk),
        task_type=task_type.slug,
        external_id=case.external_id,
        subject=case.subject,
        input=content.input,
        key_evidence=content.key_evidence,
        evidence=content.evidence,
        created_at=_time(case.created_at),
        labels=labels_out(task_type),
    )


def open_case_out(
    case: Case, content: CaseContent, task_type: TaskType, routing: RoutingDecision | None, queue: str | None
) -> ReviewCaseOut:
    """The case with everything."""
    return msgspec.structs.replace(
        sealed_case_out(case, content, task_type),
        prediction=content.prediction,
        proposed_action=content.proposed_action,
        context=content.context,
        status=case.status,
        routing=routing_out(routing, policy_version=case.policy_version, queue=queue),
        earlier_proposals=earlier_proposals(case.pk) if content.proposed_action else msgspec.UNSET,
    )


def machine_out(content: CaseContent, routing: RoutingDecision | None) -> MachineOut | None:
    """The machine's answer; null where none was sent."""
    prediction: Mapping[str, Any] | None = content.prediction
    if prediction is None:
        return None
    return MachineOut(
        label=prediction["label"],
        calibrated_confidence=routing.calibrated_confidence if routing else None,
        probabilities=prediction.get("probabilities", {}),
        explanation=prediction.get("explanation"),
        model_version=prediction.get("model_version"),
    )


def claim_out(
    claim: Claim,
    review: ReviewTask,
    queue: Queue,
    case: ReviewCaseOut | None,
    handovers: Sequence[HandoverOut] = (),
    *,
    judge_first: bool,
) -> ClaimOut:
    """A lease as its holder gets it, with the notes of earlier hands.

    `judge_first`: this case asks for a first judgement, by its queue, its kind or its arm.
    """
    due, notes = _time(review.due_at), list(handovers) or msgspec.UNSET
    return ClaimOut(
        id=str(claim.pk),
        token=claim.token,
        status=claim.status,
        expires_at=_time(claim.expires_at),
        review=ClaimReviewOut(str(review.pk), queue.slug, queue.tier.slug, due, judge_first, notes),
        case=case,
    )


def first_judgement_out(
    judgement: Judgement,
    machine: MachineOut | None,
    appeal: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET,
    reason_required: bool = False,
) -> FirstJudgementOut:
    """`machine` only where the arm shows it."""
    return FirstJudgementOut(
        first_judgement={
            "id": str(judgement.pk),
            "label": judgement.label,
            "confidence": judgement.confidence,
            "created_at": _time(judgement.created_at),
        },
        visibility=judgement.visibility,
        visibility_propensity=judgement.visibility_propensity,
        machine=machine if judgement.visibility == Judgement.Visibility.AFTER else None,
        appeal=appeal,
        reason_required=reason_required,
    )
