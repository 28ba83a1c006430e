"""Signals of a prediction, and the priority they add up to (mission B2, B10)."""

from typing import Any

import pytest

from routing.engine.features import EnsembleVote
from routing.engine.signals import compute_signals
from tests.routing.engine.cases import features, route, snapshot

LABELS = ("approve", "reject", "ask", "hold")
AGREES, CONTRADICTS = EnsembleVote("a", "approve", 0.8), EnsembleVote("b", "reject")


@pytest.mark.parametrize(
    "case, name, expected",
    [
        ({}, "entropy", None),
        ({"probabilities": {"approve": 1.0}}, "entropy", 0.0),
        ({"probabilities": dict.fromkeys(LABELS, 0.25)}, "entropy", 1.0),
        ({"probabilities": {"approve": 0.5, "reject": 0.5}}, "entropy", 0.5),
        ({"probabilities": {"approve": 0.0}}, "entropy", None),
        ({}, "margin", None),
        ({"probabilities": {"approve": 0.7, "reject": 0.2, "ask": 0.1}}, "margin", 0.5),
        ({"probabilities": {"approve": 0.7}}, "margin", 0.7),
        ({}, "ensemble_agreement", None),
        ({"ensemble": (AGREES, CONTRADICTS)}, "ensemble_agreement", 2 / 3),
        ({"ensemble": (CONTRADICTS,), "label": None}, "ensemble_agreement", None),
        ({}, "interpretable_disagrees", None),
        ({"interpretable_label": "approve"}, "interpretable_disagrees", False),
        ({"interpretable_label": "reject"}, "interpretable_disagrees", True),
    ],
)
def test_signals(case: dict[str, Any], name: str, expected: Any) -> None:
    value = getattr(compute_signals(features(**case), LABELS), name)
    assert value == (expected if expected is None else pytest.approx(expected))


WEIGHTS = {"uncertainty": 0.4, "disagreement": 0.4, "diversity": 0.2, "amount": 0.3, "virality": 0.1, "stakes": 0.1}


@pytest.mark.parametrize(
    "case, factor, value",
    [
        ({"confidence": 0.7}, "uncertainty", 0.3),
        ({"confidence": None}, "uncertainty", 1.0),
        ({"ensemble": (AGREES, CONTRADICTS)}, "disagreement", 1 / 3),
        ({"ensemble": (AGREES,), "interpretable_label": "reject"}, "disagreement", 1.0),
        ({"amount": 2_500.0}, "amount", 0.25),
        ({"amount": -1e9}, "amount", 1.0),
        ({"stakes": "medium"}, "stakes", 0.5),
        ({"virality": 7.0}, "virality", 1.0),
        ({"has_appeal": True}, "appeal", 1.0),
        ({"previous_error": True}, "previous_error", 1.0),
        ({}, "diversity", 0.0),
    ],
)
def test_each_factor_contributes_its_value_times_its_weight(case: dict[str, Any], factor: str, value: float) -> None:
    if "stakes" in case:
        case = {"stakes": type(snapshot().task.risk)(case["stakes"])}
    answer = route(features(**case), snapshot({"priority": {"weights": WEIGHTS}}))
    part = next(part for part in answer.priority_breakdown if part.factor == factor)
    assert part.value == pytest.approx(value)
    assert part.contribution == pytest.approx(part.value * part.weight)


def test_the_default_weights_are_the_priority_preset_and_stop_at_one() -> None:
    large = features(confidence=0.8, amount=10_001.0)
    assert route(large, snapshot()).priority == pytest.approx(0.2 + 0.3)
    everything = features(confidence=0.1, amount=10_001.0, has_appeal=True, previous_error=True)
    assert route(everything, snapshot()).priority == 1.0
