"""Thresholds by risk, label and model version (mission B3)."""

from typing import Any

import pytest

from routing.engine.route import RiskLevel
from tests.routing.engine.cases import snapshot

ENTRIES = [
    {"label": "reject", "threshold": 0.99},
    {"risk": "low", "threshold": 0.80},
    {"label": "reject", "risk": "high", "threshold": None},
    {"risk": "low", "model_version": "m-2", "threshold": 0.70},
    {"risk": "low", "label": "reject", "model_version": "m-2", "threshold": 0.60},
]


@pytest.mark.parametrize(
    "risk, label, model, expected",
    [
        ("medium", "approve", "m-1", 0.9),
        ("medium", "reject", "m-1", 0.99),
        ("low", "approve", "m-1", 0.80),
        ("low", "reject", "m-1", 0.80),
        ("high", "reject", "m-1", None),
        ("low", "approve", "m-2", 0.70),
        ("low", "reject", "m-2", 0.60),
    ],
)
def test_the_most_specific_entry_wins_then_the_later(risk: str, label: str, model: str, expected: Any) -> None:
    policy = snapshot({"thresholds": {"default": 0.9, "entries": ENTRIES}}).policy
    assert policy.threshold_for(RiskLevel(risk), label, model) == expected
