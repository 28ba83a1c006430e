"""Recalibrate a task type: fit, certify, and propose a policy version to a person. Worker only: imports numpy."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit.actions.events import build_message
from feedback.actions.calibrations import Calibrations, calibrations_for, store_calibrations
from feedback.certified import certified_jointly
from feedback.fitting import FittedSource, NotFitted, fit_sources
from feedback.models import RecalibrationRun, ThresholdStudy
from feedback.proposals import ModelProposal, SourceProposal, proposed_document, scale
from feedback.selectors import labelled_predictions
from feedback.study_payloads import study_result
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from hitl.core.enqueue import ring
from routing.actions.automatic import apply_within_bounds
from routing.actions.policies import propose_version
from routing.engine.document import decode_document
from routing.engine.dynamic import DynamicThresholds
from routing.models import PolicyVersion, TaskType

Result = RecalibrationRun.Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, before it is written down."""

    result: RecalibrationRun.Result
    detail: str
    policy_version_id: uuid.UUID | None = None


def recalibrate(
    *, task_type: TaskType, trigger: str, request: RecalibrationRun | None = None
) -> RecalibrationRun | None:
    """Fit every model of `task_type` on its labels and propose the result as a draft policy version.

    Single-flight per task type: null when another process is at it. Repeating it without newer data proposes nothing
    again. `request`: the row of a person's request, which then takes the result. Fitting holds no transaction.
    """
    with _single_flight(task_type) as mine:
        if not mine or (request is not None and not _still_waiting(request)):
            return None
        started = now()
        predictions = labelled_predictions(task_type.pk)
        active = (
            PolicyVersion.objects.filter(policy__task_type=task_type, status="active").select_related("policy").first()
        )
        if active is None:
            outcome = Outcome(Result.FAILED, "No policy version is active, so there is nothing to build on.")
            return record_run(task_type, trigger, outcome, len(predictions), started, request)
        dynamic = decode_document(active.document).dynamic
        fitted, refused = fit_sources(predictions, max_error=task_type.error_budget, dynamic=dynamic)
        with transaction.atomic():
            outcome = _propose(task_type, trigger, active, fitted, refused, dynamic)
            return record_run(task_type, trigger, outcome, len(predictions), started, request)


def record_run(
    task_type: TaskType,
    trigger: str,
    outcome: Outcome,
    labels_seen: int,
    started: datetime,
    request: RecalibrationRun | None,
) -> RecalibrationRun:
    """Write down what came of a run, on the request's row where a person asked for it."""
    run = request or RecalibrationRun(
        workspace_id=task_type.workspace_id, task_type=task_type, trigger=trigger, created_at=started
    )
    run.result, run.detail, run.labels_seen = outcome.result, outcome.detail, labels_seen
    run.policy_version_id, run.finished_at = outcome.policy_version_id, now()
    run.save()
    return run


def _still_waiting(request: RecalibrationRun) -> bool:
    return RecalibrationRun.objects.filter(pk=request.pk, result=Result.REQUESTED).exists()


@contextmanager
def _single_flight(task_type: TaskType) -> Iterator[bool]:
    """A lock of the session, not of a transaction: fitting may take longer than a transaction may idle."""
    key = f"feedback.recalibrate:{task_type.pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        mine: bool = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _propose(
    task_type: TaskType,
    trigger: str,
    active: PolicyVersion,
    fitted: Sequence[FittedSource],
    refused: Sequence[NotFitted],
    dynamic: DynamicThresholds | None,
) -> Outcome:
    if not fitted:
        reasons = [f"{r.model_version} ({r.confidence_source}): {r.reason}." for r in refused]
        return Outcome(Result.NOT_ENOUGH, " ".join(reasons) or "There are no labelled predictions yet.")
    actor = system_actor(task_type.workspace_id, "recalibration")
    calibrations = calibrations_for(actor, task_type, fitted)
    document = proposed_document(active.document, _by_model(fitted, calibrations))
    known = _same_proposal(active, document)
    if known is not None:
        if dynamic is not None and not certified_jointly(task_type.pk, document, dynamic):
            for each in zip(fitted, calibrations, strict=True):
                _store_study(task_type, *each, dynamic)
        return Outcome(Result.UNCHANGED, f"Version {known.number} ({known.status}) already says the same.", known.pk)
    for calibration in calibrations:
        store_calibrations(actor, calibration)
    studies = [_store_study(task_type, *each, dynamic) for each in zip(fitted, calibrations, strict=True)]
    described = [_described(*each) for each in zip(fitted, calibrations, studies, strict=True)]
    shown = [
        about | {"considered": source.metrics["slices"]} | row.result
        for source, about, row in zip(fitted, described, studies, strict=True)
    ]
    note = "\n".join(_sentence(s) for s in fitted)
    version = propose_version(actor=actor, policy=active.policy, document=document, note=note, study={"studies": shown})
    kept = apply_within_bounds(actor=actor, version=version)
    _announce(actor, task_type, version, trigger=trigger, kept=kept, models=described)
    effect = "In force, inside the bounds of the version before." if kept is None else kept
    return Outcome(Result.PROPOSED, f"{note}\n{effect}", version.pk)


