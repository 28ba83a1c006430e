"""The audit rate adapts, never beyond what the policy version declares, and the route says so (mission B11)."""

import pytest

from routing.engine.adjustments import Adjusted, Adjustments
from routing.engine.route import RiskLevel, Route
from tests.routing.engine.cases import features, route, snapshot

BOUNDS = {"audit_rate_bounds": {"lowest": 0.05, "highest": 0.3}}


def audited(sampling: dict[str, object], adjusted: Adjusted | None) -> Route:
    taken = snapshot({"sampling": sampling}, risk=RiskLevel.HIGH, adjustments=Adjustments(audit_rate=adjusted))
    return route(features(), taken)


@pytest.mark.parametrize("value, rate", [(0.1, 0.1), (0.01, 0.05), (0.9, 0.3)])
def test_an_adjusted_rate_counts_within_the_declared_bounds(value: float, rate: float) -> None:
    answer = audited({"audit_rate": 0.2} | BOUNDS, Adjusted(value, "the model is stable"))
    assert answer.selection_probability == rate
    noted = next(step for step in answer.trace if step.step == "audit_rate")
    assert noted.detail == {"rate": rate, "declared": 0.2, "reason": "the model is stable"}


def test_without_declared_bounds_nothing_moves() -> None:
    assert audited({"audit_rate": 0.2}, Adjusted(0.05, "x")).selection_probability == 0.2


def test_without_an_adjustment_the_declared_rate_counts() -> None:
    answer = audited({"audit_rate": 0.2} | BOUNDS, None)
    assert answer.selection_probability == 0.2
    assert "audit_rate" not in {step.step for step in answer.trace}
