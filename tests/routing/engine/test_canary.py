"""A canary: a stable share of the cases, and probabilities that hold over both chances (mission B13)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.canary import Canary, decide
from routing.engine.policy import Snapshot
from routing.engine.replay import replay_one
from routing.engine.route import RiskLevel
from routing.engine.specs import ModelStatus
from tests.routing.engine.cases import features, snapshot

ACTIVE = {"thresholds": {"default": 0.9}, "sampling": {"exploration_rate": 0.1, "audit_rate": 0.3}}
TRIED = {
    "lower exploration": {"thresholds": {"default": 0.9}, "sampling": {"exploration_rate": 0.02, "audit_rate": 0.6}},
    "never automates": {"thresholds": {"default": None}},
    "escalates": {"rules": [{"name": "all", "when": "true", "then": "escalate"}]},
    "the same": ACTIVE,
}
CASES = [f"0192f0c1-2d3e-7000-8000-{number:012x}" for number in range(8_000)]


def canary(document: dict[str, object], share: float = 0.3, salt: str = "canary:1", **task: object) -> Canary:
    return Canary(snapshot(document, **task), share, salt)


def test_without_a_canary_the_active_version_decides_for_certain() -> None:
    decided = decide(features(), snapshot(ACTIVE), CASES[0])
    assert decided.route == replay_one(features(), snapshot(ACTIVE), CASES[0])
    assert (decided.by_canary, decided.version_probability, decided.version_selection) == (False, 1.0, None)


@pytest.mark.parametrize("risk", [RiskLevel.LOW, RiskLevel.HIGH])
@pytest.mark.parametrize("document", TRIED.values(), ids=TRIED)
def test_actions_and_reviews_happen_as_often_as_the_stored_probabilities_say(
    document: dict[str, object], risk: RiskLevel
) -> None:
    active, tried = snapshot(ACTIVE, risk=risk), canary(document, risk=risk)
    decided = [decide(features(), active, case, canary=tried, unit=case) for case in CASES]
    actions = Counter(each.route.action for each in decided)
    stored = {each.route.action: each.route.action_propensity for each in decided}
    assert sum(stored.values()) == pytest.approx(1.0), "every action that could have been taken was"
    for action, propensity in stored.items():
        within(actions[action], propensity)
    (selection,) = {round(each.route.selection_probability, 12) for each in decided}
    people = ("review", "escalate", "gate")
    within(sum(each.route.sampled or each.route.action in people for each in decided), selection)
    within(sum(each.by_canary for each in decided), 0.3)


def within(count: int, probability: float) -> None:
    deviation = 4.5 * (probability * (1 - probability) / len(CASES)) ** 0.5
    assert count / len(CASES) == pytest.approx(probability, abs=deviation + 1e-12)


def test_a_weighted_estimate_over_both_versions_is_unbiased() -> None:
    """Horvitz-Thompson: the labels people gave, weighted by the stored probabilities, count all cases."""
    active, tried = snapshot(ACTIVE), canary({"thresholds": {"default": None}}, 0.05)
    decided = [decide(features(), active, case, canary=tried, unit=case) for case in CASES]
    seen = [each.route for each in decided if each.route.sampled or not each.route.action.automated]
    assert sum(1 / route.selection_probability for route in seen) / len(CASES) == pytest.approx(1.0, abs=0.08)


@given(share=st.floats(0.01, 0.5), unit=st.text(max_size=20))
def test_a_larger_share_only_adds_units_and_a_unit_keeps_its_version(share: float, unit: str) -> None:
    def chosen(size: float, case: str) -> bool:
        tried = canary(ACTIVE, size)
        return decide(features(), snapshot(ACTIVE), case, canary=tried, unit=unit).by_canary

    assert chosen(share, CASES[0]) == chosen(share, CASES[1])
    assert chosen(share / 2, CASES[0]) <= chosen(share, CASES[0])


def test_another_canary_draws_other_units() -> None:
    def drawn(salt: str) -> set[str]:
        tried = canary(ACTIVE, 0.5, salt)
        taken = snapshot(ACTIVE)
        return {case for case in CASES[:400] if decide(features(), taken, case, canary=tried, unit=case).by_canary}

    both = drawn("canary:1") & drawn("canary:2")
    assert 50 < len(both) < 150  # a quarter of 400, not the half


def test_which_version_decides_says_nothing_of_the_draw() -> None:
    tried = canary(ACTIVE, 0.5)
    decided = [decide(features(), snapshot(ACTIVE), case, canary=tried, unit=case) for case in CASES]
    share = [sum(each.route.sampled for each in decided if each.by_canary is arm) for arm in (True, False)]
    assert share[0] / share[1] == pytest.approx(1.0, abs=0.3)


def test_live_shadow_canary_and_replay_agree_on_one_snapshot() -> None:
    """Parity: the same snapshot gives the same route whoever asks; only a canary adds its own step to the trace."""
    for document in TRIED.values():
        for risk in RiskLevel:
            taken: Snapshot = snapshot(document, risk=risk)
            for case in CASES[:50]:
                live = decide(features(), taken, case).route
                shadow = replay_one(features(), taken, case)
                tried = decide(features(), taken, case, canary=Canary(taken, 0.5, "salt"), unit=case).route
                assert live == shadow
                assert tried.trace[0].step == "canary"
                assert tried.trace[1:] == live.trace
                for name in live.__slots__:
                    assert name == "trace" or getattr(tried, name) == getattr(live, name), name


@pytest.mark.parametrize("status", ModelStatus)
def test_a_model_that_is_held_back_never_acts_and_the_trace_says_what_it_would_have_done(status: ModelStatus) -> None:
    for risk, action in (("low", "review"), ("medium", "review"), ("high", "escalate"), ("critical", "escalate")):
        answer = replay_one(features(), snapshot(ACTIVE, risk=RiskLevel(risk), models={"m-1": status}), CASES[0])
        assert (answer.action, answer.label) == (action, None)
        assert (answer.selection_probability, answer.action_propensity) == (1.0, 1.0)
        held = [step for step in answer.trace if step.step == "model_version"]
        assert risk == "critical" or [step.outcome for step in held] == [status]
        assert risk == "critical" or held[0].detail["would"] in ("automate", "automate_and_audit")


def test_other_models_are_not_held_back() -> None:
    answer = replay_one(features(), snapshot(ACTIVE, models={"m-2": ModelStatus.WITHDRAWN}), CASES[0])
    assert answer == replay_one(features(), snapshot(ACTIVE), CASES[0])
