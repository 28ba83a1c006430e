"""The most specific fitted map speaks, the model's own for all other cases, and a missing one means a person."""

from dataclasses import replace
from typing import Any

import pytest

from routing.engine.calibration import CalibrationMap, CalibrationMethod
from routing.engine.document import PolicyError, decode_document, problems_in_place
from routing.engine.features import Features
from routing.engine.policy import Snapshot, compile_policy
from routing.engine.replay import replay_one
from routing.engine.route import Action
from routing.engine.slices import Slice, SliceRef, slice_of
from tests.routing.engine.cases import features, route, snapshot, steps

APPROVE, EU = {"label": "approve", "version": 4}, {"segment": {"region": "EU"}, "version": 5}
CALIBRATION = {"model_version": "m-1", "confidence_source": "probability", "version": 3}


def shifted(intercept: float, version: int, n: int = 400) -> CalibrationMap:
    return CalibrationMap(CalibrationMethod.PLATT, {"slope": 1.0, "intercept": intercept}, version, n)


MAPS = {4: shifted(1.0, 4), 5: shifted(-3.0, 5)}


def sliced(*slices: dict[str, Any], maps: dict[int, CalibrationMap] | None = None) -> Snapshot:
    """The usual policy, whose calibration has these slices."""
    document = decode_document({"calibrations": [CALIBRATION | {"slices": list(slices)}]})
    fitted = {("m-1", "probability"): shifted(0.0, 3)}
    policy = compile_policy(
        document, calibrations=fitted, slices=MAPS if maps is None else maps, version=7, salt="salt"
    )
    return replace(snapshot(), policy=policy)


EUROPEAN = {"segments": {"region": "EU"}}


@pytest.mark.parametrize(
    ("case", "version", "said"),
    [
        (features(), 4, ("calibration", "slice")),
        (features(label="reject"), 3, ("calibration", "parent")),
        (features(label="reject", **EUROPEAN), 5, ("calibration", "slice")),
        (features(label="reject", segments={"region": "US"}), 3, ("calibration", "parent")),
        (features(**EUROPEAN), 4, ("calibration", "slice")),
    ],
    ids=["its label's", "none of its own", "its segment's", "another value", "the first of two"],
)
def test_the_map_of_the_first_slice_that_holds_the_case_else_the_parents(
    case: Features, version: int, said: tuple[str, str]
) -> None:
    answer = route(case, sliced(APPROVE, EU))
    assert answer.calibration_version == version
    assert steps(answer)[0] == said
    assert answer.trace[0].detail["version"] == version


def test_the_trace_names_the_slice_and_the_confidence_is_on_its_scale() -> None:
    answer = route(features(label="reject", **EUROPEAN), sliced(APPROVE, EU))
    assert answer.trace[0].detail == {"slice": "region “EU”", "version": 5}
    assert answer.calibrated_confidence == pytest.approx(0.617, abs=1e-3)
    assert answer.action is Action.REVIEW


def test_live_and_replay_use_the_same_map_whatever_the_order_of_segments() -> None:
    snap = sliced(EU, APPROVE)
    one, other = (features(segments=dict(pairs)) for pairs in ([("a", "b"), ("region", "EU")], [("region", "EU")]))
    assert replay_one(one, snap, "1").calibration_version == replay_one(other, snap, "1").calibration_version == 5
    stored = Features.from_json(one.to_json())
    assert replay_one(stored, snap, "1") == replay_one(one, snap, "1")


def test_a_slice_whose_map_is_missing_is_a_persons_while_the_others_go_on() -> None:
    snap = sliced(APPROVE, EU, maps={5: MAPS[5]})
    answer = route(features(), snap)
    assert (answer.action, answer.calibration_version) == (Action.REVIEW, None)
    assert {("calibration", "missing")} <= set(steps(answer))
    assert route(features(label="reject"), snap).action is Action.AUTOMATE


@pytest.mark.parametrize("wrong", [shifted(0.0, 9), shifted(0.0, 4, n=0)], ids=["another version", "never fitted"])
def test_only_the_fitted_version_that_the_document_names_is_in_force(wrong: CalibrationMap) -> None:
    assert route(features(), sliced(APPROVE, maps={4: wrong})).calibration_version is None


def test_without_the_parents_map_its_slices_count_for_nothing() -> None:
    document = decode_document({"calibrations": [CALIBRATION | {"slices": [APPROVE]}]})
    policy = compile_policy(document, calibrations={}, slices=MAPS, version=7, salt="salt")
    answer = route(features(), replace(snapshot(), policy=policy))
    assert (answer.action, answer.calibration_version) == (Action.REVIEW, None)


def test_a_map_of_extreme_parameters_in_a_slice_means_a_person() -> None:
    broken = CalibrationMap(CalibrationMethod.BETA, {"a": 1e308, "b": 1e308, "c": 0.0}, 4, 400)
    assert route(features(confidence=0.5), sliced(APPROVE, maps={4: broken})).calibration_version in (4, None)
    assert route(features(confidence=0.5), sliced(APPROVE, maps={4: broken})).action is Action.REVIEW


def test_old_documents_are_as_valid_as_before_and_their_traces_unchanged() -> None:
    answer = route(features(), snapshot())
    assert answer.calibration_version == 3
    assert steps(answer)[0] == ("stop_button", "not_pressed")


@pytest.mark.parametrize(
    ("slices", "place", "code"),
    [
        ([{"version": 4}], "/0", "invalid"),
        ([APPROVE | {"segment": {"region": "EU"}}], "/0", "invalid"),
        ([{"version": 4, "segment": {}}], "/0", "invalid"),
        ([{"version": 4, "segment": {"region": "EU", "age": "old"}}], "/0/segment", "invalid"),
        ([{"version": 4, "segment": {"region": ""}}], "/0/segment", "invalid"),
        ([APPROVE, EU, APPROVE | {"version": 9}], "/2", "duplicate"),
        ([{"label": "approve"}], "/0/version", "required"),
        ([APPROVE | {"deeper": True}], "/0/deeper", "unknown_field"),
    ],
)
def test_what_names_no_slice_or_one_twice_is_refused(slices: list[dict[str, Any]], place: str, code: str) -> None:
    with pytest.raises(PolicyError) as refused:
        decode_document({"calibrations": [CALIBRATION | {"slices": slices}]})
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == (f"/calibrations/0/slices{place}", code)


def test_a_slice_by_a_label_that_does_not_exist_is_pointed_out() -> None:
    document = decode_document({"calibrations": [CALIBRATION | {"slices": [EU, APPROVE | {"label": "aprove"}]}]})
    [problem] = problems_in_place(document, labels=("approve",), tiers=())
    assert (problem.pointer, problem.code) == ("/calibrations/0/slices/1/label", "unknown_label")


@pytest.mark.parametrize("value", [{"label": "approve"}, {"segment": {"region": "EU"}}])
def test_a_slice_is_read_back_from_its_json(value: dict[str, Any]) -> None:
    found = slice_of(value)
    assert found is not None and found.to_json() == value
    assert SliceRef(version=1, **value).slice == found
    assert slice_of({}) is None and found != Slice("another")
