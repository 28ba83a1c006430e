"""Learn where people overrule the machine, and propose a policy version that asks first. Worker only: imports numpy."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.disagreement_data import judged_predictions
from feedback.disagreement_fit import FittedDisagreement, JudgedCase, NotEnough, fit_disagreement, matrix_of
from feedback.disagreement_regions import find_regions_of_disagreement
from feedback.models import DisagreementRun
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from hitl.delivery.single_flight import single_flight
from routing.actions.policies import propose_version
from routing.engine.disagreement import Column, DisagreementRef
from routing.models import DisagreementModel, PolicyVersion, TaskType

Result = DisagreementRun.Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, before it is written down."""

    result: DisagreementRun.Result
    detail: str
    version: PolicyVersion | None = None


def train_disagreement(*, task_type: TaskType, trigger: str) -> DisagreementRun | None:
    """Fit on the judged predictions of `task_type`; a model better than chance is kept and proposed as a draft.

    Single-flight per task type: null while another process is at it. The same judgements propose nothing twice.
    Fitting holds no transaction.
    """
    with single_flight(f"feedback.disagreement:{task_type.pk}") as free:
        if not free:
            return None
        started = now()
        cases = judged_predictions(task_type)
        fitted = fit_disagreement(cases, task_type.label_values)
        if isinstance(fitted, FittedDisagreement):
            fitted.metrics["regions"] = regions_of(cases, fitted, task_type.label_values)
        with transaction.atomic():
            outcome = _settle(task_type, fitted)
            return record_run(task_type, trigger, outcome, len(cases), started)


def record_run(task_type: TaskType, trigger: str, outcome: Outcome, judged: int, started: datetime) -> DisagreementRun:
    """Write down what came of a run."""
    return DisagreementRun.objects.create(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        trigger=trigger,
        result=outcome.result,
        detail=outcome.detail,
        judged=judged,
        policy_version_id=outcome.version.pk if outcome.version else None,
        created_at=started,
        finished_at=now(),
    )


def regions_of(cases: list[JudgedCase], fitted: FittedDisagreement, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Where it happens, on the cases chance chose, as plain JSON."""
    drawn = [case for case in cases if case.random]
    columns = msgspec.convert(fitted.trees["columns"], tuple[Column, ...])
    found = find_regions_of_disagreement(
        [case.key for case in drawn],
        matrix_of(drawn, columns, labels),
        np.array([case.overruled for case in drawn], dtype=bool),
        np.array([case.weight for case in drawn]),
        columns,
    )
    plain: list[dict[str, Any]] = msgspec.to_builtins(found)
    return plain


def _settle(task_type: TaskType, fitted: FittedDisagreement | NotEnough) -> Outcome:
    if isinstance(fitted, NotEnough):
        return Outcome(Result.NOT_ENOUGH, fitted.reason)
    auc = "AUC {auc:.2f} ({auc_low:.2f}–{auc_high:.2f}), out of fold".format(**fitted.metrics)
    if fitted.metrics["auc_low"] <= 0.5:
        return Outcome(Result.NO_BETTER, f"{auc}: it does not tell who will be overruled.")
    last = DisagreementModel.objects.filter(task_type=task_type).order_by("-version").first()
    if last is not None and (last.trees, last.calibration) == (fitted.trees, fitted.mapping.to_json()):
        return Outcome(Result.UNCHANGED, f"Model {last.version} already says the same.")
    actor = system_actor(task_type.workspace_id, "disagreement model")
    model = _store(actor, task_type, fitted, (last.version if last else 0) + 1)
    note = f"Disagreement model {model.version} from {model.n} judged predictions, {model.overruled} overruled; {auc}."
    return _propose(actor, task_type, model, note)


def _store(actor: Actor, task_type: TaskType, fitted: FittedDisagreement, version: int) -> DisagreementModel:
    model = DisagreementModel(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        version=version,
        trees=fitted.trees,
        calibration=fitted.mapping.to_json(),
        n=fitted.n,
        overruled=fitted.overruled,
        metrics=fitted.metrics,
        created_at=now(),
    )
    model.save(force_insert=True)
    after = {"version": version, "n": model.n, "overruled": model.overruled, "auc": fitted.metrics["auc"]}
    subject = Subject("disagreementmodel", model.pk)
    record_event(actor=actor, action="disagreement.fitted", subject=subject, change=Change(after=after))
    return model


def _propose(actor: Actor, task_type: TaskType, model: DisagreementModel, note: str) -> Outcome:
    """The policy in force with this model pinned, as a draft that another person approves; its threshold stays."""
    active = PolicyVersion.objects.filter(policy__task_type=task_type, status="active").select_related("policy").first()
    if active is None:
        return Outcome(Result.UNCHANGED, f"{note} No policy version is active, so nothing was proposed.")
    threshold = (active.document.get("disagreement") or {}).get("threshold", DisagreementRef(model=1).threshold)
    document = {**active.document, "disagreement": {"model": model.version, "threshold": threshold}}
    version = propose_version(actor=actor, policy=active.policy, document=document, note=note)
    return Outcome(Result.PROPOSED, note, version)
