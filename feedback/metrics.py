"""What happened to the cases of a window, from whole hours counted beforehand (mission G4). No case is read."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from feedback.models import MetricSweep, PersonHour, QueueForecast
from feedback.selectors import task_type_by_slug, task_types_for_actor
from feedback.stats.replay_estimates import Estimate, Share, Sums, error_rate, share
from feedback.stats.waits import BUCKETS, Quantile, quantile
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, InvalidInput, Refused
from reviews.alerts import alerts_for_actor
from routing.models import TaskType

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEFAULT = "24h"
LONGEST = timedelta(days=90)
QUANTILES = (0.5, 0.9, 0.99)
ACTIONS = ("automate", "automate_and_audit", "automate_and_review", "review", "escalate", "gate")
_SUMMED = ("cases", *ACTIONS, "reviewed", "decided", "judged", "overridden", "appealed", "sla_due", "sla_met")
_ERRORS = len(Sums.__struct_fields__)
_READ = f"""
SELECT date_bin(%(step)s, hour, %(until)s) AS at, {", ".join(f"sum({name})" for name in _SUMMED)},
  ARRAY[{", ".join(f"sum(errors[{k}])" for k in range(1, _ERRORS + 1))}],
  ARRAY[{", ".join(f"sum(waits[{k}])" for k in range(1, BUCKETS + 1))}]::bigint[]
FROM feedback_metrichour
WHERE workspace_id = %(workspace)s AND segment_name = %(name)s AND segment_value = %(value)s
  AND hour >= %(since)s AND hour < %(until)s
  AND (%(task_types)s::uuid[] IS NULL OR task_type_id = ANY(%(task_types)s::uuid[]))
  AND (%(model)s::text IS NULL OR model_version = %(model)s)
GROUP BY 1 ORDER BY 1
"""
_OFFERED = """
SELECT DISTINCT segment_name, segment_value FROM feedback_metrichour
WHERE workspace_id = %(workspace)s AND segment_name > '' AND hour >= %(since)s AND hour < %(until)s
  AND (%(task_types)s::uuid[] IS NULL OR task_type_id = ANY(%(task_types)s::uuid[]))
ORDER BY 1, 2 LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class MetricsQuestion:
    """Which cases. `task_type` null: all the actor may see; `segment` null: all; `model_version` null: every one."""

    window: timedelta
    window_text: str = DEFAULT
    task_type: TaskType | None = None
    segment: tuple[str, str] | None = None
    model_version: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of some cases, by what was counted of them."""

    counted: dict[str, int]
    errors: Sums
    waits: tuple[int, ...]

    @property
    def cases(self) -> int:
        return self.counted["cases"]

    def rate(self, of: str) -> Share:
        """One of `RATES`."""
        parts, whole = RATES[of]
        return share(sum(self.counted[part] for part in parts), self.counted[whole])

    def part(self, counted: str) -> Share:
        """One count, of all cases."""
        return share(self.counted[counted], self.cases)

    def error(self) -> Estimate:
        """Of what the machine may decide, the share that is wrong, weighted by the inverse chance of being known."""
        return error_rate(self.errors)


RATES: dict[str, tuple[tuple[str, ...], str]] = {
    "automated": (ACTIONS[:3], "cases"),
    "reviewed": (("reviewed",), "cases"),
    "escalated": (("escalate",), "cases"),
    "gated": (("gate",), "cases"),
    "overridden": (("overridden",), "judged"),
    "appealed": (("appealed",), "decided"),
    "sla_met": (("sla_met",), "sla_due"),
}
"""Name → what is counted, and of what."""


@dataclass(frozen=True, slots=True)
class Step:
    """One hour, or one day of a long window, from `at`."""

    at: datetime
    counts: Counts


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A queue as last looked at; `waiting` counts at most 10,000."""

    slug: str
    title: str
    waiting: int
    reviewers: int
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class Metrics:
    """`until`: the end of the last whole hour counted, null before the first. reviewers: persons with a judgement in
    the window; alerts: neither answered nor resolved; both of the whole workspace, null for a key that sees part of it.
    """

    question: MetricsQuestion
    since: datetime | None
    until: datetime | None
    step: timedelta
    total: Counts
    steps: tuple[Step, ...]
    queues: tuple[QueueDepth, ...]
    reviewers: int | None
    alerts: int

    def times(self) -> list[Quantile]:
        """Percentiles of the time to the decision where a person had to act."""
        return [quantile(self.total.waits, wanted) for wanted in QUANTILES]


def question_of(actor: Actor, asked: dict[str, str]) -> MetricsQuestion:
    """Read `window` (24h, 7d …), `task_type`, `segment` (name=value), `model_version`. Raises InvalidInput, Refused."""
    text = asked.get("window") or DEFAULT
    kind = None
    if slug := asked.get("task_type"):
        kind = task_type_by_slug(actor, slug)
        if kind is None:
            problem = FieldProblem("?task_type", "Name a task type of this workspace.", "unknown_task_type")
            raise Refused(problem.detail, code=problem.code, errors=[problem])
    return MetricsQuestion(
        _window(text), text, kind, _segment(asked.get("segment", "")), asked.get("model_version") or None
    )


