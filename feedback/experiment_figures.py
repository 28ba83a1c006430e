"""The arms of an experiment as figures: from hours counted beforehand, from a canary's cases, or from a shadow's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from feedback.metrics import HOUR, Counts, Span, Step, added, counted_steps
from feedback.models import Experiment
from feedback.stats.blocks import paired_difference
from feedback.stats.difference import Measured, Proportion
from feedback.stats.replay_estimates import Estimate, Share, Sums, error_rate, share
from feedback.stats.waits import BUCKETS, Quantile, bucket_of, quantile
from feedback.trials import NEWEST, arm_between
from routing.engine.chances import automation_chance
from routing.engine.route import Action
from routing.models import PolicyVersion
from routing.timeline import intervals_of

MEASURES = tuple(measure.value for measure in Experiment.Measure)
_PURE = 0.95  # share of a block's cases that one model version must have
_SHADOW = """
SELECT s.action, s.action_propensity, s.reviewed, s.live_action, r.action_propensity, s.live_reviewed, s.label,
  t.unaided_label, t.selection_probability
FROM (SELECT * FROM routing_shadowdecision WHERE policy_version_id = %(version)s
        AND created_at >= %(since)s AND created_at < %(until)s ORDER BY id DESC LIMIT %(most)s) s
JOIN LATERAL (
  SELECT action_propensity FROM routing_routingdecision
  WHERE workspace_id = s.workspace_id AND case_id = s.case_id ORDER BY id DESC LIMIT 1
) r ON true
LEFT JOIN feedback_traininglabel t ON t.case_id = s.case_id AND t.selected_by = 'route'
"""
_WAITS = """
SELECT extract(epoch FROM d.at - c.created_at)::float8, t.due, t.met
FROM (SELECT case_id FROM routing_routingdecision WHERE policy_version_id = %(version)s AND version_probability < 1
        AND created_at >= %(since)s AND created_at < %(until)s AND action NOT LIKE 'automate%%'
      ORDER BY id DESC LIMIT %(most)s) r
JOIN reviews_case c ON c.id = r.case_id
LEFT JOIN LATERAL (
  SELECT min(created_at) AS at FROM reviews_decision
  WHERE case_id = c.id AND NOT provisional AND withdrawn_at IS NULL
) d ON true
LEFT JOIN LATERAL (
  SELECT count(*) AS due,
    count(*) FILTER (WHERE status = 'done' AND done_at <= due_at AND sla_expired_at IS NULL) AS met
  FROM reviews_reviewtask
  WHERE case_id = c.id AND kind IN ('first', 'second', 'third', 'role', 'adjudication')
    AND (status = 'done' OR sla_expired_at IS NOT NULL)
) t ON true
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure with its 95 % interval; value null where there is not enough. n: observations, fewer where weighted."""

    value: float | None
    low: float | None
    high: float | None
    n: float

    @property
    def measured(self) -> Measured | None:
        """For `newcombe`; null without a value or an end."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return self.value, self.low, self.high


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm: its cases and measures by name; a measure that this design cannot have is left out."""

    cases: int
    measures: Mapping[str, Shown]


@dataclass(frozen=True, slots=True)
class Block:
    """A whole stretch of time under one arm, 1 or 2. values: the measures it has."""

    since: datetime
    until: datetime
    arm: int
    cases: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """Both arms and, for what every case tells of both, the paired difference."""

    first: ArmFigures
    second: ArmFigures
    paired: Mapping[str, Measured]


def arm_of(counts: Counts) -> ArmFigures:
    """From counted hours."""
    found = {name: _shown(counts.rate(name)) for name in ("automated", "reviewed", "overridden", "sla_met")}
    return ArmFigures(
        counts.cases, found | {"error": _shown(counts.error()), "wait": _of_quantile(quantile(counts.waits, 0.5))}
    )


def by_hours(
    experiment: Experiment, since: datetime, until: datetime, *, segment: str = "", model: str | None = None
) -> tuple[Step, ...]:
    """The hours of the experiment's task type; of one segment (`name=value`) or model version where asked."""
    name, _, value = segment.partition("=")
    pair = (name, value) if segment else None
    return counted_steps(experiment.workspace_id, [experiment.task_type_id], Span(since, until), pair, model)


def counts_between(
    experiment: Experiment, since: datetime, until: datetime, *, segment: str = "", model: str | None = None
) -> Counts:
    """The same, all together."""
    return added(by_hours(experiment, since, until, segment=segment, model=model))


def canary_arm(version: PolicyVersion, since: datetime, until: datetime) -> ArmFigures:
    """A version's cases while a canary shared them, the newest 20,000."""
    arm = arm_between(version.number, version.pk, since, until)
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, {"version": version.pk, "since": since, "until": until, "most": NEWEST})
        rows = cursor.fetchall()
    waits = [0] * BUCKETS
    for seconds, _due, _met in rows:
        if seconds is not None:
            waits[bucket_of(seconds)] += 1
    due, met = sum(row[1] for row in rows), sum(row[2] for row in rows)
    found = {name: _of_proportion(getattr(arm, name)) for name in ("automated", "reviewed", "overridden", "error")}
    return ArmFigures(arm.n, found | {"sla_met": _shown(share(met, due)), "wait": _of_quantile(quantile(waits, 0.5))})


