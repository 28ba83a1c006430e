"""One chunk of a replay: read stored cases, route each again, count and note what differs. Writes nothing.

Read by one statement as text and decoded straight into the engine's Features; the ORM would cost more than the engine.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import msgspec
from django.db import connection
from psycopg import Cursor

from feedback.models import ReplayChange, ReplayChunk, ReplayJob
from feedback.stats.replay_tally import Seen, Side, Tally, Truth
from feedback.structs import ReplayIn
from hitl.core.ids import new_id
from reviews.selectors import choose_queue
from routing.engine.chances import automation_chance, needs_review
from routing.engine.features import Features
from routing.engine.policy import Snapshot
from routing.engine.record import INPUT
from routing.engine.replay import replay_one
from routing.engine.route import Action, Route
from routing.models import TaskType
from routing.selectors import snapshot_of_version

NO_QUEUE = "(no queue)"

# A case that was routed more than once: the last route is the one that took effect.
_CASES = """
FROM reviews_case c
JOIN LATERAL (
  SELECT r.id, r.action, r.tier, r.sampled, r.action_propensity, r.selection_probability, r.features, r.trace
  FROM routing_routingdecision r WHERE r.workspace_id = c.workspace_id AND r.case_id = c.id ORDER BY r.id DESC LIMIT 1
) r ON true
"""
_READ = """
SELECT c.id::text, extract(epoch FROM c.created_at)::bigint / 3600, r.id::text, r.action, r.tier, r.sampled,
       r.action_propensity, r.features::text, l.unaided_label, l.selection_probability, {review_tier}, {input},
       r.selection_probability
{cases} LEFT JOIN feedback_traininglabel l ON l.case_id = c.id AND l.selected_by = 'route' {content}
WHERE {where} AND c.id BETWEEN %(first)s AND %(last)s ORDER BY c.id
"""
# The tier that audits what the machine decided is no column of its own; the trace says it.
_REVIEW_TIER = """CASE WHEN r.action LIKE 'automate%%'
  THEN jsonb_path_query_first(r.trace, '$[*] ? (@.step == "tier").detail.tier') #>> '{}' END"""
# Where each chunk begins, and the last case of all, of the newest cases that fit.
_CUT = """
WITH picked AS (
  SELECT c.id {cases} WHERE {where} ORDER BY c.id DESC LIMIT %(limit)s
), numbered AS (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS total FROM picked
)
SELECT id, place, total FROM numbered WHERE place %% %(size)s IN (0, %(size)s - 1) OR place = total - 1 ORDER BY place
"""
_FEATURES: msgspec.json.Decoder[Features] = msgspec.json.Decoder(Features)
_ACTIONS: Mapping[str, Action] = {action.value: action for action in Action}


@dataclass(frozen=True, slots=True)
class Cut:
    """A run of cases by id, both ends included."""

    first: uuid.UUID
    last: uuid.UUID
    cases: int


def cut_cases(job: ReplayJob, size: int) -> list[Cut]:
    """The job's cases in runs of at most `size`, oldest first."""
    where, values = _filters(job)
    wanted = question_of(job)
    text = _CUT.format(cases=_CASES, where=where)
    with connection.cursor() as cursor:
        cursor.execute(text, values | {"limit": wanted.limit, "size": size})
        rows = cursor.fetchall()
    starts = [row for row in rows if row[1] % size == 0]
    ends = [row for row in rows if row[1] % size == size - 1 or row[1] == row[2] - 1]
    return [Cut(start[0], end[0], end[1] - start[1] + 1) for start, end in zip(starts, ends, strict=True)]


def question_of(job: ReplayJob) -> ReplayIn:
    """Which cases the job is about."""
    return msgspec.convert(job.question, ReplayIn)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a chunk; `changes` are unsaved."""

    tally: Tally
    changes: list[ReplayChange]


def replay_chunk(job: ReplayJob, chunk: ReplayChunk) -> Replayed:
    """Route every case of the chunk again and compare. `job` with its versions and their policy's task type."""
    replayer = Replayer(job)
    tally, changes = Tally(), []
    for row in _rows(job, chunk, with_input=replayer.reads_input):
        found = replayer.look_at(row)
        if found is None:
            tally.unreadable += 1
            continue
        tally.add(found)
        if found.changed:
            changes.append(_change(job, chunk, row, found))
    return Replayed(tally, changes)


