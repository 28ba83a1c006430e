"""How likely a person is to overrule the model (mission B17): fitted trees, evaluated in plain Python.

The web process asks this of every case, so there is no numpy here. `feedback.disagreement_fit` fits and exports them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, nan
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from routing.engine.calibration import CalibrationMap
from routing.engine.features import Features
from routing.engine.route import RiskLevel
from routing.engine.signals import Signals

MAX_TREES = 500
MAX_COLUMNS = 200

Tree: TypeAlias = "float | tuple[int, float, Tree, Tree]"
"""A leaf's value, or (place, threshold, if at most, if above). Places from the number of columns on read the same
columns with what is missing taken as the highest value instead of the lowest, so that one comparison serves."""


class DisagreementRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which fitted model a policy asks, by version, and the probability above which a person decides."""

    model: Annotated[int, Meta(ge=1)]
    threshold: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.3


def _flag(name: str) -> Callable[[Features, Signals], float | None]:
    return lambda features, _: float(getattr(features, name))


def _given(name: str) -> Callable[[Features, Signals], float | None]:
    return lambda features, _: getattr(features, name)


def _signal(name: str) -> Callable[[Features, Signals], float | None]:
    def read(_: Features, signals: Signals) -> float | None:
        value = getattr(signals, name)
        return None if value is None else float(value)

    return read


_STAKES = {level: float(rank) for rank, level in enumerate(RiskLevel)}
NUMBERS: Mapping[str, Callable[[Features, Signals], float | None]] = {
    "confidence": _given("confidence"),
    "entropy": _signal("entropy"),
    "margin": _signal("margin"),
    "ensemble_agreement": _signal("ensemble_agreement"),
    "interpretable_disagrees": _signal("interpretable_disagrees"),
    "nearest_neighbor_distance": _given("nearest_neighbor_distance"),
    "risk_score": _given("risk_score"),
    "amount": _given("amount"),
    "error_cost": _given("error_cost"),
    "complexity": _given("complexity"),
    "virality": _given("virality"),
    "stakes": lambda features, _: None if features.stakes is None else _STAKES[features.stakes],
    "is_new_user": _flag("is_new_user"),
    "affects_multiple_users": _flag("affects_multiple_users"),
    "has_appeal": _flag("has_appeal"),
    "previous_error": _flag("previous_error"),
}
"""Columns that are numbers; null means not given. All others name a value: 1 where the case has it, 0 where not."""


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one place of the vector holds: a number of `NUMBERS`, or whether `name` (label, model_version or a segment,
    as `segment.region`) has this value."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class DisagreementModel:
    """A fitted model, immutable. `mapping` turns the trees' score (0-1) into the frequency of being overruled."""

    version: int
    columns: tuple[Column, ...]
    base: float
    trees: tuple[Tree, ...]
    mapping: CalibrationMap

    def predict(self, features: Features, signals: Signals) -> float | None:
        """The probability that a person will overrule the model, 0-1; null without a prediction to overrule."""
        if features.label is None:
            return None
        probability = self.mapping.apply(self.score(vector_of(features, signals, self.columns)))
        return probability if isfinite(probability) else None

    def score(self, vector: Sequence[float]) -> float:
        """The trees' own probability, before calibration; NaN in `vector` means not given."""
        # Only NaN differs from itself.
        low = [-_INFINITY if value != value else value for value in vector]
        x = low + [_INFINITY if value != value else value for value in vector]
        total = self.base
        for tree in self.trees:
            node = tree
            while node.__class__ is tuple:
                node = node[2] if x[node[0]] <= node[1] else node[3]
            total += node  # type: ignore[operator]
        return _sigmoid(total)

    @classmethod
    def from_json(cls, version: int, value: object, calibration: object) -> "DisagreementModel":
        """Read what was exported; ValueError says what is wrong. value: columns, base and trees."""
        try:
            stored = msgspec.convert(value, _Stored)
        except msgspec.ValidationError as error:
            raise ValueError(f"not a disagreement model: {error}") from error
        if unknown := [c.name for c in stored.columns if c.value is None and c.name not in NUMBERS]:
            raise ValueError(f"there is no column {unknown[0]!r}")
        if not isfinite(stored.base):
            raise ValueError("the base is not a finite number")
        trees = tuple(_tree(tree, len(stored.columns)) for tree in stored.trees)
        return cls(version, stored.columns, stored.base, trees, CalibrationMap.from_json(calibration))


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    columns: Annotated[tuple[Column, ...], Meta(max_length=MAX_COLUMNS)]
    base: float
    trees: Annotated[tuple[Any, ...], Meta(max_length=MAX_TREES)]


_INFINITY = float("inf")


def vector_of(features: Features, signals: Signals, columns: Sequence[Column]) -> list[float]:
    """The case as numbers, in the order of `columns`; NaN where something is not given."""
    numbers: list[float] = []
    for column in columns:
        if column.value is not None:
            numbers.append(1.0 if value_of(features, column.name) == column.value else 0.0)
            continue
        value = NUMBERS[column.name](features, signals)
        numbers.append(nan if value is None else float(value))
    return numbers


def value_of(features: Features, name: str) -> str | None:
    """What a case has for a named column: its label, its model version, or a segment."""
    if name == "label":
        return features.label
    if name == "model_version":
        return features.model_version
    return features.segments.get(name.removeprefix("segment."))


def _tree(value: Any, columns: int, depth: int = 0) -> Tree:
    """A stored node: a number, or [column, threshold, missing goes low, low, high]."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not isfinite(value):
            raise ValueError("a leaf is not a finite number")
        return float(value)
    if not isinstance(value, list | tuple) or len(value) != 5 or depth > 20:
        raise ValueError("a node is [column, threshold, missing goes low, low, high]")
    column, threshold, missing_low, low, high = value
    if not isinstance(column, int) or not 0 <= column < columns or not isinstance(threshold, int | float):
        raise ValueError(f"a node compares a column that is not there, or with no number: {column!r}, {threshold!r}")
    place = column if missing_low else column + columns
    return place, float(threshold), _tree(low, columns, depth + 1), _tree(high, columns, depth + 1)


def _sigmoid(value: float) -> float:
    if value >= 0.0:
        return 1.0 / (1.0 + exp(-value))
    odds = exp(value)
    return odds / (1.0 + odds)
