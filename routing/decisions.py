"""One case routed: the decision that takes effect and, beside it, what each version in shadow would have done.

Rows are made here and written by whoever accepts the case, in the same transaction.
"""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from hitl.core.rows import new_row
from routing.engine.canary import Decided, decide
from routing.engine.features import Features
from routing.engine.policy import Snapshot
from routing.engine.replay import case_draw, replay_one
from routing.engine.route import Action, Route
from routing.models import RoutingDecision, ShadowDecision
from routing.selectors import InForce

logger = logging.getLogger(__name__)
_PERSON = (Action.REVIEW, Action.ESCALATE, Action.GATE, Action.AUTOMATE_AND_REVIEW)


@dataclass(frozen=True, slots=True)
class RoutedCase:
    """The route in effect, the number of the version that made it (null: none was in force), and the rows.

    `snapshot`: that version ready to run, with what else decided.
    """

    route: Route
    policy_number: int | None
    row: RoutingDecision
    shadows: tuple[ShadowDecision, ...]
    snapshot: Snapshot


def route_case(
    force: InForce, features: Features, *, case_id: uuid.UUID, subject: str | None, at: datetime, live: bool
) -> RoutedCase:
    """Decide a case under what is in force. subject: keeps to one version while a canary runs; else the case does.

    live: it will take effect, so the shadows are asked too.
    """
    unit = case_id.hex if subject is None else f"subject:{subject}"
    decided = decide(
        features, force.snapshot, str(case_id), canary=force.canary, unit=unit, stop_reason=force.stop_reason
    )
    snapshot = force.canary.snapshot if force.canary and decided.by_canary else force.snapshot
    row = _live_row(force, features, decided, case_id, at)
    shadows = tuple(_shadow_rows(force, features, decided.route, row)) if live else ()
    return RoutedCase(decided.route, snapshot.policy.version or None, row, shadows, snapshot)


def reviewed(route: Route) -> bool:
    """Whether a person sees the case under this route."""
    return route.sampled or route.action in _PERSON


def _live_row(
    force: InForce, features: Features, decided: Decided, case_id: uuid.UUID, at: datetime
) -> RoutingDecision:
    snapshot = features.to_json()
    del snapshot["input"]  # kept once, with the case's content; replay joins it
    return new_row(
        RoutingDecision,
        workspace_id=force.task_type.workspace_id,
        case_id=case_id,
        policy_version_id=force.canary_version_id if decided.by_canary else force.policy_version_id,
        version_probability=decided.version_probability,
        version_selection=decided.version_selection,
        features=snapshot,
        draw=case_draw(force.snapshot, str(case_id)),
        adjustment_ids=[] if decided.by_canary else list(force.adjustment_ids),
        created_at=at,
        **_columns(decided.route),
    )


def _shadow_rows(force: InForce, features: Features, live: Route, row: RoutingDecision) -> Iterator[ShadowDecision]:
    for version_id, snapshot in force.shadows:
        try:
            route = replay_one(features, snapshot, str(row.case_id), stop_reason=force.button_reason)
        except Exception:  # whatever a shadow does, the live case goes on
            logger.exception("shadow_failed", extra={"policy_version": str(version_id)})
            continue
        yield new_row(
            ShadowDecision,
            workspace_id=row.workspace_id,
            case_id=row.case_id,
            policy_version_id=version_id,
            label=features.label,
            reviewed=reviewed(route),
            live_action=live.action.value,
            live_tier=live.tier,
            live_reviewed=reviewed(live),
            draw=case_draw(snapshot, str(row.case_id)),
            created_at=row.created_at,
            **_columns(route),
        )


def _columns(route: Route) -> dict[str, Any]:
    return {
        "action": route.action.value,
        "zone": route.zone.value,
        "risk": route.risk.value,
        "tier": route.tier,
        "reason": route.reason,
        "rule": route.rule,
        "calibrated_confidence": route.calibrated_confidence,
        "calibration_version": route.calibration_version,
        "threshold": route.threshold,
        "priority": route.priority,
        "priority_breakdown": msgspec.to_builtins(route.priority_breakdown),
        "selection_probability": route.selection_probability,
        "action_propensity": route.action_propensity,
        "sampled": route.sampled,
        "trace": msgspec.to_builtins(route.trace),
    }
