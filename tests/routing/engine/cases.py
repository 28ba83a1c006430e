"""A case, a task type, tiers and a policy that automate, for tests to change one thing at a time."""

from typing import Any

from routing.engine.adjustments import Adjustments
from routing.engine.calibration import CalibrationMap, CalibrationMethod
from routing.engine.document import decode_document
from routing.engine.evaluate import evaluate
from routing.engine.features import Features
from routing.engine.policy import Snapshot, compile_policy
from routing.engine.route import RiskLevel, Route
from routing.engine.specs import TaskSpec, TierSpec

FITTED = CalibrationMap(CalibrationMethod.IDENTITY, {}, 3, 500)
TIERS = (
    TierSpec(slug="machine", rank=0, automated=True),
    TierSpec(slug="tier-1", rank=1, max_complexity=0.6),
    TierSpec(slug="tier-2", rank=2, max_complexity=0.85, expertise=frozenset({"credit"}), max_error_cost=1_000_000),
    TierSpec(slug="expert", rank=3, expertise=frozenset({"credit", "law"})),
)
NEVER_DRAWN, ALWAYS_DRAWN = 0.999, 0.0


def features(**changes: Any) -> Features:
    """Sure of `approve`, of a model with a fitted calibration."""
    return Features(**{"label": "approve", "confidence": 0.97, "model_version": "m-1"} | changes)


def snapshot(
    policy: dict[str, Any] | None = None,
    *,
    fitted: bool = True,
    tiers: tuple[TierSpec, ...] = TIERS,
    adjustments: Adjustments | None = None,
    **task: Any,
) -> Snapshot:
    """A low-risk reversible task type under a policy with one fitted calibration and the changes given."""
    in_force = [{"model_version": "m-1", "confidence_source": "probability", "version": 3}]
    document = decode_document({"calibrations": in_force} | (policy or {}))
    maps = {("m-1", "probability"): FITTED} if fitted else {}
    spec = TaskSpec(**{"slug": "loan", "labels": ("approve", "reject"), "risk": RiskLevel.LOW} | task)
    policy_ready = compile_policy(document, calibrations=maps, version=7, salt="salt")
    return Snapshot(policy_ready, tiers, spec, adjustments or Adjustments())


def route(case: Features, taken: Snapshot, draw: float = NEVER_DRAWN, stop_reason: str | None = None) -> Route:
    """The route of a case that no sample draws."""
    return evaluate(case, taken, draw=draw, stop_reason=stop_reason)


def steps(answer: Route) -> list[tuple[str, str]]:
    """The trace as (step, outcome) pairs."""
    return [(step.step, step.outcome) for step in answer.trace]


def rule(when: str, then: str = "review", **more: Any) -> dict[str, Any]:
    """A routing rule called by its condition."""
    return {"name": when[:100], "when": when, "then": then} | more
