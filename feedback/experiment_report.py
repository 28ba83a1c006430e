"""What an experiment says so far: both arms, their difference with its interval, and what limits it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import msgspec
from django.db import connection

from feedback.experiment_figures import (
    MEASURES,
    ArmFigures,
    Block,
    Shown,
    arm_of,
    canary_arm,
    counts_between,
    shadow_figures,
    time_blocks,
    versions_of,
)
from feedback.metrics import HOUR, LONGEST
from feedback.models import Experiment, MetricSweep
from feedback.queue_loads import first_id
from feedback.stats.blocks import block_difference
from feedback.stats.difference import Measured, newcombe
from hitl.core.clock import now, rfc3339

Kind = Experiment.Kind
_MOST = 20_000
_SHARED = 0.2
# Who judged which arm's cases, of the newest judgements in the time.
_PEOPLE = """
SELECT count(*) FILTER (WHERE first), count(*) FILTER (WHERE second), count(*) FILTER (WHERE first AND second) FROM (
  SELECT j.user_id, bool_or({first}) AS first, bool_or({second}) AS second
  FROM (SELECT user_id, case_id FROM reviews_judgement
        WHERE workspace_id = %(workspace)s AND id >= %(low)s AND id < %(high)s AND stage = 'final'
          AND undone_at IS NULL ORDER BY id DESC LIMIT %(most)s) j
  JOIN reviews_case c ON c.id = j.case_id AND c.task_type_id = %(task_type)s
    AND c.created_at >= %(since)s AND c.created_at < %(until)s
  JOIN reviews_casecontent k ON k.case_id = c.id
  GROUP BY j.user_id
) judged
"""
_WHERE = {
    "policy": "c.policy_version = %({0})s::int",
    "model": "c.model_version = %({0})s",
    "segment": (
        "k.context -> 'segments' ->> split_part(%({0})s::text, '=', 1)"
        " = substr(%({0})s::text, strpos(%({0})s::text, '=') + 1)"
    ),
}
_BY_TIME = (
    "EXISTS (SELECT 1 FROM unnest(%({0}_from)s::timestamptz[], %({0}_to)s::timestamptz[]) b(s, e) "
    "WHERE c.created_at >= b.s AND c.created_at < b.e)"
)


class ShownOut(msgspec.Struct, frozen=True):
    """With its 95 % interval; value null where there is not enough. Shares 0-1, `wait` in seconds."""

    value: float | None
    low: float | None
    high: float | None
    n: float


class MeasureCompared(msgspec.Struct, frozen=True):
    """`difference`: first less second; `reason` says why there is none."""

    measure: str
    first: ShownOut
    second: ShownOut
    difference: ShownOut
    reason: str | None


class BlockOut(msgspec.Struct, frozen=True):
    since: str | None
    until: str | None
    arm: int
    cases: int
    value: float | None


class People(msgspec.Struct, frozen=True):
    """Who judged cases of each arm, and of both."""

    first: int
    second: int
    both: int


class ExperimentReport(msgspec.Struct, frozen=True):
    """cases: of first and second. blocks: of a comparison by time, by the declared measure. people: null in shadow."""

    since: str | None
    until: str | None
    method: str
    cases: tuple[int, int]
    measures: list[MeasureCompared]
    blocks: list[BlockOut]
    people: People | None
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Compared:
    """What a design gives; differences by measure, with the reason where null."""

    method: str
    first: ArmFigures
    second: ArmFigures
    differences: dict[str, tuple[Measured | None, str | None]]
    warnings: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()


def report_of(experiment: Experiment) -> ExperimentReport:
    """From its start to its end, or to now; by time and segment to the last whole hour counted."""
    until = _until(experiment)
    design: Callable[[Experiment, datetime], _Compared] = {
        Kind.SHADOW: _shadow,
        Kind.SPLIT: _split,
        Kind.SEGMENT: _segment,
        Kind.TIME: _time,
    }[Kind(experiment.kind)]
    found = design(experiment, until)
    people = None if experiment.kind == Kind.SHADOW else _people(experiment, until, found.blocks)
    return ExperimentReport(
        since=rfc3339(experiment.starts_at),
        until=rfc3339(until),
        method=found.method,
        cases=(found.first.cases, found.second.cases),
        measures=[_compared(name, found) for name in MEASURES if name in found.first.measures],
        blocks=[
            BlockOut(rfc3339(b.since), rfc3339(b.until), b.arm, b.cases, b.values.get(experiment.measure))
            for b in found.blocks
        ],
        people=people,
        warnings=[*found.warnings, *_cautions(experiment, found, people)],
    )


def _until(experiment: Experiment) -> datetime:
    """Its end, or now; where hours are counted, the last whole one. Never before its start."""
    at = now()
    until = min(experiment.ends_at or at, at)
    if _by_hours(experiment):
        sweep = MetricSweep.objects.filter(pk=1).first()
        counted = sweep.counted_to if sweep else experiment.starts_at
        until = min(until, counted).replace(minute=0, second=0, microsecond=0)
    return max(until, experiment.starts_at)


def _by_hours(experiment: Experiment) -> bool:
    """Whether its figures are made of hours counted beforehand, which are kept for some time only."""
    return experiment.kind in (Kind.SEGMENT, Kind.TIME) or experiment.over == Experiment.Over.MODEL


def _shadow(experiment: Experiment, until: datetime) -> _Compared:
    version = versions_of(experiment)[0]
    assert version is not None
    found = shadow_figures(version, experiment.starts_at, until)
    differences = _independent(found.first, found.second) | {name: (d, None) for name, d in found.paired.items()}
    return _Compared(
        "Each case is asked of both versions; shares are compared case by case (Agresti & Min 2005). A shadow is never "
        "followed, so nobody waited for it or overruled it.",
        found.first, found.second, differences,
    )  # fmt: skip


def _split(experiment: Experiment, until: datetime) -> _Compared:
    if experiment.over == Experiment.Over.MODEL:
        arms = [
            arm_of(counts_between(experiment, experiment.starts_at, until, model=name))
            for name in (experiment.first, experiment.second)
        ]
        warning = "Which model predicts a case is the partner's choice: unless it is made by chance, cases differ too."
        method = "Cases of the two model versions in the same time, each difference by Newcombe 1998, method 10."
        return _Compared(method, arms[0], arms[1], _independent(*arms), (warning,))
    first, second = versions_of(experiment)
    assert first is not None and second is not None
    arms = [canary_arm(version, experiment.starts_at, until) for version in (first, second)]
    method = (
        "A hash of the case's subject picks the version while a canary runs; each difference by Newcombe 1998, method "
        "10. Cases of one subject stay together, which the intervals do not know."
    )
    return _Compared(method, arms[0], arms[1], _independent(*arms))


def _segment(experiment: Experiment, until: datetime) -> _Compared:
    """The change of the one since the start, less the change of the other."""
    start, length = experiment.starts_at, until - experiment.starts_at
    past = max(start - length, min(_counted_from(), start))
    now_then = []
    for name in (experiment.first, experiment.second):
        after = arm_of(counts_between(experiment, start, until, segment=name))
        before = arm_of(counts_between(experiment, past, start, segment=name))
        now_then.append((after, before))
    (first, was_first), (second, was_second) = now_then
    lately, earlier = _independent(first, second), _independent(was_first, was_second)
    differences: dict[str, tuple[Measured | None, str | None]] = {}
    for name in lately:
        late, early = lately[name][0], earlier[name][0]
        if late is None or early is None:
            differences[name] = None, "Too little is known of the same length of time before the start."
        else:
            differences[name] = newcombe(late, early), None
    method = (
        "Difference in differences: what lies between the segments since the start, less what lay between them in the "
        "same length of time before; intervals combined after Newcombe 1998. It holds if both would have moved alike."
    )
    days = (start - past).days
    shorter = (
        f"Hours are kept for {LONGEST.days} days: only the last {days} days before the start count, fewer than since."
    )
    return _Compared(method, first, second, differences, (shorter,) if past > start - length else ())


def _counted_from() -> datetime:
    """Since when hours are still there; of all time before anything was counted."""
    sweep = MetricSweep.objects.filter(pk=1).first()
    return datetime.min.replace(tzinfo=UTC) if sweep is None else sweep.counted_to - LONGEST


def _time(experiment: Experiment, until: datetime) -> _Compared:
    blocks, left_out = time_blocks(experiment, until)
    differences: dict[str, tuple[Measured | None, str | None]] = {}
    arms = [
        ArmFigures(
            sum(block.cases for block in blocks if block.arm == arm),
            {name: _mean(_values_of(blocks, arm, name)) for name in MEASURES},
        )
        for arm in (1, 2)
    ]
    for name in MEASURES:
        found = block_difference(_values_of(blocks, 1, name), _values_of(blocks, 2, name))
        if found.value is None or found.low is None or found.high is None:
            differences[name] = None, found.reason
        else:
            differences[name] = (found.value, found.low, found.high), None
    method = (
        "Each block of time is one observation (Bojinov, Simchi-Levi & Zhao 2023); the arms' mean blocks differ with "
        "Welch's interval. The arms' own figures are means of blocks."
    )
    return _Compared(method, arms[0], arms[1], differences, tuple(_about_blocks(experiment, left_out)), tuple(blocks))


def _values_of(blocks: list[Block], arm: int, name: str) -> list[float]:
    return [block.values[name] for block in blocks if block.arm == arm and name in block.values]


def _about_blocks(experiment: Experiment, left_out: int) -> Iterator[str]:
    if left_out:
        yield f"{left_out} blocks are left out: neither arm, or both, decided in them."
    if not experiment.washout_hours:
        yield "Nothing is left out at the start of a block, so what waited from the one before counts in it."


def _mean(values: list[float]) -> Shown:
    """Its interval is that of the difference alone."""
    return Shown(fmean(values) if values else None, None, None, len(values))


def _independent(first: ArmFigures, second: ArmFigures) -> dict[str, tuple[Measured | None, str | None]]:
    found: dict[str, tuple[Measured | None, str | None]] = {}
    for name, figure in first.measures.items():
        one, other = figure.measured, second.measures[name].measured
        known = one is not None and other is not None
        found[name] = (newcombe(one, other), None) if one and other and known else (None, "Too little is known.")
    return found


def _compared(name: str, found: _Compared) -> MeasureCompared:
    one, other = found.first.measures[name], found.second.measures[name]
    difference, reason = found.differences[name]
    value, low, high = difference or (None, None, None)
    return MeasureCompared(name, _out(one), _out(other), ShownOut(value, low, high, one.n + other.n), reason)


def _out(shown: Shown) -> ShownOut:
    return ShownOut(shown.value, shown.low, shown.high, shown.n)


def _people(experiment: Experiment, until: datetime, blocks: tuple[Block, ...]) -> People:
    what = "segment" if experiment.kind == Kind.SEGMENT else experiment.over
    condition = _BY_TIME if experiment.kind == Kind.TIME else _WHERE[what]
    values: dict[str, Any] = {
        "workspace": experiment.workspace_id, "task_type": experiment.task_type_id, "since": experiment.starts_at,
        "until": until, "low": first_id(experiment.starts_at), "high": first_id(now()), "most": _MOST,
        "first": experiment.first, "second": experiment.second,
    }  # fmt: skip
    for arm, name in ((1, "first"), (2, "second")):
        values[f"{name}_from"] = [b.since for b in blocks if b.arm == arm]
        values[f"{name}_to"] = [b.until for b in blocks if b.arm == arm]
    text = _PEOPLE.format(first=condition.format("first"), second=condition.format("second"))
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        row = cursor.fetchone()
    return People(*(row or (0, 0, 0)))


def _cautions(experiment: Experiment, found: _Compared, people: People | None) -> Iterator[str]:
    whole = people.first + people.second - people.both if people else 0
    if people and people.both and people.both >= _SHARED * whole:
        yield (
            f"{people.both} of {whole} people judged cases of both: what one makes them do waits with the other's, so "
            "times and waits of the two are not independent and lie closer together than with people of their own."
        )
        load, _ = found.differences.get("reviewed", (None, None))
        if load is not None and (load[1] > 0.0 or load[2] < 0.0):
            yield "One sends surely more cases to these people than the other, so it lengthens the other's waits too."
    if experiment.status == Experiment.Status.RUNNING and experiment.ends_at is None:
        yield "It has no end: stopping when the figures please makes their intervals too narrow."
    if _by_hours(experiment) and experiment.starts_at < _counted_from():
        yield f"It began longer ago than hours are kept: only the last {LONGEST.days} days of it count."
    if experiment.created_at > experiment.starts_at + HOUR:
        yield "It was declared after its start: the measure may have been chosen with the figures in view."
