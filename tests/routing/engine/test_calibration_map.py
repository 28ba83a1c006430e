"""A calibration map turns a claimed confidence into an honest one, safely and monotonely."""

import json
import random
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from routing.engine.calibration import NO_CALIBRATION, CalibrationMap, CalibrationMethod, Parameters

MAPS = [
    NO_CALIBRATION,
    CalibrationMap(CalibrationMethod.PLATT, {"slope": 0.7, "intercept": -0.3}, 1, 500),
    CalibrationMap(CalibrationMethod.TEMPERATURE, {"temperature": 2.5}, 2, 500),
    CalibrationMap(CalibrationMethod.BETA, {"a": 0.4, "b": 1.8, "c": 0.2}, 3, 500),
    CalibrationMap(CalibrationMethod.BETA, {"a": 0.0, "b": 0.0, "c": -900.0}, 3, 500),
    CalibrationMap(CalibrationMethod.ISOTONIC, {"x": (0.2, 0.6, 0.9), "y": (0.1, 0.1, 0.8)}, 4, 5_000),
    CalibrationMap(CalibrationMethod.ISOTONIC, {"x": (0.5,), "y": (0.7,)}, 4, 5_000),
]


@pytest.mark.parametrize("mapping", MAPS, ids=lambda mapping: mapping.method)
@given(pair=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_every_map_is_monotone_and_stays_between_zero_and_one(
    mapping: CalibrationMap, pair: tuple[float, float]
) -> None:
    low, high = sorted(pair)
    assert 0.0 <= mapping.apply(low) <= mapping.apply(high) + 1e-15 <= 1.0 + 1e-15


@pytest.mark.parametrize(
    "mapping, confidence, expected",
    [
        (MAPS[0], 0.83, 0.83),
        (MAPS[0], 1.0, 1.0),
        (MAPS[1], 0.5, 1 / (1 + exp(0.3))),
        (MAPS[2], 0.9, 9**0.4 / (1 + 9**0.4)),
        (MAPS[3], 0.9, 1 / (1 + 0.9**-0.4 * 0.1**1.8 * exp(-0.2))),
        (MAPS[5], 0.75, 0.45),
        (MAPS[5], 0.0, 0.1),
        (MAPS[5], 1.0, 0.8),
        (MAPS[6], 0.0, 0.7),
    ],
)
def test_known_values(mapping: CalibrationMap, confidence: float, expected: float) -> None:
    assert mapping.apply(confidence) == pytest.approx(expected, abs=1e-8)


def test_isotonic_maps_predict_what_scikit_learn_predicts() -> None:
    rng = random.Random(5)
    scores = [rng.random() for _ in range(800)]
    oracle = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
        scores, [rng.random() < s**2 for s in scores]
    )
    knots = {"x": tuple(oracle.X_thresholds_.tolist()), "y": tuple(oracle.y_thresholds_.tolist())}
    mapping = CalibrationMap(CalibrationMethod.ISOTONIC, knots, None, 800)
    asked = [0.0, 1.0, *scores, *(rng.random() for _ in range(500))]
    assert [mapping.apply(value) for value in asked] == pytest.approx(oracle.predict(asked).tolist(), abs=1e-12)


@pytest.mark.parametrize("mapping", MAPS, ids=lambda mapping: mapping.method)
def test_a_map_survives_json_unchanged(mapping: CalibrationMap) -> None:
    assert CalibrationMap.from_json(json.loads(json.dumps(mapping.to_json()))) == mapping


@pytest.mark.parametrize("confidence", [float("nan"), -0.01, 1.01, float("inf")])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    for mapping in MAPS:
        with pytest.raises(ValueError, match="confidence"):
            mapping.apply(confidence)


@pytest.mark.parametrize(
    "method, parameters, message",
    [
        ("temperature", {"temperature": 0.0}, "temperature"),
        ("temperature", {}, "takes the parameters"),
        ("platt", {"slope": -1.0, "intercept": 0.0}, "slope"),
        ("platt", {"slope": 1.0, "intercept": float("inf")}, "intercept"),
        ("beta", {"a": 1.0, "b": (1.0,), "c": 0.0}, "b is not a number"),
        ("isotonic", {"x": (0.1, 0.1), "y": (0.1, 0.2)}, "rise strictly"),
        ("isotonic", {"x": (0.1, 0.2), "y": (0.3, 0.2)}, "never fall"),
        ("isotonic", {"x": (0.1, 0.2), "y": (0.3,)}, "equal length"),
        ("isotonic", {"x": 0.1, "y": 0.2}, "equal length"),
        ("isotonic", {"x": (0.1, 0.2), "y": (0.3, 1.2)}, "0..1"),
        ("isotonic", {"x": (), "y": ()}, "not empty"),
        ("identity", {"a": 1.0}, "takes the parameters"),
        ("spline", {}, "unknown calibration method"),
    ],
)
def test_a_map_that_could_mislead_is_refused(method: str, parameters: Parameters, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CalibrationMap.from_json({"method": method, "parameters": parameters, "version": 1, "n": 10})


@pytest.mark.parametrize(
    "value",
    [None, [], {"method": "identity"}, {"method": "identity", "parameters": {}, "version": "x", "n": 1}, {"n": -1}],
)
def test_json_of_another_shape_is_refused_with_a_reason(value: object) -> None:
    with pytest.raises(ValueError, match="not a calibration map"):
        CalibrationMap.from_json(value)