def shadow_figures(version: PolicyVersion, since: datetime, until: datetime) -> ShadowFigures:
    """What the shadow would have done beside what was done, of the newest 20,000 cases."""
    with connection.cursor() as cursor:
        cursor.execute(_SHADOW, {"version": version.pk, "since": since, "until": until, "most": NEWEST})
        rows = cursor.fetchall()
    sums = Sums(), Sums()
    for action, chance, _, live, live_chance, _, label, truth, probability in rows:
        wrong = None if truth is None or label is None else float(truth != label)
        for part, done, dealt in ((sums[0], action, chance), (sums[1], live, live_chance)):
            part.add(max(0.0, round(automation_chance(Action(done), dealt), 9)), wrong, probability or 1.0)
    pairs = {
        "automated": [(row[0].startswith("automate"), row[3].startswith("automate")) for row in rows],
        "reviewed": [(row[2], row[5]) for row in rows],
    }
    arms = tuple(
        ArmFigures(
            len(rows),
            {name: _shown(share(sum(pair[k] for pair in each), len(rows))) for name, each in pairs.items()}
            | {"error": _shown(error_rate(sums[k]))},
        )
        for k in (0, 1)
    )
    return ShadowFigures(arms[0], arms[1], _paired(pairs))


def time_blocks(experiment: Experiment, until: datetime) -> tuple[list[Block], int]:
    """The whole blocks under one arm, and how many were left out because neither, or both, decided in them."""
    length, washout = timedelta(hours=experiment.block_hours or 1), timedelta(hours=experiment.washout_hours)
    arms = _arms_by_time(experiment, until)
    steps = {step.at: step.counts for step in by_hours(experiment, experiment.starts_at, until)}
    blocks, left_out, start = [], 0, experiment.starts_at
    while start + length <= until:
        first, end = start + washout, start + length
        arm = arms(first, end)
        hours = [steps[at] for at in _hours(first, end) if at in steps]
        if arm is None:
            left_out += 1
        elif hours:
            counts = added([Step(first, each) for each in hours])
            blocks.append(Block(start, end, arm, counts.cases, _values(counts)))
        start = end
    return blocks, left_out


class _ByPolicy:
    """Which of two versions was in force, alone, from then to then: no canary beside it decided cases too."""

    def __init__(self, experiment: Experiment) -> None:
        numbers, intervals = (int(experiment.first), int(experiment.second)), intervals_of(experiment.task_type.policy)
        self._stretches = [
            (numbers.index(i.number) + 1, i.since, i.until)
            for i in intervals
            if i.status == PolicyVersion.Status.ACTIVE and i.number in numbers
        ]
        self._canaries = [(i.since, i.until) for i in intervals if i.status == PolicyVersion.Status.CANARY]

    def __call__(self, since: datetime, until: datetime) -> int | None:
        if any(s < until and (u is None or u > since) for s, u in self._canaries):
            return None
        return next((arm for arm, s, u in self._stretches if s <= since and (u is None or u >= until)), None)


class _ByModel:
    """Which of two model versions nearly all cases came from."""

    def __init__(self, experiment: Experiment, until: datetime) -> None:
        span = (experiment, experiment.starts_at, until)
        self._all = {step.at: step.counts.cases for step in by_hours(*span)}
        self._arms = [
            {step.at: step.counts.cases for step in by_hours(*span, model=name)}
            for name in (experiment.first, experiment.second)
        ]

    def __call__(self, since: datetime, until: datetime) -> int | None:
        hours = list(_hours(since, until))
        whole = sum(self._all.get(at, 0) for at in hours)
        for place, cases in enumerate(self._arms):
            if whole and sum(cases.get(at, 0) for at in hours) >= _PURE * whole:
                return place + 1
        return None


def _arms_by_time(experiment: Experiment, until: datetime) -> _ByPolicy | _ByModel:
    return _ByPolicy(experiment) if experiment.over == Experiment.Over.POLICY else _ByModel(experiment, until)


def _hours(since: datetime, until: datetime) -> list[datetime]:
    return [since + n * HOUR for n in range(int((until - since) / HOUR))]


def _values(counts: Counts) -> dict[str, float]:
    found = {name: figure.value for name, figure in arm_of(counts).measures.items()}
    if counts.errors.w > 0.0:
        found["error"] = counts.errors.wl / counts.errors.w  # one block alone is too few for an estimate
    return {name: value for name, value in found.items() if value is not None}


def _paired(pairs: Mapping[str, Sequence[tuple[bool, bool]]]) -> dict[str, Measured]:
    found = {}
    for name, each in pairs.items():
        only = sum(a and not b for a, b in each), sum(b and not a for a, b in each)
        if difference := paired_difference(*only, len(each)):
            found[name] = difference
    return found


def _shown(found: Share | Estimate) -> Shown:
    return Shown(found.value, found.low, found.high, found.effective_n if isinstance(found, Estimate) else found.n)


def _of_proportion(found: Proportion) -> Shown:
    if found.share is None:
        return Shown(None, None, None, 0.0)
    return Shown(found.share, found.interval.low, found.interval.high, found.n)


def _of_quantile(found: Quantile) -> Shown:
    return Shown(found.value, found.low, found.high, found.n)


def versions_of(experiment: Experiment) -> tuple[PolicyVersion | None, PolicyVersion | None]:
    """The two policy versions that are compared; null where one is none."""
    rows = {str(v.number): v for v in PolicyVersion.objects.filter(policy__task_type_id=experiment.task_type_id)}
    return rows.get(experiment.first), rows.get(experiment.second)
