"""Suggest to train a model version anew, on a data set that is written down; a person answers (mission F8)."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection, transaction

from audit.actions.events import Change, Subject, build_message, record_event
from feedback.access import visible_suggestions
from feedback.learning_settings import RetrainingSettings, settings_or_defaults
from feedback.models import DatasetExample, DatasetVersion, Regime, RetrainingSuggestion
from feedback.retraining_data import TrainingSet, recent_set, representative_set
from feedback.retraining_payloads import suggestion_out
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, FieldProblem, Forbidden, NotFound, Refused
from hitl.core.permissions import Permission
from routing.models import TaskType

_MOST_WORDS = 2_000


@transaction.atomic
def suggest_retraining(
    *,
    actor: Actor,
    task_type: TaskType,
    model_version: str,
    trigger: str,
    reason: str,
    figures: Mapping[str, Any] | None = None,
    regime: Regime = Regime.RECENT,
    at: datetime | None = None,
) -> RetrainingSuggestion | None:
    """Suggest it once: with a new data set, an event and the webhook `retraining.suggested`.

    Null where the task type does not want it, where the same regime was suggested for this model version less than
    `quiet_days` ago, or where there is no label to train on; noticing the same again is therefore safe. `figures`:
    plain JSON behind the `reason`. `trigger`: one of RetrainingSuggestion.Trigger. Raises Forbidden: only hitl itself
    and who may write policies may suggest.
    """
    actor.require(Permission.WRITE_POLICIES)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise Forbidden()
    settings, at = settings_or_defaults(task_type).retraining, at or now()
    silent_from = at - timedelta(days=settings.quiet_days)
    if not settings.enabled or _was_suggested(task_type, model_version, regime, silent_from):
        return None
    found = _training_set(task_type, model_version, regime, settings, at)
    if not found.examples:
        return None
    suggestion = RetrainingSuggestion.objects.create(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        model_version=model_version,
        regime=regime,
        trigger=trigger,
        reason=reason,
        figures=dict(figures or {}),
        dataset=_store(task_type, regime, found, at),
        created_at=at,
    )
    told = msgspec.to_builtins(suggestion_out(suggestion))
    record_event(
        actor=actor,
        action="retraining.suggested",
        subject=Subject("retraining", suggestion.pk),
        change=Change(after=told, reason=reason[:_MOST_WORDS], versions={"model": model_version}),
        at=at,
    )
    build_message(actor=actor, type="retraining.suggested", payload=told).save(force_insert=True)
    ring("delivery.relay_outbox")
    return suggestion


@transaction.atomic
def answer_suggestion(*, actor: Actor, suggestion_id: uuid.UUID, status: str, reason: str) -> RetrainingSuggestion:
    """A person acknowledges or dismisses it, and says why.

    Raises Forbidden, NotFound, Refused (`reason_required`), Conflict (`wrong_status`).
    """
    actor.require(Permission.WRITE_POLICIES)
    if actor.kind is not ActorKind.USER:
        raise Forbidden("A person must do this.")
    found = visible_suggestions(actor).select_for_update(of=("self",)).filter(pk=suggestion_id).first()
    if found is None:
        raise NotFound()
    if not (reason := reason.strip()[:_MOST_WORDS]):
        problem = FieldProblem("/reason", "Say why.", "reason_required")
        raise Refused("Say why.", code="reason_required", errors=[problem])
    before = found.status
    if status not in RetrainingSuggestion.TRANSITIONS[before]:
        raise Conflict("This suggestion was answered already.", code="wrong_status")
    found.status, found.answer, found.answered_at, found.answered_by_id = status, reason, now(), actor.user_id
    found.save(update_fields=["status", "answer", "answered_at", "answered_by"])
    record_event(
        actor=actor,
        action=f"retraining.{status}",
        subject=Subject("retraining", found.pk),
        change=Change({"status": before}, {"status": status}, reason, {"model": found.model_version}),
    )
    return found


def _was_suggested(task_type: TaskType, model_version: str, regime: Regime, since: datetime) -> bool:
    """Under a lock to the end of the transaction, so that of two who notice at once the second finds the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"feedback.retraining:{task_type.pk}"])
    rows = RetrainingSuggestion.objects.filter(task_type=task_type, model_version=model_version, regime=regime)
    return rows.filter(created_at__gt=since).exists()


def _training_set(
    task_type: TaskType, model_version: str, regime: Regime, settings: RetrainingSettings, at: datetime
) -> TrainingSet:
    if regime is Regime.REPRESENTATIVE:
        since = at - timedelta(days=settings.representative_days)
        return representative_set(task_type, since=since, as_of=at, size=settings.representative_size)
    since = at - timedelta(days=settings.window_days)
    return recent_set(task_type, model_version, since=since, as_of=at, size=settings.recent_size)


def _store(task_type: TaskType, regime: Regime, found: TrainingSet, at: datetime) -> DatasetVersion:
    """The data set; one that holds exactly the same is taken again."""
    same = DatasetVersion.objects.filter(task_type=task_type, regime=regime, hash=found.hash).first()
    if same is not None:
        return same
    dataset = DatasetVersion.objects.create(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        regime=regime,
        query=found.query,
        as_of=at,
        count=len(found.examples),
        hash=found.hash,
    )
    DatasetExample.objects.bulk_create(
        (
            DatasetExample(
                workspace_id=task_type.workspace_id,
                dataset=dataset,
                case_id=e.case_id,
                label=e.label,
                weight=e.weight,
                sampling_weight=e.sampling_weight,
            )
            for e in found.examples
        ),
        batch_size=1_000,
    )
    return dataset