def _by_model(fitted: Sequence[FittedSource], calibrations: Sequence[Calibrations]) -> list[ModelProposal]:
    models: dict[str, list[SourceProposal]] = defaultdict(list)
    for source, calibration in zip(fitted, calibrations, strict=True):
        models[source.model_version].append(
            SourceProposal(
                source.confidence_source, calibration.parent.version, source.study.certified, calibration.slices
            )
        )
    return [ModelProposal(name, tuple(sources)) for name, sources in sorted(models.items())]


def _same_proposal(active: PolicyVersion, document: dict[str, Any]) -> PolicyVersion | None:
    """A version in force, waiting or refused that already holds this document: nothing new would be proposed."""
    wanted = decode_document(document)
    known = PolicyVersion.objects.filter(policy_id=active.policy_id).exclude(status="retired")
    return next((v for v in known.order_by("-number")[:50] if decode_document(v.document) == wanted), None)


def _store_study(
    task_type: TaskType, source: FittedSource, calibration: Calibrations, dynamic: DynamicThresholds | None
) -> ThresholdStudy:
    return ThresholdStudy.objects.create(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        model_version=source.model_version,
        calibrations=[
            scale(source.model_version, source.confidence_source, calibration.parent.version, calibration.slices)
        ],
        max_error=source.study.max_error,
        peak_error=dynamic.peak_error if dynamic else None,
        delta=dynamic.delta if dynamic else source.study.delta,
        n=source.study.n,
        result=study_result(source.study, source.peak),
        created_at=now(),
    )


def _described(source: FittedSource, calibration: Calibrations, row: ThresholdStudy) -> dict[str, Any]:
    """What the proposal and its message say of one source; the curve is only in the study."""
    study = source.study
    return {
        "model_version": source.model_version,
        "confidence_source": source.confidence_source,
        "calibration_version": calibration.parent.version,
        "slices": [dict(each) for each in calibration.slices],
        "method": calibration.parent.method,
        "n_fit": calibration.parent.n,
        "n": study.n,
        "max_error": study.max_error,
        "delta": study.delta,
        "threshold_study": str(row.pk),
        "guaranteed_threshold": study.guaranteed_threshold,
        "naive_threshold": study.naive_threshold,
        "attainable": study.attainable,
        "reason": study.reason,
        "labels_needed": study.labels_needed,
        "ece_before": source.metrics["before"]["ece"],
        "ece_after": source.metrics["after"]["ece"],
    }


def _sentence(source: FittedSource) -> str:
    about = f"{source.model_version} ({source.confidence_source}): {source.map.method} fitted on {source.map.n} labels"
    if source.slices:
        about += f", and maps of their own for {', '.join(str(f.slice) for f in source.slices)}"
    study = source.study
    if study.guaranteed_threshold is None:
        return f"{about}; the machine does not decide. {study.reason}"
    return f"{about}; automates from {study.guaranteed_threshold}, certified on {study.n} others."


def _announce(
    actor: Actor,
    task_type: TaskType,
    version: PolicyVersion,
    *,
    trigger: str,
    kept: str | None,
    models: Sequence[dict[str, Any]],
) -> None:
    """`calibration.proposed`: what was fitted, and whether it waits for a person (`kept`: why) or is in force."""
    payload = {
        "task_type": task_type.slug,
        "policy": version.policy.slug,
        "policy_version": version.number,
        "trigger": trigger,
        "in_force": kept is None,
        "needs_approval": kept,
        "models": list(models),
    }
    build_message(actor=actor, type="calibration.proposed", payload=payload).save(force_insert=True)
    ring("delivery.relay_outbox")
