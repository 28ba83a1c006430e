"""Submit cases: check, route, decide what the machine may, queue the rest, all in one transaction per case."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import msgspec
from django.db import IntegrityError
from django.db.models import Model

from audit.actions.events import Change, Subject, build_event, build_message
from audit.models import OutboxMessage
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import FieldProblem, Forbidden, Refused
from hitl.core.ids import new_id
from hitl.core.rows import Unexpected, as_one, inserts, new_row, run_as_one
from reviews.actions.ask_rows import ask_row, check_rows, locally_checked
from reviews.actions.embeddings import embedding_row
from reviews.actions.gate import resubmission_row
from reviews.actions.heads import note_waiting
from reviews.actions.idempotency import (
    Answer,
    IdempotencyClaim,
    answer_to_refused,
    first_answer,
    new_name_statements,
    remembered,
)
from reviews.actions.opening import new_review, panel_rows
from reviews.answers import machine_answer_rows
from reviews.checks import check_against, check_body, with_mode
from reviews.features import content_hash, features_of
from reviews.history import case_history
from reviews.models import Case, CaseContent, Decision, ReviewTask
from reviews.past import with_lookups
from reviews.payloads import CaseOut, case_out
from reviews.selectors import QueueChoice, choose_queue, estimated_wait_s
from reviews.structs import CaseIn
from routing.actions.models import register_model_version
from routing.asks import Ask, next_ask
from routing.decisions import RoutedCase, route_case
from routing.engine.features import Features, LatencyTolerance
from routing.engine.layers import Checked
from routing.engine.route import Action, Route
from routing.models import RoutingDecision, TaskType
from routing.selectors import InForce, in_force

_PERSON = (Action.REVIEW, Action.ESCALATE, Action.GATE)
LIVE_MODES = ("async", "inline")


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed case and its raw JSON (for the content hash)."""

    body: CaseIn
    raw: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case checked and routed, nothing written. `rows` are inserted together."""

    case: Case
    rows: tuple[Model, ...]
    out: CaseOut
    wakes: bool
    asks: bool = False


def submit_case(*, actor: Actor, submission: Submission, claim: IdempotencyClaim | None = None) -> Answer:
    """Submit one case (contract: POST /cases). 201 new; 200 replayed.

    Idempotent by `claim` first, then by external_id. Raises InvalidInput, Refused (`unknown_task_type`,
    `idempotency_mismatch`, …) and Conflict `duplicate_in_flight`.
    """
    started = time.perf_counter()
    if claim and (first := first_answer(claim)):
        return first
    prepared = prepare(actor=actor, submission=submission, started=started, lookups=Lookups(actor))
    body = msgspec.json.encode(prepared.out)
    rows = (*prepared.rows, remembered(actor, claim, 201, body)) if claim else prepared.rows
    try:
        run_as_one(as_one(*inserts(*rows), *new_name_statements(claim, prepared.case)))
    except (Unexpected, IntegrityError) as error:
        return answer_to_refused(error, claim, prepared.case)
    ring_for([prepared])
    waits = submission.body.wait_seconds > 0 and prepared.case.status == Case.Status.PENDING
    return Answer(201, body, waits_for=prepared.case.pk if waits else None)


def ring_for(prepared: Sequence[Prepared]) -> None:
    """Wake whoever has work once these are committed."""
    if any(item.wakes for item in prepared):
        ring("delivery.relay_outbox")
    if any(item.asks for item in prepared):
        ring("reviews.ask_models")


class Lookups:
    """What cases of one request need to know about their workspace, each thing read once."""

    def __init__(self, actor: Actor) -> None:
        self.in_force = cache(partial(in_force, actor.workspace_id))
        self.choose_queue = cache(partial(choose_queue, workspace_id=actor.workspace_id))


def prepare(*, actor: Actor, submission: Submission, started: float, lookups: Lookups) -> Prepared:
    """Check and route; reads only."""
    body, at = submission.body, now()
    check_body(body, at)
    force = lookups.in_force(body.task_type)
    if force is None:
        raise Refused(
            f"There is no task type “{body.task_type}”.",
            code="unknown_task_type",
            errors=[FieldProblem("/task_type", "Name a task type of this workspace.", "unknown_task_type")],
        )
    if not actor.sees_task_type(force.task_type.pk):
        raise Forbidden("This key is limited to other task types.", code="task_type_not_allowed")
    body = with_mode(body, force)
    submission = replace(submission, body=body)
    check_against(body, force)
    if body.prediction:
        register_model_version(task_type=force.task_type, name=body.prediction.model_version)
    looked_up = with_lookups(
        features_of(body),
        body,
        force.snapshot.policy,
        workspace_id=actor.workspace_id,
        task_type_id=force.task_type.pk,
    )
    if body.mode == "annotate":
        force = without_machine(force)
    features, checked = locally_checked(looked_up, force)
    routed = route_case(force, features, case_id=new_id(), subject=body.subject, at=at, live=body.mode in LIVE_MODES)
    ask = next_ask(features, routed.snapshot, routed.route, stopped=force.stop_reason is not None)
    return _assemble(actor, submission, force, Examined(features, routed, checked, ask), at, started, lookups)


@dataclass(frozen=True, slots=True)
class Examined:
    """A case validated and routed. `ask`: a model is to be asked first, so `routed` only says what holds without it."""

    features: Features
    routed: RoutedCase
    checked: tuple[Checked, ...]
    ask: Ask | None


def without_machine(force: InForce) -> InForce:
    """The same for a case that people label: no machine decides it."""
    return replace(force, stop_reason=force.stop_reason or "the case was sent to be annotated by people")


def _assemble(
    actor: Actor,
    submission: Submission,
    force: InForce,
    examined: Examined,
    at: datetime,
    started: float,
    lookups: Lookups,
) -> Prepared:
    body, ask, routed = submission.body, examined.ask, examined.routed
    route = routed.route
    case = _case_row(actor, submission, force, examined, at)
    link = resubmission_row(case, body.resubmits)
    routing = None if ask else routed.row
    decision, review, choice = None, None, None
    if case.status != Case.Status.SHADOW:
        decision = decision_row(case, route, at)
        soon = is_expedited(body.mode, examined.features, force.task_type)
        review, choice = review_row(case, route, at, lookups, soon=soon)
    if ask:  # a queue for it there is; the review comes with the answer
        review, choice = None, None
    case.queue_id = choice.id if choice else None
    panel = panel_rows(case, review, choice)
    out = case_out(
        case,
        task_type=force.task_type.slug,
        queue=choice.slug if choice else None,
        decision=decision,
        routing=routing,
        review=review,
        wait_s=estimated_wait_s(choice.id) if choice else None,
        latency_ms=(time.perf_counter() - started) * 1000,
    )
    message = None if ask else message_row(actor, case, route, out)
    rows = (
        case,
        _content_row(case, body),
        embedding_row(case, body.prediction),
        link,
        routing,
        *(() if ask else routed.shadows),
        decision,
        review,
        *panel,
        *machine_answer_rows(case, force.task_type, msgspec.to_builtins(body.prediction), at),
        *check_rows(case, examined.checked, at),
        ask_row(case, ask, examined.features, at) if ask else None,
        event_row(actor, case, route, routing, at, ask=ask),
        message,
        case_history(case, actor=actor, at=at, created=True),
    )
    return Prepared(case, tuple(r for r in rows if r is not None), out, message is not None, ask is not None)


def _content_row(case: Case, body: CaseIn) -> CaseContent:
    return new_row(
        CaseContent,
        case_id=case.pk,
        input=body.input,
        prediction=msgspec.to_builtins(body.prediction),
        key_evidence=body.key_evidence,
        evidence=body.evidence,
        proposed_action=msgspec.to_builtins(body.proposed_action),
        context=msgspec.to_builtins(body.context),
    )


def _case_row(actor: Actor, submission: Submission, force: InForce, examined: Examined, at: datetime) -> Case:
    body, route = submission.body, examined.routed.route
    assert actor.id is not None
    status = status_of(body.mode, route)
    if examined.ask and status != Case.Status.SHADOW:
        status = Case.Status.PENDING.value
    return new_row(
        Case,
        id=examined.routed.row.case_id,
        workspace_id=actor.workspace_id,
        task_type_id=force.task_type.pk,
        owner_id=actor.id,
        client_id=actor.client_id,
        submitted_by_id=actor.user_id,
        external_id=body.external_id,
        subject=body.subject,
        status=status,
        mode=str(body.mode),
        risk=route.risk.value,
        priority=route.priority,
        model_version=body.prediction.model_version if body.prediction else None,
        policy_version=examined.routed.policy_number,
        content_hash=content_hash(submission.raw) if body.external_id else b"",
        created_at=at,
        required_by=body.required_by and body.required_by.astimezone(UTC),  # PostgreSQL knows no ±23:59
        decided_at=at if status in (Case.Status.DECIDED, Case.Status.PROVISIONAL) else None,
    )


def status_of(mode: str | msgspec.UnsetType, route: Route) -> str:
    """Where a route puts a case of this mode."""
    if mode == "shadow":
        return Case.Status.SHADOW.value
    if route.action in _PERSON:
        return Case.Status.PENDING.value
    provisional = route.action is Action.AUTOMATE_AND_REVIEW
    return (Case.Status.PROVISIONAL if provisional else Case.Status.DECIDED).value


def decision_row(case: Case, route: Route, at: datetime) -> Decision | None:
    """The machine's unsaved decision; null where a person decides."""
    if case.status == Case.Status.PENDING:
        return None
    assert route.label is not None
    return new_row(
        Decision,
        workspace_id=case.workspace_id,
        case_id=case.pk,
        label=route.label,
        owner=Decision.Owner.SYSTEM.value,
        provisional=case.status == Case.Status.PROVISIONAL,
        reason=route.reason,
        created_at=at,
        effects_at=at,
    )


