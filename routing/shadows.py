"""What a version in shadow would have done, beside what was done: counted from one index, listed newest first."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import F, QuerySet

from routing.models import ShadowDecision

NEWEST = 50_000
"""A comparison counts the newest cases, so that its cost is bounded; a page says so where there are more."""

_CUBE = """
SELECT live_action, action, label, risk, live_tier, tier, live_reviewed, reviewed, count(*)
FROM (SELECT live_action, action, label, risk, live_tier, tier, live_reviewed, reviewed FROM routing_shadowdecision
      WHERE policy_version_id = %s ORDER BY id DESC LIMIT %s) newest
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """So many cases with this live action for which the shadow had that action."""

    live: str
    shadow: str
    n: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The cases with one label or risk: how many, how many differ, and how many people see under either version."""

    name: str
    n: int
    differ: int
    live_reviewed: int
    shadow_reviewed: int


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """Of the newest `n` cases: the matrix of actions, and by label, by risk and by tier that would review."""

    n: int
    differ: int
    capped: bool
    matrix: tuple[Cell, ...]
    by_label: tuple[Slice, ...]
    by_risk: tuple[Slice, ...]
    load: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    live: str
    shadow: str
    label: str | None
    risk: str
    live_tier: str
    tier: str
    live_reviewed: bool
    reviewed: bool
    n: int


def compare_shadow(version_id: uuid.UUID) -> ShadowComparison:
    """One query, by an index alone; no rows gives zeros."""
    with connection.cursor() as cursor:
        cursor.execute(_CUBE, [version_id, NEWEST])
        groups = [_Group(*row) for row in cursor.fetchall()]
    cells: dict[tuple[str, str], int] = defaultdict(int)
    for group in groups:
        cells[group.live, group.shadow] += group.n
    n = sum(cells.values())
    return ShadowComparison(
        n=n,
        differ=sum(count for (live, shadow), count in cells.items() if live != shadow),
        capped=n >= NEWEST,
        matrix=tuple(Cell(live, shadow, count) for (live, shadow), count in sorted(cells.items())),
        by_label=_slices(groups, lambda group: group.label or ""),
        by_risk=_slices(groups, lambda group: group.risk),
        load=_load(groups),
    )


def differing_cases(
    version_id: uuid.UUID, *, live: str | None = None, shadow: str | None = None
) -> QuerySet[ShadowDecision]:
    """The cases the shadow would have treated otherwise, for keyset pages; optionally one cell of the matrix."""
    rows = ShadowDecision.objects.filter(policy_version_id=version_id).exclude(action=F("live_action"))
    if live:
        rows = rows.filter(live_action=live)
    if shadow:
        rows = rows.filter(action=shadow)
    return rows.defer("trace", "priority_breakdown")


def _slices(groups: Iterable[_Group], name: Callable[[_Group], str]) -> tuple[Slice, ...]:
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for group in groups:
        added = (1, group.live != group.shadow, group.live_reviewed, group.reviewed)
        found[name(group)] = [sum_ + group.n * one for sum_, one in zip(found[name(group)], added, strict=True)]
    rows = (Slice(each, *counts) for each, counts in found.items())
    return tuple(sorted(rows, key=lambda row: (-row.n, row.name)))


def _load(groups: Iterable[_Group]) -> tuple[Slice, ...]:
    """Reviews by tier; those of automated cases, drawn for an audit, stand under the machine's own tier."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for group in groups:
        found[group.live_tier][0] += group.n * group.live_reviewed
        found[group.tier][1] += group.n * group.reviewed
    return tuple(Slice(tier, 0, 0, live, shadow) for tier, (live, shadow) in sorted(found.items()) if live or shadow)
