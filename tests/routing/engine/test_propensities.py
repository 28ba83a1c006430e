"""The stored probabilities are the frequencies: 20,000 draws for each kind of case and policy (mission B11).

Two-sided 99.9 % binomial intervals, Bonferroni-corrected over the table's comparisons; the draws are fixed.
"""

from collections import Counter
from typing import Any

import pytest
from scipy.stats import binom

from routing.engine.adjustments import Adjusted, Adjustments
from routing.engine.policy import Snapshot
from routing.engine.route import Action, RiskLevel
from routing.engine.sampling import hash_draw
from tests.routing.engine.cases import features, route, rule, snapshot

N = 20_000
DRAWS = [hash_draw("simulation", f"case-{number}") for number in range(N)]
RESERVOIR = {"one_in": 20, "entries": [{"label": "reject", "one_in": 4}, {"zone": "auto_audit", "one_in": 7}]}
ADJUSTED = Adjustments(audit_rate=Adjusted(0.07, "stable"))
BOUNDS = {"audit_rate_bounds": {"lowest": 0.05, "highest": 0.3}}
LOW, MEDIUM, HIGH, CRITICAL = RiskLevel

TABLE: dict[str, tuple[dict[str, Any], Snapshot]] = {
    "exploration": ({}, snapshot({"sampling": {"exploration_rate": 0.05}})),
    "the floor": ({}, snapshot({"sampling": {"exploration_rate": 0.01}})),
    "explore all": ({}, snapshot({"sampling": {"exploration_rate": 1.0}})),
    "audit": ({}, snapshot({"sampling": {"audit_rate": 0.2}}, risk=HIGH)),
    "audit of medium risk": ({}, snapshot({"sampling": {"audit_rate": 0.13}}, risk=MEDIUM)),
    "adjusted audit": ({}, snapshot({"sampling": {"audit_rate": 0.2} | BOUNDS}, risk=HIGH, adjustments=ADJUSTED)),
    "reservoir": ({}, snapshot({"sampling": {"exploration_rate": 0.05, "reservoir": RESERVOIR}})),
    "reservoir of a rare label": ({"label": "reject"}, snapshot({"sampling": {"reservoir": RESERVOIR}})),
    "reservoir beside audits": ({}, snapshot({"sampling": {"reservoir": RESERVOIR}}, risk=HIGH)),
    "reservoir of all": ({}, snapshot({"sampling": {"reservoir": {"one_in": 1}}})),
    "review": ({"confidence": 0.5}, snapshot()),
    "escalate": ({}, snapshot(risk=CRITICAL)),
    "gate": ({"proposed_action_reversible": False}, snapshot()),
    "a rule": ({}, snapshot({"rules": [rule("true", "escalate")]})),
    "provisional": ({"confidence": 0.7}, snapshot({"zones": {"provisional": {"default": 0.6}}})),
    "roll-out": ({}, snapshot({"rollout": True}, fitted=False)),
}


@pytest.mark.parametrize("name", TABLE)
def test_simulated_frequencies_match_the_stored_probabilities(name: str) -> None:
    case, taken = TABLE[name]
    routes = [route(features(**case), taken, draw=draw) for draw in DRAWS]
    (selection,) = {answer.selection_probability for answer in routes}
    assert 0.0 < selection <= 1.0
    reviewed = sum(answer.review_tier is not None for answer in routes)
    _agrees(reviewed, selection)
    propensities = {answer.action: answer.action_propensity for answer in routes}
    for action, count in Counter(answer.action for answer in routes).items():
        _agrees(count, propensities[action])
    assert sum(propensities.values()) == pytest.approx(1.0)


def test_the_reservoir_is_independent_of_the_exploration() -> None:
    taken = snapshot({"sampling": {"exploration_rate": 0.3, "reservoir": {"one_in": 3}}})
    drawn = Counter(
        tuple(step.outcome for step in route(features(), taken, draw=draw).trace if "draw" in step.detail)
        for draw in DRAWS
    )
    _agrees(drawn["drawn", "kept"], 0.3 / 3)
    _agrees(drawn["not_drawn", "passed"], 0.7 * 2 / 3)


def test_strata_are_drawn_apart() -> None:
    taken = snapshot({"sampling": {"exploration_rate": 0.01, "reservoir": {"one_in": 2}}})
    both = sum(
        all(route(features(label=label), taken, draw=draw).action is Action.REVIEW for label in ("approve", "reject"))
        for draw in DRAWS
    )
    _agrees(both, 0.01 + 0.99 / 4)


def _agrees(count: int, probability: float) -> None:
    low, high = binom.interval(1 - 0.001 / (3 * len(TABLE)), N, probability)
    assert low <= count <= high, f"{count} of {N} at {probability}"
