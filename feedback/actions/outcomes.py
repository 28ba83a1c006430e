"""Outcomes: what cases turned out to be, often weeks later and sometimes more than once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import Signal
from feedback.selectors import winning_outcome
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now, rfc3339
from hitl.core.errors import FieldProblem, Forbidden, InvalidInput, Refused
from hitl.core.permissions import Scope
from reviews.models import Case

CLOCK_TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """`counts`: it is the one that wins now (latest observed, then last arrived)."""

    signal: Signal
    counts: bool


@transaction.atomic
def record_outcome(
    *,
    actor: Actor,
    case: Case,
    label: str,
    observed_at: datetime,
    source: str = "",
    details: Mapping[str, Any] | None = None,
) -> RecordedOutcome:
    """Keep one statement of what `case` (with its task type) turned out to be; every one is kept, the latest wins.

    Raises Refused `unknown_label`, and InvalidInput for a time more than five minutes ahead or before 1970.
    """
    _authorise(actor, case)
    observed_at = _in_utc(observed_at)
    _check(case, label, observed_at)
    signal = Signal(
        workspace_id=case.workspace_id,
        case=case,
        source=Signal.Source.OUTCOME,
        user_id=actor.user_id,
        origin=source,
        label=label,
        details=dict(details or {}),
        observed_at=observed_at,
        created_at=now(),
    )
    signal.save(force_insert=True)
    after = {"label": label, "observed_at": rfc3339(observed_at), "source": source}
    record_event(
        actor=actor,
        action="outcome.recorded",
        subject=Subject("outcome", signal.pk, case.pk),
        change=Change(after=after, versions={"model": case.model_version, "policy": case.policy_version}),
    )
    winner = winning_outcome(case.pk)
    return RecordedOutcome(signal, counts=winner is not None and winner.pk == signal.pk)


def _authorise(actor: Actor, case: Case) -> None:
    if actor.kind is not ActorKind.SYSTEM and Scope.OUTCOMES_WRITE not in actor.scopes:
        raise Forbidden("The scope `outcomes:write` is needed here.", code="scope_required")
    if case.workspace_id != actor.workspace_id:
        raise Forbidden()


def _in_utc(value: datetime) -> datetime:
    """PostgreSQL refuses some offsets that RFC 3339 allows; the moment is what counts."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return value.replace(tzinfo=UTC)  # beyond the calendar's ends: refused as future or as too early all the same


def _check(case: Case, label: str, observed_at: datetime) -> None:
    if observed_at > now() + CLOCK_TOLERANCE:
        raise InvalidInput(
            errors=[FieldProblem("/observed_at", "An outcome cannot be observed in the future.", "in_the_future")]
        )
    if observed_at < EARLIEST:
        raise InvalidInput(errors=[FieldProblem("/observed_at", "Give a time after 1970.", "out_of_range")])
    if label not in case.task_type.label_values:
        raise Refused(
            f"“{label}” is not a label of this task type.",
            code="unknown_label",
            errors=[FieldProblem("/label", "Give one of the task type's labels.", "unknown_label")],
        )