def metrics_for(actor: Actor, question: MetricsQuestion) -> Metrics:
    """The window's metrics from counted hours; five queries, whatever the number of cases."""
    sweep = MetricSweep.objects.filter(pk=1).first()
    until = sweep.counted_to if sweep else None
    since = until - question.window if until else None
    step = HOUR if question.window <= 2 * DAY else DAY
    steps: tuple[Step, ...] = ()
    if until and since:
        kinds, span = _task_types(actor, question), Span(since, until, step)
        steps = counted_steps(actor.workspace_id, kinds, span, question.segment, question.model_version)
    return Metrics(
        question, since, until, step, added(steps), steps,
        queues=_queues(actor, question),
        reviewers=_reviewers(actor, since) if since else None,
        alerts=alerts_for_actor(actor).filter(resolved_at__isnull=True, acknowledged_at__isnull=True).count(),
    )  # fmt: skip


def segments_offered(actor: Actor, question: MetricsQuestion, until: datetime | None) -> list[str]:
    """`name=value` of what cases of the last day declared, at most 200."""
    if until is None:
        return []
    values: dict[str, Any] = {"workspace": actor.workspace_id, "since": until - DAY, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_OFFERED, values | {"task_types": _task_types(actor, question)})
        return [f"{name}={value}" for name, value in cursor.fetchall()]


def _window(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hd])", text, re.ASCII)
    span = timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])}) if found else None
    if span is None or span > LONGEST:
        detail = f"Give whole hours or days, as in 24h or 7d, up to {LONGEST.days}d."
        raise InvalidInput(errors=[FieldProblem("?window", detail, "invalid_window")])
    return span


def _segment(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    name, mark, value = text.partition("=")
    if not (name and mark and value):
        raise InvalidInput(errors=[FieldProblem("?segment", "Write name=value, as in region=EU.", "invalid_segment")])
    return name, value


def _task_types(actor: Actor, question: MetricsQuestion) -> list[uuid.UUID] | None:
    if question.task_type is not None:
        return [question.task_type.pk]
    return None if actor.task_type_ids is None else list(actor.task_type_ids)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole hours from `since` to `until`, in steps that end with `until`."""

    since: datetime
    until: datetime
    step: timedelta = HOUR


def counted_steps(
    workspace_id: uuid.UUID,
    task_types: list[uuid.UUID] | None,
    span: Span,
    segment: tuple[str, str] | None = None,
    model_version: str | None = None,
) -> tuple[Step, ...]:
    """What was counted of these cases, step by step; steps without a case are left out. task_types null: all."""
    name, value = segment or ("", "")
    values: dict[str, Any] = {
        "workspace": workspace_id, "name": name, "value": value, "since": span.since, "until": span.until,
        "step": span.step, "task_types": task_types, "model": model_version,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ, values)
        return tuple(Step(row[0], _counts(row)) for row in cursor.fetchall())


def _counts(row: Sequence[Any]) -> Counts:
    *counted, errors, waits = row[1:]
    return Counts(dict(zip(_SUMMED, map(int, counted), strict=True)), _sums(errors), tuple(waits))


def _sums(values: Sequence[float]) -> Sums:
    expected, covered, n, w, w2, wl, w2l, w2l2, clipped = values
    return Sums(expected, covered, round(n), w, w2, wl, w2l, w2l2, round(clipped))


def added(steps: Sequence[Step]) -> Counts:
    """All of them together."""
    counted = {name: sum(step.counts.counted[name] for step in steps) for name in _SUMMED}
    errors = Sums()
    for step in steps:
        errors.merge(step.counts.errors)
    waits = tuple(sum(step.counts.waits[k] for step in steps) for k in range(BUCKETS))
    return Counts(counted, errors, waits)


def _queues(actor: Actor, question: MetricsQuestion) -> tuple[QueueDepth, ...]:
    rows = QueueForecast.objects.filter(workspace_id=actor.workspace_id).select_related("queue")
    if question.task_type is not None:
        rows = rows.filter(queue__task_type=question.task_type)
    elif actor.task_type_ids is not None:
        rows = rows.filter(queue__task_type_id__in=actor.task_type_ids)
    return tuple(
        QueueDepth(row.queue.slug, row.queue.title, row.waiting, row.reviewers, row.computed_at)
        for row in rows.order_by("-waiting", "queue__slug")[:200]
    )


def _reviewers(actor: Actor, since: datetime) -> int | None:
    if actor.task_type_ids is not None:
        return None
    people = PersonHour.objects.filter(workspace_id=actor.workspace_id, hour__gte=since, judged__gt=0)
    return people.values("user_id").distinct().count()


def task_types_offered(actor: Actor) -> list[TaskType]:
    """What the page lets one choose from."""
    return list(task_types_for_actor(actor)[:200])
