"""Where people overrule the model: a shallow decision tree whose leaves are named by what sets them apart. Worker only.

The tree is grown on one half of the judged cases and its figures are taken from the other half (honest estimation,
Athey & Imbens 2016): a leaf found because it looked bad would otherwise look worse than it is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier

from feedback.stats.bounds import wilson_interval
from feedback.stats.thresholds import split_by_hash
from routing.engine.disagreement import Column

DEPTH = 3
SALT = "disagreement-regions"
_FLAGS = frozenset({"interpretable_disagrees", "is_new_user", "affects_multiple_users", "has_appeal", "previous_error"})


@dataclass(frozen=True, slots=True)
class DisagreementRegion:
    """A kind of case. share: overruled, 0-1, with its 95 % interval; n: cases it is measured on.

    more, less: whether the whole interval lies above or below the share of all cases.
    """

    name: str
    share: float
    low: float
    high: float
    n: int
    more: bool
    less: bool


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a path through the tree says of one column: low < value <= high, or only what is missing."""

    low: float = -np.inf
    high: float = np.inf
    missing: bool = True


def find_regions_of_disagreement(
    keys: Sequence[str],
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.bool_],
    w: npt.NDArray[np.float64],
    columns: Sequence[Column],
) -> list[DisagreementRegion]:
    """Leaves, most overruled first. keys: what the halves are split by; x, y, w: features, overruled, weights.

    Empty with fewer than 50 cases in either half, or without a split worth making.
    """
    grow = np.array([split_by_hash(key, SALT) == "fit" for key in keys], dtype=bool)
    if min(grow.sum(), (~grow).sum()) < 50 or y[grow].all() or not y[grow].any():
        return []
    smallest = max(25, int(grow.sum()) // 50)
    tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=smallest, ccp_alpha=1e-3, random_state=0)
    tree.fit(x[grow], y[grow], sample_weight=w[grow])
    if tree.get_depth() == 0:
        return []
    leaf_of = tree.apply(x[~grow])
    overall = float(w[~grow] @ y[~grow] / w[~grow].sum())
    found = []
    absent = frozenset(np.flatnonzero(np.isnan(x).any(axis=0)).tolist())
    for leaf, bounds in _leaves(tree.tree_, 0, {}):
        inside = leaf_of == leaf
        if inside.any():
            found.append(_measured(name_of(bounds, columns, absent), y[~grow][inside], w[~grow][inside], overall))
    return sorted(found, key=lambda region: -region.share)


def name_of(bounds: dict[int, _Bound], columns: Sequence[Column], absent: Collection[int]) -> str:
    """What sets a leaf apart, in words: “amount > 5,000 and segment region = EU”. absent: columns some cases lack."""
    return " and ".join(
        _said(columns[place], replace(bound, missing=bound.missing and place in absent))
        for place, bound in bounds.items()
    )


def _measured(name: str, y: npt.NDArray[np.bool_], w: npt.NDArray[np.float64], overall: float) -> DisagreementRegion:
    """The weighted share, its interval on the effective sample size (Kish)."""
    effective = float(w.sum() ** 2 / (w**2).sum())
    share = min(1.0, float(w @ y / w.sum()))
    low, high = wilson_interval(share * effective, effective)
    return DisagreementRegion(name, share, low, high, len(y), low > overall, high < overall)


def _leaves(tree: Any, node: int, bounds: dict[int, _Bound]) -> Iterator[tuple[int, dict[int, _Bound]]]:
    """Every leaf with what leads to it; later comparisons of a column narrow the earlier ones."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    if left == right:
        yield node, bounds
        return
    column, threshold = int(tree.feature[node]), float(tree.threshold[node])
    missing_left = bool(tree.missing_go_to_left[node])
    was = bounds.get(column, _Bound())
    low = _Bound(was.low, min(was.high, threshold), was.missing and missing_left)
    high = _Bound(max(was.low, threshold), was.high, was.missing and not missing_left)
    yield from _leaves(tree, left, {**bounds, column: low})
    yield from _leaves(tree, right, {**bounds, column: high})


def _said(column: Column, bound: _Bound) -> str:
    name = column.name.replace("segment.", "segment ").replace("_", " ")
    if column.value is not None:
        return f"{name} {'=' if bound.low >= 0 else '≠'} {column.value}"
    if column.name in _FLAGS and not bound.missing:
        plain = name.removeprefix("is ").removeprefix("has ")
        return plain if bound.low >= 0 else f"not {plain}"
    parts = []
    if bound.low > -np.inf:
        parts.append(f"> {_number(bound.low)}")
    if bound.high < np.inf:
        parts.append(f"≤ {_number(bound.high)}")
    if not parts:
        return f"{name} given"
    return f"{name} {' and '.join(parts)}{' or not given' if bound.missing else ''}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
