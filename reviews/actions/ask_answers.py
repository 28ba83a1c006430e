"""Go on with a case once a model has answered, or did not: ask the next one, or route it at last."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import db_now
from hitl.core.enqueue import ring
from hitl.core.rows import insert_rows
from reviews.actions.ask_rows import ask_row
from reviews.actions.intake import (
    LIVE_MODES,
    Lookups,
    decision_row,
    event_row,
    is_expedited,
    message_row,
    review_row,
    status_of,
)
from reviews.actions.opening import panel_rows
from reviews.answers import machine_answer_rows
from reviews.asked import with_prediction, with_verdict
from reviews.history import case_history
from reviews.models import Case, CaseContent, PendingAsk, ValidationResult
from reviews.payloads import case_out
from reviews.selectors import estimated_wait_s
from reviews.structs import PredictionIn
from routing.actions.models import register_model_version
from routing.asks import next_ask
from routing.decisions import RoutedCase, route_case
from routing.engine.features import Features
from routing.model_client import Reply
from routing.selectors import in_force


def go_on(*, case: Case, content: CaseContent, ask: PendingAsk, reply: Reply) -> None:
    """Record the answer and take the case one step further; the caller holds both rows locked in a transaction."""
    at = db_now()
    actor = system_actor(case.workspace_id, "cascade")
    features = Features.from_json(ask.features | {"input": content.input})
    if ask.kind == "judge":
        features = with_verdict(features, ask.key, reply)
    else:
        features, reply = _with_prediction(features, case, content, reply)
    insert_rows(_result(case, ask, reply, at), _answered(actor, case, ask, reply, at))
    _route(actor, case, content, ask, features, failed=reply.outcome == "error", at=at)


def _route(
    actor: Actor, case: Case, content: CaseContent, ask: PendingAsk, features: Features, *, failed: bool, at: datetime
) -> None:
    """With what is in force now: a rollback or a stop button counts for cases that are still being asked about."""
    force = in_force(case.workspace_id, case.task_type.slug)
    assert force is not None
    routed = route_case(force, features, case_id=case.pk, subject=case.subject, at=at, live=case.mode in LIVE_MODES)
    asked = [*ask.asked, ask.name] if ask.kind == "adapter" else ask.asked
    lost = ask.kind == "adapter" and failed  # an adapter that failed is not replaced by another: a person decides
    found = None
    if not lost:
        stopped = force.stop_reason is not None
        found = next_ask(features, routed.snapshot, routed.route, stopped=stopped, asked=asked)
    PendingAsk.objects.filter(pk=case.pk).delete()
    if found is not None:
        insert_rows(ask_row(case, found, features, at, asked))
        ring("reviews.ask_models")
        return
    _settle(actor, case, features, routed, at)


def _settle(actor: Actor, case: Case, features: Features, routed: RoutedCase, at: datetime) -> None:
    """The route as it would have been at submission, made now: decision or review, event, history and message."""
    route, routing = routed.route, routed.row
    case.status = status_of(case.mode, route)
    case.risk, case.priority = route.risk.value, route.priority
    case.policy_version = routed.policy_number
    case.model_version = features.model_version
    decision, review, choice = None, None, None
    if case.status != Case.Status.SHADOW:
        decision = decision_row(case, route, at)
        soon = is_expedited(case.mode, features, case.task_type)
        review, choice = review_row(case, route, at, Lookups(actor), soon=soon)
    case.decided_at = at if decision else None
    case.queue_id = choice.id if choice else None
    names = ("status", "risk", "priority", "policy_version", "model_version", "decided_at", "queue_id")
    Case.objects.filter(pk=case.pk).update(**{name: getattr(case, name) for name in names})
    panel = panel_rows(case, review, choice)
    out = case_out(
        case,
        task_type=case.task_type.slug,
        queue=choice.slug if choice else None,
        decision=decision,
        routing=routing,
        review=review,
        wait_s=estimated_wait_s(choice.id) if choice else None,
    )
    rows = (
        routing,
        *routed.shadows,
        decision,
        *panel,
        *machine_answer_rows(case, case.task_type, case.content.prediction, at),
        review,
        event_row(actor, case, route, routing, at, action="case.routed"),
        message_row(actor, case, route, out),
        case_history(case, actor=actor, at=at, reason="case.routed"),
    )
    insert_rows(*(row for row in rows if row is not None))
    ring("delivery.relay_outbox")


def _with_prediction(features: Features, case: Case, content: CaseContent, reply: Reply) -> tuple[Features, Reply]:
    """The features with the adapter's prediction, which is stored with the case; null where it failed."""
    found = with_prediction(features, reply, case.task_type.label_values)
    _store(content, found.prediction)
    if found.prediction is None:
        return found.features, replace(reply, outcome="error", detail=found.problem)
    register_model_version(task_type=case.task_type, name=found.prediction.model_version)
    return found.features, replace(reply, outcome="pass")


def _store(content: CaseContent, prediction: PredictionIn | None) -> None:
    content.prediction = msgspec.to_builtins(prediction)
    content.save(update_fields=["prediction"])


def _result(case: Case, ask: PendingAsk, reply: Reply, at: datetime) -> ValidationResult:
    return ValidationResult(
        workspace_id=case.workspace_id,
        case_id=case.pk,
        task_type_id=case.task_type_id,
        layer=ask.name,
        kind=ask.kind,
        endpoint=ask.endpoint,
        outcome=reply.outcome,
        detail=reply.detail,
        cost=ask.spent,
        latency_ms=round(reply.latency_ms, 3),
        attempts=ask.attempts,
        policy_version=case.policy_version,
        created_at=at,
    )


def _answered(actor: Actor, case: Case, ask: PendingAsk, reply: Reply, at: datetime) -> Any:
    after: dict[str, Any] = {"kind": ask.kind, "name": ask.name, "endpoint": ask.endpoint, "outcome": reply.outcome}
    after |= {"cost": ask.spent, "attempts": ask.attempts}
    subject = Subject("case", case.pk, case.pk)
    change = Change(after=after, reason=reply.detail[:500])
    return build_event(actor=actor, action="case.validated", subject=subject, change=change, at=at)
