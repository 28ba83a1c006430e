"""How alike inputs are where no embedding says so. Worker only: imports numpy.

Gower 1971, “A General Coefficient of Similarity and Some of Its Properties” (Biometrics 27:857): the mean over the
fields both have, of 1 less the difference over the range for numbers, equal or not for names; here also the share of
common words for texts (Jaccard 1912), and for pictures and series of equal length the mean over their numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Value = tuple[float, ...] | frozenset[str] | str
Described = Mapping[str, Value]

_MOST_FIELDS, _MOST_NUMBERS, _MOST_WORDS = 64, 4_096, 400
_SHORT = 40


def describe(data: Any, pointers: Sequence[str] = ()) -> dict[str, Value]:
    """The comparable fields of an input, below these JSON pointers (all of it where there are none)."""
    parts = [(p, _at(data, p)) for p in pointers] if pointers else [("", data)]
    found: dict[str, Value] = {}
    for pointer, part in parts:
        for name, value in _fields(pointer, part):
            if len(found) < _MOST_FIELDS:
                found[name] = value
    return found


def similarities(one: Described, others: Sequence[Described]) -> Scores:
    """Of `one` to each of `others`, 0-1; 0 where they share no field. Shape (len(others),)."""
    total, shared = np.zeros(len(others)), np.zeros(len(others))
    for name, value in one.items():
        scores, has = _of_field(value, [other.get(name) for other in others])
        total += scores
        shared += has
    return np.divide(total, shared, out=np.zeros(len(others)), where=shared > 0)


def _of_field(value: Value, others: Sequence[Value | None]) -> tuple[Scores, Scores]:
    """The score per other, and whether it has the field at all."""
    if isinstance(value, tuple):
        has = np.array([isinstance(o, tuple) and len(o) == len(value) for o in others], dtype=float)
        nothing = (0.0,) * len(value)
        rows = np.array([o if h else nothing for o, h in zip(others, has, strict=True)], dtype=float)
        rows = rows.reshape(len(others), len(value))
        mine = np.array(value)
        seen = np.concatenate([rows[has > 0].ravel(), mine])
        span = float(seen.max() - seen.min()) or 1.0
        return has * (1.0 - np.abs(rows - mine).mean(axis=1) / span), has
    if isinstance(value, str):
        has = np.array([isinstance(o, str) for o in others], dtype=float)
        return np.array([float(o == value) for o in others]), has
    has = np.array([isinstance(o, frozenset) for o in others], dtype=float)
    return np.array([_jaccard(value, o) if isinstance(o, frozenset) else 0.0 for o in others]), has


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def _fields(name: str, value: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(value, bool):
        yield name, str(value)
    elif isinstance(value, int | float):
        yield name, (float(value),)
    elif isinstance(value, str):
        yield name, (value if len(value) <= _SHORT else frozenset(value.lower().split()[:_MOST_WORDS]))
    elif isinstance(value, dict):
        for key in sorted(value)[:_MOST_FIELDS]:
            yield from _fields(f"{name}/{key}", value[key])
    elif isinstance(value, list):
        numbers = _numbers(value)
        if numbers:
            yield name, numbers


def _numbers(value: Any) -> tuple[float, ...]:
    """All numbers of a list or a list of lists; empty where anything else is in it, or too many."""
    flat = [x for row in value for x in (row if isinstance(row, list) else [row])]
    plain = all(isinstance(x, int | float) and not isinstance(x, bool) for x in flat)
    return tuple(float(x) for x in flat) if plain and 0 < len(flat) <= _MOST_NUMBERS else ()


def _at(data: Any, pointer: str) -> Any:
    """RFC 6901; null where there is nothing."""
    for part in pointer.split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data