def review_row(
    case: Case, route: Route, at: datetime, lookups: Lookups, *, soon: bool
) -> tuple[ReviewTask | None, QueueChoice | None]:
    """The unsaved review this route needs, and its queue; `soon`: before any priority. Raises Refused `no_queue`."""
    audit = case.status == Case.Status.DECIDED
    if audit and not route.sampled:
        return None, None
    choice = lookups.choose_queue(
        task_type_id=case.task_type_id,
        tier_slug=route.review_tier or route.tier,
        open_to_see=route.action is Action.GATE,
    )
    if choice is None:
        raise Refused(
            "No queue takes this case: create one for its task type, or a general one, on a tier of people.",
            code="no_queue",
            errors=[FieldProblem("/task_type", "This task type has no queue.", "no_queue")],
        )
    review = new_review(case, choice, kind=ReviewTask.Kind.AUDIT if audit else ReviewTask.Kind.FIRST, at=at)
    if soon and not audit:
        review.urgent_at = at
    note_waiting(choice.id, review)
    return review, choice


def is_expedited(mode: str | msgspec.UnsetType, features: Features, task_type: TaskType) -> bool:
    """Somebody waits on the line, it was appealed, or it spreads as fast as the task type declares (mission C8)."""
    if mode == "inline" or features.latency_tolerance is LatencyTolerance.STANDBY or features.has_appeal:
        return True
    limit = task_type.expedite_virality
    return limit is not None and features.virality >= limit


