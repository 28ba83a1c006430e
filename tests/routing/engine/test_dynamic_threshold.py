"""The engine uses the moved threshold where the policy allows it, and the trace says from which and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.adjustments import AdjustedThreshold, Adjustments
from routing.engine.document import PolicyError, decode_document
from routing.engine.route import Action, RiskLevel
from tests.routing.engine.cases import features, route, snapshot

DYNAMIC = {"normal_error": 0.02, "peak_error": 0.05, "target_wait_s": 600, "lowest": 0.7, "idle_max": 0.97}


def moved(value: float, risk: RiskLevel = RiskLevel.LOW, normal: float = 0.9, **policy: object):
    adjustments = Adjustments(thresholds={"m-1": AdjustedThreshold(value, normal, "the queue is long")})
    document = {"thresholds": {"default": 0.9}, "dynamic": DYNAMIC} | policy
    return snapshot(document, adjustments=adjustments, risk=risk)


def test_a_lowered_threshold_automates_what_missed_the_normal_one_and_says_so() -> None:
    case = features(confidence=0.8)  # calibrated: 0.8 too
    assert route(case, moved(0.9)).action is Action.REVIEW
    answer = route(case, moved(0.75))
    assert (answer.action, answer.threshold) == (Action.AUTOMATE, 0.75)
    [step] = [s for s in answer.trace if s.step == "dynamic_threshold"]
    assert step.outcome == "lowered"
    assert step.detail == {"normal": 0.9, "threshold": 0.75, "reason": "the queue is long"}
    assert "reaches the threshold 0.75" in answer.reason


def test_a_raised_threshold_sends_more_to_people() -> None:
    case = features(confidence=0.93)
    assert route(case, moved(0.9)).action is Action.AUTOMATE
    answer = route(case, moved(0.95))
    assert (answer.action, answer.threshold) == (Action.REVIEW, 0.95)
    assert ("dynamic_threshold", "raised") in [(s.step, s.outcome) for s in answer.trace]


@pytest.mark.parametrize("risk", [RiskLevel.HIGH, RiskLevel.CRITICAL])
@pytest.mark.parametrize("value", [0.75, 0.95])
def test_load_never_moves_anything_at_high_risk(risk: RiskLevel, value: float) -> None:
    for confidence in (0.8, 0.93):
        case = features(confidence=confidence)
        assert route(case, moved(value, risk)) == route(case, snapshot({"thresholds": {"default": 0.9}}, risk=risk))


def test_medium_risk_moves_too_and_is_audited() -> None:
    assert route(features(confidence=0.8), moved(0.75, RiskLevel.MEDIUM)).action is Action.AUTOMATE_AND_AUDIT


def test_a_threshold_that_people_set_for_a_label_is_not_lowered_but_raised() -> None:
    entries = {"default": 0.9, "entries": [{"label": "approve", "threshold": 0.95}]}
    assert route(features(confidence=0.92), moved(0.75, thresholds=entries)).threshold == 0.95
    assert route(features(confidence=0.92), moved(0.96, thresholds=entries)).threshold == 0.96


def test_a_policy_that_never_automates_is_not_moved() -> None:
    assert route(features(), moved(0.75, thresholds={"default": None})).threshold is None


def test_the_declared_floor_and_ceiling_hold_whatever_was_stored() -> None:
    assert route(features(confidence=0.99), moved(0.5)).threshold == 0.7
    assert route(features(confidence=0.99), moved(0.99)).threshold == 0.97


def test_without_the_section_a_stored_value_changes_nothing() -> None:
    assert route(features(confidence=0.8), moved(0.75, dynamic=None)).threshold == 0.9


def test_another_models_value_changes_nothing() -> None:
    assert route(features(confidence=0.8, model_version="m-2"), moved(0.75)).threshold is None  # not calibrated at all


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(list(RiskLevel)), st.floats(0, 0.999))
def test_every_route_keeps_a_probability_above_zero(
    value: float, confidence: float, risk: RiskLevel, draw: float
) -> None:
    answer = route(features(confidence=confidence), moved(value, risk), draw=draw)
    assert 0.0 < answer.selection_probability <= 1.0
    assert risk is not RiskLevel.CRITICAL or not answer.action.automated


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"peak_error": 0.01}, "/dynamic/peak_error", "out_of_bounds"),
        ({"idle_max": 0.6}, "/dynamic/idle_max", "out_of_bounds"),
        ({"normal_error": 0}, "/dynamic/normal_error", "invalid"),
        ({"target_wait_s": 0}, "/dynamic/target_wait_s", "invalid"),
        ({"target_wait_s": float("inf")}, "/dynamic/target_wait_s", "invalid"),
        ({"dead_band": 1}, "/dynamic/dead_band", "invalid"),
        ({"speed": 1}, "/dynamic/speed", "unknown_field"),
    ],
)
def test_a_section_that_contradicts_itself_is_refused_by_place(
    change: dict[str, object], pointer: str, code: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        decode_document({"dynamic": DYNAMIC | change})
    assert [(p.pointer, p.code) for p in refused.value.problems] == [(pointer, code)]


def test_a_document_without_the_section_means_what_it_did() -> None:
    assert decode_document({}).dynamic is None
