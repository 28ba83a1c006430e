"""Replaying a case gives the route it had: the same evaluator, the same draw (mission B13)."""

import pytest

from routing.engine.evaluate import evaluate
from routing.engine.replay import case_draw, replay_one
from routing.engine.route import RiskLevel
from routing.engine.sampling import hash_draw
from tests.routing.engine.cases import features, snapshot

CASES = [f"0192f0c1-2d3e-7000-8000-{number:012x}" for number in range(200)]


@pytest.mark.parametrize("risk", RiskLevel)
def test_a_replayed_case_has_the_route_it_had_live(risk: RiskLevel) -> None:
    taken = snapshot({"sampling": {"exploration_rate": 0.3, "audit_rate": 0.5}}, risk=risk)
    for case in CASES:
        live = evaluate(features(), taken, draw=hash_draw("salt", case))
        assert replay_one(features(), taken, case) == live


def test_a_case_keeps_its_draw_under_every_version_of_its_policy() -> None:
    old, new = snapshot({"thresholds": {"default": 0.9}}), snapshot({"thresholds": {"default": 0.99}})
    assert [case_draw(old, case) for case in CASES] == [case_draw(new, case) for case in CASES]


def test_a_replay_with_the_stop_button_set_goes_to_a_person() -> None:
    assert not replay_one(features(), snapshot(), CASES[0], stop_reason="fire").action.automated
