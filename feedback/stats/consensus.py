"""Consensus drift: the same kind of case judged otherwise now than before, under one guideline (mission F16).

Pure, plain Python. A cell is one kind of case: task type, model version, the machine's answer, band of its confidence,
and whether people judged unaided. Only judgements under the same guideline version are compared: after a change people
are meant to judge otherwise.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.stats.bounds import Interval, wilson_interval
from feedback.stats.comparing import TwoCounts, exact_more, holm
from feedback.stats.difference import newcombe

ENOUGH = 20
"""Judgements of a cell needed in each of the two times."""
ALPHA = 0.05
BANDS = ((0.6, "< 0.6"), (0.85, "0.6–0.85"), (2.0, "≥ 0.85"))


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One kind of case, under one guideline (`guideline`: its version's number, 0 where none was in force)."""

    task_type: str
    model_version: str
    machine: str
    band: str
    unaided: bool
    guideline: int


@dataclass(frozen=True, slots=True)
class Said:
    """One judgement. `now`: in the later of the two times."""

    cell: Cell
    person: str
    case: str
    label: str
    now: bool


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n` with Wilson's 95 % interval."""

    k: int
    n: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Shift:
    """A label given more or less often in a cell than before.

    `change`: now less before, with Newcombe's 95 % interval; `p`: two-sided exact, adjusted for every cell and label
    looked at (Holm); `p_same_people`: the same within people who judged in both times, not adjusted; null where nobody
    did. A small `p` beside a large `p_same_people` points at other people, not at people who changed their mind.
    """

    cell: Cell
    label: str
    before: Share
    now: Share
    change: float
    low: float
    high: float
    p: float
    p_same_people: float | None
    cases_before: tuple[str, ...]
    cases_now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consensus:
    """`shifts`: those found, strongest first; `looked_at`: cells with enough in both times; `too_small`: the others;
    `guideline_changed`: kinds of case whose two times share no guideline version, which therefore say nothing.
    """

    shifts: tuple[Shift, ...]
    looked_at: int
    too_small: int
    guideline_changed: int


def band_of(confidence: float | None) -> str:
    """The band of a stated confidence; “none” without one."""
    return "none" if confidence is None else next(name for bound, name in BANDS if confidence < bound)


def consensus_drift(rows: Sequence[Said], alpha: float = ALPHA, enough: int = ENOUGH) -> Consensus:
    """Every cell with `enough` judgements in both times, label by label.

    Fisher's exact test, two-sided as twice the smaller tail (Fisher 1935; Yates 1984, JRSS A 147:426), with Holm's
    correction over all cells and labels, so that one shift or more is named by chance in at most `alpha` of looks.
    Judgements are taken as independent; `p_same_people` shows what a change of staff does.
    """
    cells: dict[Cell, list[Said]] = defaultdict(list)
    for row in rows:
        cells[row.cell].append(row)
    able = {cell: said for cell, said in cells.items() if min(_sizes(said)) >= enough}
    looks = [(cell, label) for cell in sorted(able) for label in sorted({row.label for row in able[cell]})]
    raw = [_two_sided([_counts(able[cell], label)]) for cell, label in looks]
    found = [
        _shift(cell, label, able[cell], p)
        for (cell, label), p in zip(looks, holm(raw), strict=True)
        if p < alpha
    ]  # fmt: skip
    return Consensus(
        tuple(sorted(found, key=lambda s: (s.p, s.cell, s.label))), len(able), len(cells) - len(able), _changed(cells)
    )


def _changed(cells: dict[Cell, list[Said]]) -> int:
    """Kinds of case judged in both times, but never under one guideline."""
    kinds: dict[tuple[object, ...], tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for cell, said in cells.items():
        kind = (cell.task_type, cell.model_version, cell.machine, cell.band, cell.unaided)
        for row in said:
            kinds[kind][row.now].add(cell.guideline)
    return sum(bool(before and now and not before & now) for before, now in kinds.values())


def _sizes(said: Sequence[Said]) -> tuple[int, int]:
    now = sum(row.now for row in said)
    return len(said) - now, now


def _counts(said: Sequence[Said], label: str) -> TwoCounts:
    before, now = _sizes(said)
    hits = [row.now for row in said if row.label == label]
    return TwoCounts(sum(hits), now, len(hits) - sum(hits), before)


def _two_sided(strata: Sequence[TwoCounts]) -> float:
    mirrored = [TwoCounts(s.n - s.k, s.n, s.others_n - s.others_k, s.others_n) for s in strata]
    return min(1.0, 2.0 * min(exact_more(strata), exact_more(mirrored)))


def _shift(cell: Cell, label: str, said: Sequence[Said], p: float) -> Shift:
    counts = _counts(said, label)
    now = Share(counts.k, counts.n, wilson_interval(counts.k, counts.n))
    before = Share(counts.others_k, counts.others_n, wilson_interval(counts.others_k, counts.others_n))
    change, low, high = newcombe((now.k / now.n, *now.interval), (before.k / before.n, *before.interval))
    people: dict[str, list[Said]] = defaultdict(list)
    for row in said:
        people[row.person].append(row)
    strata = [_counts(mine, label) for mine in people.values() if min(_sizes(mine)) > 0]
    cases = [
        tuple(dict.fromkeys(row.case for row in reversed(said) if row.label == label and row.now is when))
        for when in (False, True)
    ]
    return Shift(
        cell, label, before, now, change, max(-1.0, low), min(1.0, high), p, _two_sided(strata) if strata else None,
        *cases,
    )  # fmt: skip
