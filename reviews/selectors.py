"""Reads: where a case goes, how long it may wait, and the parts of a case that payloads need, without N+1."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db import connection
from django.db.models import F, Q, QuerySet

from hitl.core.rows import Select, instances, only, read_rows, run_pipelined
from reviews.models import Case, Decision, Judgement, Queue, ReviewTask
from routing.models import RoutingDecision, ShadowDecision


class QueueChoice(NamedTuple):
    """The queue a review goes to, and what its due time is made of."""

    id: uuid.UUID
    slug: str
    near_due_share: float
    sla_s: float
    tier_slug: str
    tier_rank: int
    scheme: str = "{}"
    """As declared (JSON text), for `decode_scheme`."""


# The wanted tier first, then the next higher, then lower; the task type's own queue before a general one.
_CHOOSE = """
SELECT q.id, q.slug, q.near_due_share, t.sla_s, t.slug, t.rank, q.scheme::text
FROM reviews_queue q JOIN routing_tier t ON t.id = q.tier_id
LEFT JOIN routing_tier w ON w.workspace_id = q.workspace_id AND w.slug = %(tier)s
WHERE q.workspace_id = %(workspace)s AND (q.task_type_id = %(task_type)s OR q.task_type_id IS NULL)
  AND NOT q.active_learning AND NOT t.automated AND t.rank >= %(min_rank)s
ORDER BY (%(open)s AND q.judge_first), t.slug = %(tier)s DESC,
  t.rank >= COALESCE(w.rank, 0) DESC, abs(t.rank - COALESCE(w.rank, 0)),
  (q.task_type_id IS NULL), q.slug
LIMIT 1
"""


def choose_queue(
    *, workspace_id: uuid.UUID, task_type_id: uuid.UUID, tier_slug: str, open_to_see: bool = False, min_rank: int = 0
) -> QueueChoice | None:
    """The queue for a tier's review of a task type; null when none can take it.

    `open_to_see` prefers queues that are not judge-first: whoever approves an action must see it.
    `min_rank` excludes lower tiers (escalation).
    """
    values = {
        "workspace": workspace_id,
        "task_type": task_type_id,
        "tier": tier_slug,
        "open": open_to_see,
        "min_rank": min_rank,
    }
    (rows,) = run_pipelined((_CHOOSE, values))
    return QueueChoice(*rows[0]) if rows else None


_NAMED = """
SELECT q.id, q.slug, q.near_due_share, t.sla_s, t.slug, t.rank
FROM reviews_queue q JOIN routing_tier t ON t.id = q.tier_id WHERE q.workspace_id = %s AND q.slug = ANY(%s)
"""


def queues_named(*, workspace_id: uuid.UUID, slugs: Sequence[str]) -> dict[str, QueueChoice]:
    """Queues by their slugs, those that exist."""
    (rows,) = run_pipelined((_NAMED, [workspace_id, list(slugs)]))
    return {choice.slug: choice for choice in (QueueChoice(*row) for row in rows)}


def learning_queue(*, workspace_id: uuid.UUID, task_type_id: uuid.UUID) -> Queue | None:
    """The active-learning queue of a task type, its own before a general one, with its tier; null without any."""
    rows = Queue.objects.filter(workspace_id=workspace_id, active_learning=True, tier__automated=False)
    rows = rows.filter(Q(task_type_id=task_type_id) | Q(task_type_id__isnull=True)).select_related("tier")
    return rows.order_by(F("task_type_id").asc(nulls_last=True), "slug").first()


# --- waiting time -----------------------------------------------------------------------------------------------------

_FRESH_S = 15.0
_COUNTED = 10_000
_WAIT = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM reviews_reviewtask
                              WHERE queue_id = %(q)s AND status = 'waiting' LIMIT %(most)s) w),
       (SELECT count(*) FROM (SELECT 1 FROM reviews_reviewtask
                              WHERE queue_id = %(q)s AND status = 'done' AND done_at > now() - interval '1 hour'
                              LIMIT %(most)s) d)
"""
_waits: dict[uuid.UUID, tuple[float, int | None]] = {}


