"""Agreement between people who judged the same cases: all together, by label, by pair, and where they part.

Pure and in plain Python, because the page that shows it runs in the web process. Each unit is one case with what each
person said of it; which two of many people judged a case does not matter to the coefficients of panels, so ratings are
packed into as many rows as the largest panel had.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, log2

from feedback.stats.agreement import AgreementReport, agreement
from feedback.stats.bounds import Interval, wilson_interval
from feedback.stats.kappa import cohen
from feedback.stats.multirater import fleiss, gwet_ac1
from feedback.stats.ratings import Coefficient, Level, Rating, rating_table

MOST_LABELS = 12
"""Beyond so many labels the table of disagreements shows the most used."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One case. `said`: person → label, two people or more. `queue`: where it was judged first."""

    case: str
    queue: str
    said: Mapping[str, str]

    @property
    def disputed(self) -> bool:
        return len(set(self.said.values())) > 1

    @property
    def entropy(self) -> float:
        """Of the labels, in bits: 0 where all agree."""
        n = len(self.said)
        shares = [times / n for times in Counter(self.said.values()).values()]
        return abs(sum(share * log2(share) for share in shares))


@dataclass(frozen=True, slots=True)
class Alike:
    """How many of `n` cases all said the same of, with Wilson's 95 % interval; 0-1 without cases."""

    k: int
    n: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of a queue, a label or a pair of people. For a label: it against all others."""

    name: str
    alike: Alike
    coefficients: tuple[Coefficient, ...]


@dataclass(frozen=True, slots=True)
class Coincidences:
    """How often label `labels[i]` met `labels[j]` in two people's judgements of one case, each case counting once.

    Symmetric; the diagonal is agreement. `cells[i][j]` are pairs divided by (m - 1) for a case with m judgements, as
    Krippendorff's coincidence matrix (2004, Content Analysis, ch. 11). `left_out`: labels beyond `MOST_LABELS`.
    """

    labels: tuple[str, ...]
    cells: tuple[tuple[float, ...], ...]
    left_out: int


def whole_agreement(units: Sequence[Unit]) -> AgreementReport:
    """All five coefficients over these cases; Cohen's where exactly two people judged them all.

    Labels that are all numbers count as ordinal, others as nominal.
    """
    people = sorted({person for unit in units for person in unit.said})
    rows: list[list[Rating | None]]
    if len(people) == 2:
        rows = [[unit.said.get(person) for unit in units] for person in people]
    else:
        rows = packed([list(unit.said.values()) for unit in units])
    numbers = {label: _number(label) for unit in units for label in unit.said.values()}
    if numbers and None not in numbers.values():
        as_numbers = [[None if label is None else numbers[str(label)] for label in row] for row in rows]
        return agreement(as_numbers, Level.ORDINAL)
    return agreement(rows, Level.NOMINAL)


def by_queue(units: Sequence[Unit]) -> list[Group]:
    """Fleiss' kappa and Gwet's AC1 per queue, the largest first."""
    parts: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        parts[unit.queue].append(unit)
    return _largest_first([_group(name, [list(u.said.values()) for u in part]) for name, part in parts.items()])


def by_label(units: Sequence[Unit]) -> list[Group]:
    """Each label against all others, over the cases where anybody said it (`alike`) and over all (coefficients).

    Fleiss' kappa of a label against the rest is his per-category kappa (Fleiss 1971, Psychological Bulletin 76:378).
    """
    labels = sorted({label for unit in units for label in unit.said.values()})
    found = []
    for label in labels:
        binary = [["yes" if said == label else "no" for said in unit.said.values()] for unit in units]
        about = [ratings for ratings in binary if "yes" in ratings]
        found.append(Group(label, _alike(about), _panel(binary)))
    return _largest_first(found)


def by_pair(units: Sequence[Unit]) -> list[tuple[tuple[str, str], Group]]:
    """Cohen's kappa and Gwet's AC1 of each two people over the cases both judged; the largest first."""
    parts: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for unit in units:
        for one, other in combinations(sorted(unit.said), 2):
            parts[one, other].append([unit.said[one], unit.said[other]])
    found = []
    for pair, ratings in parts.items():
        table = rating_table([list(row) for row in zip(*ratings, strict=True)])
        found.append((pair, Group("", _alike(ratings), (cohen(table), gwet_ac1(table)))))
    return sorted(found, key=lambda item: (-item[1].alike.n, item[0]))


def coincidences(units: Sequence[Unit]) -> Coincidences:
    """Which labels meet which."""
    used = Counter(label for unit in units for label in unit.said.values())
    labels = tuple(label for label, _ in used.most_common(MOST_LABELS))
    place = {label: index for index, label in enumerate(labels)}
    cells = [[0.0] * len(labels) for _ in labels]
    for unit in units:
        said = list(unit.said.values())
        for one, other in combinations(said, 2):
            if one in place and other in place:
                cells[place[one]][place[other]] += 1.0 / (len(said) - 1)
                cells[place[other]][place[one]] += 1.0 / (len(said) - 1)
    return Coincidences(labels, tuple(map(tuple, cells)), len(used) - len(labels))


def most_disputed(units: Sequence[Unit]) -> list[Unit]:
    """Where they disagree: the greatest entropy first, among equals more judgements."""
    disputed = [unit for unit in units if unit.disputed]
    return sorted(disputed, key=lambda u: (-u.entropy, -len(u.said), u.case))


def packed(ratings: Sequence[Sequence[str]]) -> list[list[Rating | None]]:
    """Units' ratings as rows of raters: as many as the largest unit has, the rest null."""
    width = max(map(len, ratings), default=0)
    return [[unit[row] if row < len(unit) else None for unit in ratings] for row in range(width)]


def _group(name: str, ratings: Sequence[Sequence[str]]) -> Group:
    return Group(name, _alike(ratings), _panel(ratings))


def _panel(ratings: Sequence[Sequence[str]]) -> tuple[Coefficient, ...]:
    table = rating_table(packed(ratings))
    return fleiss(table), gwet_ac1(table)


def _alike(ratings: Sequence[Sequence[str]]) -> Alike:
    k, n = sum(len(set(unit)) == 1 for unit in ratings), len(ratings)
    return Alike(k, n, wilson_interval(k, n))


def _largest_first(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-group.alike.n, group.name))


def _number(label: str) -> float | None:
    try:
        value = float(label)
    except ValueError:
        return None
    return value if isfinite(value) else None
