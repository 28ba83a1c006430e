"""Thresholds per label go into a policy document without loosening what people asked for elsewhere."""

from typing import Any

import pytest

from feedback.label_proposals import with_label_thresholds
from routing.engine.document import decode_document
from routing.engine.route import RiskLevel

LABELS = {"approve": 0.9, "reject": None}


def held(document: dict[str, Any], risk: str, label: str, model: str = "m-1") -> float | None:
    return decode_document(document).thresholds.for_case(RiskLevel(risk), label, model)


def document(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"thresholds": {"default": 0.95, "entries": list(entries)}}


def test_each_label_gets_its_threshold_and_one_that_is_not_attainable_never_automates() -> None:
    made = with_label_thresholds(document(), ["m-1"], LABELS, only_these=True)
    assert held(made, "low", "approve") == 0.9
    assert held(made, "low", "reject") is None
    assert held(made, "low", "refer") is None
    assert held(made, "low", "approve", "m-2") == 0.95


def test_a_study_of_one_label_leaves_the_others_as_they_were() -> None:
    made = with_label_thresholds(
        document({"threshold": 0.97, "model_version": "m-1"}), ["m-1"], {"approve": 0.9}, only_these=False
    )
    assert held(made, "low", "approve") == 0.9
    assert held(made, "low", "reject") == 0.97


@pytest.mark.parametrize(
    "wish",
    [
        {"threshold": None, "risk": "high"},
        {"threshold": None, "risk": "high", "label": "approve"},
        {"threshold": None, "risk": "high", "model_version": "m-1"},
        {"threshold": None, "risk": "high", "label": "approve", "model_version": "m-1"},
    ],
)
def test_a_risk_level_that_people_never_automate_stays_so(wish: dict[str, Any]) -> None:
    made = with_label_thresholds(document(wish), ["m-1"], LABELS, only_these=True)
    assert held(made, "high", "approve") is None
    assert held(made, "low", "approve") == 0.9


def test_what_people_ask_more_of_a_label_still_holds() -> None:
    made = with_label_thresholds(document({"threshold": 0.995, "label": "approve"}), ["m-1"], LABELS, only_these=True)
    assert held(made, "low", "approve") == 0.995


def test_a_later_study_may_lower_what_an_earlier_one_set() -> None:
    first = with_label_thresholds(
        document({"threshold": 0.93, "risk": "medium"}), ["m-1"], {"approve": 0.97, "reject": 0.99}, only_these=True
    )
    assert held(first, "medium", "approve") == 0.97
    second = with_label_thresholds(first, ["m-1"], {"approve": 0.8, "reject": None}, only_these=True)
    assert (held(second, "low", "approve"), held(second, "medium", "approve")) == (0.8, 0.93)
    assert held(second, "medium", "reject") is None
    assert with_label_thresholds(second, ["m-1"], {"approve": 0.8, "reject": None}, only_these=True) == second
