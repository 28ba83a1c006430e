"""Calibration maps: from the confidence a model claims to the share of such answers that prove right.

Plain Python, because the web process applies them on every case. They are fitted in `feedback.stats.calibration_fit`.
A map is monotone, so it makes the number honest but never changes which cases are automated first.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import exp, isfinite, log
from typing import Any, assert_never

import msgspec

CLIP = 1e-12
"""Confidences are kept this far from 0 and 1 before a logarithm; beyond it scores are taken as equal."""

Parameters = Mapping[str, float | tuple[float, ...]]


class CalibrationMethod(StrEnum):
    """The five families; each names its parameters.

    identity: none. platt: slope >= 0, intercept. isotonic: knots x (strictly rising, 0-1), y (never falling, 0-1).
    temperature: temperature > 0. beta: a >= 0, b >= 0, c.
    """

    IDENTITY = "identity"
    PLATT = "platt"
    ISOTONIC = "isotonic"
    TEMPERATURE = "temperature"
    BETA = "beta"


@dataclass(frozen=True, slots=True)
class CalibrationMap:
    """A fitted map, immutable and checked on construction (ValueError says what is wrong).

    version: the stored calibration's version, null before it is stored. n: labelled records it was fitted on, 0 for an
    identity that stands for "no fit yet".
    """

    method: CalibrationMethod
    parameters: Parameters
    version: int | None
    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", _method(self.method))
        if self.n < 0:
            raise ValueError(f"n must not be negative, not {self.n!r}")
        object.__setattr__(self, "parameters", _checked(self.method, self.parameters))

    def apply(self, confidence: float) -> float:
        """The calibrated confidence, 0-1, never falling as `confidence` (0-1) rises. NaN or out of range: ValueError.

        platt: sigmoid(slope * logit p + intercept), Platt 1999 on the log-odds. temperature: sigmoid(logit p / T), Guo
        et al. 2017. beta: sigmoid(a ln p - b ln(1-p) + c), Kull, Silva Filho & Flach 2017. isotonic: straight lines
        between knots, flat outside (Zadrozny & Elkan 2002), as scikit-learn's
        `IsotonicRegression(out_of_bounds="clip")`.
        """
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"confidence must lie in 0..1, not {confidence!r}")
        match self.method:
            case CalibrationMethod.IDENTITY:
                return float(confidence)
            case CalibrationMethod.ISOTONIC:
                return _interpolate(confidence, self._knots("x"), self._knots("y"))
            case CalibrationMethod.PLATT:
                return _linear(confidence, self._value("slope"), self._value("slope"), self._value("intercept"))
            case CalibrationMethod.TEMPERATURE:
                slope = 1.0 / self._value("temperature")
                return _linear(confidence, slope, slope, 0.0)
            case CalibrationMethod.BETA:
                return _linear(confidence, self._value("a"), self._value("b"), self._value("c"))
            case _:
                assert_never(self.method)

    def to_json(self) -> dict[str, Any]:
        """A plain JSON object that `from_json` reads back to an equal map."""
        parameters = {name: list(v) if isinstance(v, tuple) else v for name, v in self.parameters.items()}
        return {"method": self.method.value, "parameters": parameters, "version": self.version, "n": self.n}

    @classmethod
    def from_json(cls, value: object) -> "CalibrationMap":
        """Read what `to_json` wrote; ValueError says what is missing, unknown, of the wrong type or out of range."""
        try:
            stored = msgspec.convert(value, _Stored)
        except msgspec.ValidationError as error:
            raise ValueError(f"not a calibration map: {error}") from error
        return cls(_method(stored.method), stored.parameters, stored.version, stored.n)

    def _value(self, name: str) -> float:
        value = self.parameters[name]
        assert isinstance(value, float)
        return value

    def _knots(self, name: str) -> tuple[float, ...]:
        value = self.parameters[name]
        assert isinstance(value, tuple)
        return value


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    method: str
    parameters: dict[str, float | tuple[float, ...]]
    version: int | None
    n: int


_SCALARS: dict[CalibrationMethod, dict[str, Callable[[float], bool]]] = {
    CalibrationMethod.IDENTITY: {},
    CalibrationMethod.PLATT: {"slope": lambda value: value >= 0.0, "intercept": isfinite},
    CalibrationMethod.TEMPERATURE: {"temperature": lambda value: value > 0.0},
    CalibrationMethod.BETA: {"a": lambda value: value >= 0.0, "b": lambda value: value >= 0.0, "c": isfinite},
}


def _method(value: str) -> CalibrationMethod:
    try:
        return CalibrationMethod(value)
    except ValueError:
        raise ValueError(f"unknown calibration method {value!r}; known: {', '.join(CalibrationMethod)}") from None


def _checked(method: CalibrationMethod, given: Parameters) -> Parameters:
    expected = {"x", "y"} if method is CalibrationMethod.ISOTONIC else set(_SCALARS[method])
    if set(given) != expected:
        raise ValueError(f"{method} takes the parameters {sorted(expected)}, not {sorted(given)}")
    if method is CalibrationMethod.ISOTONIC:
        return _checked_knots(given["x"], given["y"])
    checked: dict[str, float] = {}
    for name, in_range in _SCALARS[method].items():
        value = given[name]
        if isinstance(value, tuple) or not isfinite(value) or not in_range(value):
            raise ValueError(f"{method}: {name} is not a number in range: {value!r}")
        checked[name] = float(value)
    return checked


def _checked_knots(x: float | tuple[float, ...], y: float | tuple[float, ...]) -> Parameters:
    if isinstance(x, (int, float)) or isinstance(y, (int, float)) or not x or len(x) != len(y):
        raise ValueError("isotonic: x and y must be lists of equal length, not empty")
    if not all(0.0 <= value <= 1.0 for value in (*x, *y)):
        raise ValueError("isotonic: knots must lie in 0..1")
    if any(right <= left for left, right in pairwise(x)):
        raise ValueError("isotonic: x must rise strictly")
    if any(right < left for left, right in pairwise(y)):
        raise ValueError("isotonic: y must never fall")
    return {"x": tuple(map(float, x)), "y": tuple(map(float, y))}


def _linear(confidence: float, a: float, b: float, c: float) -> float:
    p = min(max(confidence, CLIP), 1.0 - CLIP)
    return _sigmoid(a * log(p) - b * log(1.0 - p) + c)


def _sigmoid(value: float) -> float:
    # Two forms, so that exp never overflows.
    if value >= 0.0:
        return 1.0 / (1.0 + exp(-value))
    odds = exp(value)
    return odds / (1.0 + odds)


def _interpolate(confidence: float, x: tuple[float, ...], y: tuple[float, ...]) -> float:
    right = bisect_right(x, confidence)
    if right == 0:
        return y[0]
    if right == len(x):
        return y[-1]
    low, high = y[right - 1], y[right]
    value = low + (high - low) * (confidence - x[right - 1]) / (x[right] - x[right - 1])
    # Rounding must not step over a knot, or the map would fall there.
    return min(max(value, low), high)


NO_CALIBRATION = CalibrationMap(CalibrationMethod.IDENTITY, {}, None, 0)
"""What stands in until a fit exists: identity, and n = 0 tells the engine that a person decides."""
