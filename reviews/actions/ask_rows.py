"""Rows of a case that is being validated: what computed layers said, and what is asked of a model."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reviews.models import Case, PendingAsk, ValidationResult
from routing.asks import Ask
from routing.engine.features import Features
from routing.engine.layers import Checked, check_locally
from routing.selectors import InForce


def locally_checked(features: Features, force: InForce) -> tuple[Features, tuple[Checked, ...]]:
    """The features with what the computed layers of the cascade say of them."""
    layers = force.snapshot.policy.cascade
    if not layers:
        return features, ()
    checked = check_locally(layers, features.input or {}, time.perf_counter)
    return replace(features, validations=tuple(done.said for done in checked)), checked


def check_rows(case: Case, checked: Sequence[Checked], at: datetime) -> list[ValidationResult]:
    """Unsaved results of the computed layers, which cost nothing but time."""
    return [
        ValidationResult(
            workspace_id=case.workspace_id,
            case_id=case.pk,
            task_type_id=case.task_type_id,
            layer=done.compiled.layer.name,
            kind=done.compiled.kind,
            outcome=done.said.outcome,
            detail=done.said.detail,
            cost=0.0,
            latency_ms=round(done.latency_s * 1000, 3),
            policy_version=case.policy_version,
            created_at=at,
        )
        for done in checked
    ]


def ask_row(case: Case, ask: Ask, features: Features, at: datetime, asked: Sequence[str] = ()) -> PendingAsk:
    """An unsaved question, to be asked at once. At `due_at` a person gets the case, with half of required-by left."""
    due = at + timedelta(seconds=ask.deadline_s)
    if case.required_by is not None:
        due = min(due, at + max(case.required_by - at, timedelta(0)) / 2)
    stored = features.to_json()
    del stored["input"]
    return PendingAsk(
        case_id=case.pk,
        workspace_id=case.workspace_id,
        kind=ask.kind,
        name=ask.name,
        endpoint=ask.endpoint,
        key=ask.key,
        spec=ask.spec,
        request=ask.request,
        features=stored,
        asked=list(asked),
        next_attempt_at=at,
        due_at=due,
        created_at=at,
    )
