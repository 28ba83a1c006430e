"""Random sampling is reproducible, and happens as often as the stored probability says (mission B11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.route import Action, RiskLevel, Zone
from routing.engine.sampling import hash_draw
from tests.routing.engine.cases import ALWAYS_DRAWN, features, route, snapshot

RATES = {"sampling": {"exploration_rate": 0.1, "audit_rate": 0.3}}


@given(st.text(), st.text())
def test_a_draw_is_a_share_and_the_same_for_the_same_case(salt: str, key: str) -> None:
    assert 0.0 <= hash_draw(salt, key) < 1.0
    assert hash_draw(salt, key) == hash_draw(salt, key)


def test_salt_and_key_do_not_run_together() -> None:
    assert hash_draw("a", "bc") != hash_draw("ab", "c")


def test_a_drawn_automatable_case_is_reviewed_and_keeps_its_zone() -> None:
    answer = route(features(), snapshot(RATES), draw=ALWAYS_DRAWN)
    assert (answer.action, answer.zone, answer.sampled, answer.tier) == (Action.REVIEW, Zone.AUTO, True, "tier-1")
    assert (answer.selection_probability, answer.action_propensity) == (0.1, 0.1)
    assert answer.label is None


def test_an_automatable_case_that_is_not_drawn_keeps_the_probability_it_had() -> None:
    answer = route(features(), snapshot(RATES))
    assert (answer.action, answer.sampled) == (Action.AUTOMATE, False)
    assert (answer.selection_probability, answer.action_propensity) == (0.1, 0.9)


@pytest.mark.parametrize("draw, sampled", [(0.29, True), (0.3, False)])
def test_audited_cases_always_act_and_the_draw_picks_the_audits(draw: float, sampled: bool) -> None:
    answer = route(features(), snapshot(RATES, risk=RiskLevel.HIGH), draw=draw)
    assert (answer.action, answer.sampled) == (Action.AUTOMATE_AND_AUDIT, sampled)
    assert (answer.selection_probability, answer.action_propensity) == (0.3, 1.0)


@pytest.mark.parametrize("draw", [-0.1, 1.0, float("nan")])
def test_a_draw_outside_zero_to_one_is_refused(draw: float) -> None:
    with pytest.raises(ValueError, match="draw"):
        route(features(), snapshot(), draw=draw)


@pytest.mark.parametrize("risk", [RiskLevel.LOW, RiskLevel.HIGH])
def test_cases_are_sampled_as_often_as_the_stored_probability_says(risk: RiskLevel) -> None:
    taken, case, n = snapshot(RATES, risk=risk), features(), 4_000
    routes = [route(case, taken, draw=hash_draw("salt", f"case-{number}")) for number in range(n)]
    expected = routes[0].selection_probability
    deviation = 4 * (expected * (1 - expected) / n) ** 0.5
    assert sum(answer.sampled for answer in routes) / n == pytest.approx(expected, abs=deviation)