def estimated_wait_s(queue_id: uuid.UUID) -> int | None:
    """Seconds a new review of this queue will wait: waiting ÷ done per second in the last hour (Little's law).

    Null while nothing was done in that hour; kept 15 s per process; at most 10,000 rows are counted.
    """
    at, value = _waits.get(queue_id, (0.0, None))
    if time.monotonic() - at < _FRESH_S and queue_id in _waits:
        return value
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, {"q": queue_id, "most": _COUNTED})
        waiting, done = cursor.fetchone()
    value = round(waiting / (done / 3600)) if done else None
    _waits[queue_id] = (time.monotonic(), value)
    return value


# --- parts of cases ---------------------------------------------------------------------------------------------------


def existing_case(
    *, workspace_id: uuid.UUID, owner_id: uuid.UUID, task_type_id: uuid.UUID, external_id: str
) -> Case | None:
    """The case a client submitted before under this external id, with task type and queue."""
    return only(
        Case.objects.filter(
            workspace_id=workspace_id, owner_id=owner_id, task_type_id=task_type_id, external_id=external_id
        ).select_related("task_type", "queue")
    )


_ROUTINGS = Select(
    models=(("r", RoutingDecision),),
    rest="FROM routing_routingdecision r WHERE r.workspace_id = %s AND r.case_id = ANY(%s) ORDER BY r.id",
    without=("features",),
)
_ROUTINGS_BRIEF = replace(_ROUTINGS, without=("features", "trace"))
_DECISIONS = Select(
    models=(("d", Decision),), rest="FROM reviews_decision d WHERE d.case_id = ANY(%s) AND d.is_current"
)
_OPEN_REVIEWS = Select(
    models=(("r", ReviewTask),),
    rest="FROM reviews_reviewtask r WHERE r.case_id = ANY(%s)"
    " AND r.status IN ('waiting', 'assigned', 'snoozed', 'claimed')"
    " AND r.kind NOT IN ('blind', 'opinion')",  # change nothing, so nobody but their reviewers hears of them
)


def latest_routings(cases: Sequence[Case]) -> dict[uuid.UUID, RoutingDecision]:
    """The routing in force of each case."""
    if not cases:
        return {}
    rows = read_rows(_ROUTINGS, cases[0].workspace_id, [_routed(c) for c in cases])
    return _routing_shown(cases, {r.case_id: r for (r,) in rows})


def _routed(case: Case) -> uuid.UUID:
    return case.routed_as or case.pk


def _routing_shown(
    cases: Sequence[Case], routings: dict[uuid.UUID, RoutingDecision]
) -> dict[uuid.UUID, RoutingDecision]:
    return {c.pk: routings[_routed(c)] for c in cases if _routed(c) in routings}


def shadows_of(case: Case) -> QuerySet[ShadowDecision]:
    """What versions in shadow would have done with the case, by version; nobody followed them."""
    rows = ShadowDecision.objects.filter(case_id=case.pk, workspace_id=case.workspace_id)
    return rows.select_related("policy_version").order_by("policy_version__number")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the payloads of cases are made of, by case."""

    decisions: dict[uuid.UUID, Decision]
    routings: dict[uuid.UUID, RoutingDecision]
    reviews: dict[uuid.UUID, ReviewTask]


def parts_of(cases: Sequence[Case], *, with_trace: bool) -> Parts:
    """Current decision, routing in force and open review of each case, in one round trip."""
    if not cases:
        return Parts({}, {}, {})
    keys = [c.pk for c in cases]
    routings = _ROUTINGS if with_trace else _ROUTINGS_BRIEF
    asked = [
        (_DECISIONS, (keys,)),
        (routings, (cases[0].workspace_id, [_routed(c) for c in cases])),
        (_OPEN_REVIEWS, (keys,)),
    ]
    answers = run_pipelined(*(select.with_values(*values) for select, values in asked))
    decisions, routed, reviews = (
        {row.case_id: row for (row,) in instances(select, rows)}
        for (select, _), rows in zip(asked, answers, strict=True)
    )
    return Parts(decisions, _routing_shown(cases, routed), reviews)


_JUDGED = Select(
    models=(("j", Judgement),),
    rest="FROM reviews_judgement j WHERE j.user_id = %s AND j.case_id = ANY(%s) AND j.undone_at IS NULL ORDER BY j.id",
)


def judged_stages(user_id: uuid.UUID, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Judgement]]:
    """This person's standing judgements by case, oldest first."""
    found: dict[uuid.UUID, list[Judgement]] = {}
    for (judgement,) in read_rows(_JUDGED, user_id, list(case_ids)):
        found.setdefault(judgement.case_id, []).append(judgement)
    return found