def event_row(
    actor: Actor,
    case: Case,
    route: Route,
    routing: RoutingDecision | None,
    at: datetime,
    *,
    ask: Ask | None = None,
    action: str = "case.submitted",
) -> Model:
    """What happened to the case: decided by the machine, or else `action`; `ask`: a model is asked first."""
    action = "case.decided" if case.status == Case.Status.DECIDED else action
    after: dict[str, Any] = {"status": case.status}
    if routing is not None:
        after |= {
            "action": route.action.value,
            "label": route.label,
            "routing": str(routing.pk),
            "selection_probability": route.selection_probability,
        }
    if ask is not None:
        after |= {"asking": {"kind": ask.kind, "name": ask.name, "endpoint": ask.endpoint}}
    versions = {
        "policy": case.policy_version,
        "calibration": route.calibration_version,
        "model": case.model_version,
    }
    change = Change(after=after, reason="" if ask else route.reason, versions=versions)
    return build_event(actor=actor, action=action, subject=Subject("case", case.pk, case.pk), change=change, at=at)


_MESSAGES = {Case.Status.DECIDED: "case.decided", Case.Status.PROVISIONAL: "case.provisional"}


def message_row(actor: Actor, case: Case, route: Route, out: CaseOut) -> OutboxMessage | None:
    """What partners are told of this route; null while a person is awaited."""
    kind = _MESSAGES.get(Case.Status(case.status))
    if case.status == Case.Status.PENDING and route.action is Action.ESCALATE:
        kind = "case.escalated"
    if kind is None:
        return None
    return build_message(actor=actor, type=kind, payload=msgspec.to_builtins(out), case_id=case.pk)