class Replayer:
    """What one job's cases are compared under, looked up once."""

    def __init__(self, job: ReplayJob) -> None:
        self._after = snapshot_of_version(job.version)
        self._before = snapshot_of_version(job.compared_with) if job.compared_with else None
        self._queue = queue_chooser(job)
        self._cost = costs_of(job.task_type)
        self._mean_cost = mean_costs_of(job.task_type)
        self.reads_input = any(_reads_input(s) for s in (self._after, self._before) if s is not None)

    def look_at(self, row: Sequence[Any]) -> Seen | None:
        """One row of `_READ` under both; null where its snapshot cannot be read."""
        case_id, hour, _, action, tier, sampled, propensity, stored, label, label_probability, reviewer, content = row[
            :12
        ]
        try:
            features = _FEATURES.decode(stored)
            if content is not None:
                features = replace(features, input=msgspec.json.decode(content))
        except (msgspec.DecodeError, ValueError):
            return None
        if self._before is None:
            before = self._side(_ACTIONS[action], tier, propensity, sampled, reviewer)
        else:
            before = self._side_of(replay_one(features, self._before, case_id))
        truth = None
        if label is not None and features.label is not None:
            truth = Truth(label != features.label, self._cost(label, features.label), label_probability)
        after = replay_one(features, self._after, case_id)
        doubt = 0.0 if after.calibrated_confidence is None else 1.0 - after.calibrated_confidence
        return Seen(
            hour, before, self._side_of(after), features.segments, truth, after.awaits is not None, logged=row[12],
            doubt=doubt, doubt_cost=doubt * self._mean_cost(features.label),
        )  # fmt: skip

    def _side_of(self, route: Route) -> Side:
        return self._side(route.action, route.tier, route.action_propensity, route.sampled, route.review_tier)

    def _side(self, action: Action, tier: str, propensity: float, sampled: bool, reviewer: str | None) -> Side:
        queue = None
        if needs_review(action, sampled=sampled):
            queue = self._queue(reviewer or tier, action is Action.GATE)
        return Side(action.value, tier, queue, automation_chance(action, propensity), action.automated)


def queue_chooser(job: ReplayJob) -> Callable[[str, bool], str]:
    """Tier (and whether what waits must be seen) → the queue that takes it today."""
    choose = partial(choose_queue, workspace_id=job.workspace_id, task_type_id=job.task_type_id)

    @cache
    def chosen(tier: str, open_to_see: bool) -> str:
        choice = choose(tier_slug=tier, open_to_see=open_to_see)
        return choice.slug if choice else NO_QUEUE

    return chosen


def costs_of(task_type: TaskType) -> Callable[[str, str], float]:
    """(truth, decided) → what that costs: as the task type says, else 0 where they agree and 1 where not."""
    named = {(c["truth"], c["decided"]): float(c["cost"]) for c in task_type.error_costs}
    return lambda truth, decided: named.get((truth, decided), float(truth != decided))


def mean_costs_of(task_type: TaskType) -> Callable[[str | None], float]:
    """Decided → what an error in deciding so costs, over all labels that may be right."""
    cost, labels = costs_of(task_type), task_type.label_values

    @cache
    def mean(decided: str | None) -> float:
        others = [label for label in labels if label != decided]
        return sum(cost(label, decided) for label in others) / len(others) if decided and others else 1.0

    return mean


def largest_cost(task_type: TaskType) -> float:
    """The most that one decision can cost."""
    return max([1.0, *(float(c["cost"]) for c in task_type.error_costs)])


def _rows(job: ReplayJob, chunk: ReplayChunk, *, with_input: bool) -> Iterator[Sequence[Any]]:
    where, values = _filters(job)
    content = "JOIN reviews_casecontent k ON k.case_id = c.id" if with_input else ""
    text = _READ.format(
        cases=_CASES,
        where=where,
        content=content,
        review_tier=_REVIEW_TIER,
        input="k.input::text" if with_input else "NULL",
    )
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = Cursor(connection.connection)
        cursor.execute(text.encode(), values | {"first": chunk.first_case, "last": chunk.last_case})
        yield from cursor


def _filters(job: ReplayJob) -> tuple[str, dict[str, Any]]:
    wanted = question_of(job)
    parts = ["c.workspace_id = %(workspace)s", "c.task_type_id = %(task_type)s", "c.created_at < %(to)s"]
    values: dict[str, Any] = {"workspace": job.workspace_id, "task_type": job.task_type_id}
    values["to"] = wanted.to or job.created_at
    if wanted.since is not None:
        parts.append("c.created_at >= %(since)s")
        values["since"] = wanted.since
    if wanted.model_version is not None:
        parts.append("c.model_version = %(model_version)s")
        values["model_version"] = wanted.model_version
    if wanted.segment:
        parts.append("r.features->'segments' @> %(segment)s::jsonb")
        values["segment"] = msgspec.json.encode(wanted.segment).decode()
    return " AND ".join(parts), values


def _reads_input(snapshot: Snapshot) -> bool:
    policy = snapshot.policy
    return bool(policy.cascade) or any(path.partition(".")[0] == INPUT for path in policy.paths)


def _change(job: ReplayJob, chunk: ReplayChunk, row: Sequence[Any], seen: Seen) -> ReplayChange:
    return ReplayChange(
        id=new_id(),
        workspace_id=job.workspace_id,
        job_id=job.pk,
        chunk_id=chunk.pk,
        case_id=uuid.UUID(row[0]),
        routing_id=uuid.UUID(row[2]),
        action_before=seen.before.action,
        tier_before=seen.before.tier,
        action_after=seen.after.action,
        tier_after=seen.after.tier,
        machine_wrong=None if seen.truth is None else seen.truth.wrong,
    )
