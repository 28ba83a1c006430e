"""Roll whole hours of cases up into counts, so that the metrics read some hundred rows and not ten million cases.

What is learnt of a case counts in the hour in which it came in. So a sweep marks the hours about whose cases anything
new is stored, and counts those anew. Marks are rows: an interrupted sweep goes on where it was.
"""

import uuid
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import connection, transaction

from feedback.models import MetricHour, MetricHourDue, MetricSweep
from feedback.queue_loads import HOUR, first_id
from feedback.stats.replay_estimates import MAX_WEIGHT
from feedback.stats.waits import BUCKETS
from hitl.core.clock import now

KEPT = timedelta(days=90)
MOST_VALUES = 50
"""Values of a segment that are kept apart in an hour; the rarest are counted together as `OTHER`."""
OTHER = "(other)"
_SETTLED = timedelta(minutes=5)  # a row may commit a little after the time in its key
# Longer than any transaction lasts, so that what was not yet to be seen by one sweep is seen by the next.
_OVERLAP = timedelta(hours=1)
_PATIENCE_S = 30.0

# Everything that may change what an hour says, by index ranges of what is new.
_MARK = """
INSERT INTO feedback_metrichourdue (id, workspace_id, task_type_id, hour)
SELECT gen_random_uuid(), c.workspace_id, c.task_type_id, date_trunc('hour', c.created_at, 'UTC')
FROM (
  SELECT id FROM reviews_case WHERE id >= %(first)s
  UNION SELECT case_id FROM reviews_decision WHERE id >= %(first)s
  UNION SELECT case_id FROM feedback_traininglabel
    WHERE task_type_id IN (SELECT id FROM routing_tasktype) AND updated_at >= %(since)s
  UNION SELECT case_id FROM reviews_reviewtask
    WHERE queue_id IN (SELECT id FROM reviews_queue) AND status = 'done' AND done_at >= %(since)s
  UNION SELECT case_id FROM reviews_reviewtask
    WHERE queue_id IN (SELECT id FROM reviews_queue) AND status = 'waiting' AND urgent_at <= %(at)s
      AND due_at >= %(since)s AND due_at <= %(at)s
  UNION SELECT case_id FROM reviews_appeal
    WHERE task_type_id IN (SELECT id FROM routing_tasktype) AND created_at >= %(since)s
) changed JOIN reviews_case c ON c.id = changed.id
WHERE c.mode IN ('async', 'inline') AND c.created_at >= %(kept)s AND c.created_at < %(until)s
GROUP BY c.workspace_id, c.task_type_id, date_trunc('hour', c.created_at, 'UTC')
ON CONFLICT DO NOTHING
"""
_NEXT = """
SELECT id, workspace_id, task_type_id, hour FROM feedback_metrichourdue ORDER BY hour DESC
LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_SEEN = """
WITH seen AS MATERIALIZED (
  SELECT coalesce(c.model_version, '') AS model, r.action, r.segments,
    coalesce(r.sampled OR r.action NOT IN ('automate', 'automate_and_audit'), false) AS reviewed,
    d.owner IS NOT NULL AS decided,
    d.owner IN ('reviewer', 'panel', 'adjudicator', 'auditor', 'appeal') AND r.predicted IS NOT NULL AS judged,
    d.label <> r.predicted AS differs,
    EXISTS (SELECT 1 FROM reviews_appeal a WHERE a.case_id = c.id) AS appealed,
    t.due, t.met,
    CASE WHEN r.action NOT LIKE 'automate%%' AND f.at IS NOT NULL THEN
      CASE WHEN f.at < c.created_at + interval '1 second' THEN 1
      ELSE least(%(buckets)s, 2 + floor(2 * ln(extract(epoch FROM f.at - c.created_at)) / ln(2)))::int END
    END AS wait,
    -- Shares below a billionth are what subtraction leaves of nothing.
    CASE WHEN chance > 1e-9 THEN chance ELSE 0 END AS chance,
    least(1 / l.selection_probability, %(heaviest)s) AS inverse,
    1 / l.selection_probability > %(heaviest)s AS heavy,
    (l.unaided_label <> r.predicted)::int AS wrong
  FROM reviews_case c
  LEFT JOIN LATERAL (
    SELECT r.action, r.sampled, r.features ->> 'label' AS predicted,
      CASE WHEN jsonb_typeof(r.features -> 'segments') = 'object' THEN r.features -> 'segments' END AS segments,
      CASE WHEN r.action LIKE 'automate%%' THEN r.action_propensity ELSE 1 - r.action_propensity END AS chance
    FROM routing_routingdecision r WHERE r.workspace_id = c.workspace_id AND r.case_id = c.id
    ORDER BY r.id DESC LIMIT 1
  ) r ON true
  LEFT JOIN reviews_decision d ON d.case_id = c.id AND d.is_current
  LEFT JOIN LATERAL (
    SELECT min(created_at) AS at FROM reviews_decision
    WHERE case_id = c.id AND NOT provisional AND withdrawn_at IS NULL
  ) f ON true
  LEFT JOIN LATERAL (
    SELECT count(*) AS due,
      count(*) FILTER (WHERE status = 'done' AND done_at <= due_at AND sla_expired_at IS NULL) AS met
    FROM reviews_reviewtask
    WHERE case_id = c.id AND kind IN ('first', 'second', 'third', 'role', 'adjudication')
      AND (status = 'done' OR sla_expired_at IS NOT NULL OR (status <> 'cancelled' AND due_at <= %(at)s))
  ) t ON true
  LEFT JOIN feedback_traininglabel l ON l.case_id = c.id AND l.selected_by = 'route'
    AND l.unaided_label IS NOT NULL AND r.predicted IS NOT NULL
  WHERE c.workspace_id = %(workspace)s AND c.task_type_id = %(task_type)s AND c.mode IN ('async', 'inline')
    AND c.id >= %(low)s AND c.id < %(high)s AND c.created_at >= %(hour)s AND c.created_at < %(end)s
), common AS (
  SELECT name, value FROM (
    SELECT s.key AS name, s.value, row_number() OVER (PARTITION BY s.key ORDER BY count(*) DESC, s.value) AS place
    FROM seen, jsonb_each_text(seen.segments) s GROUP BY s.key, s.value
  ) ranked WHERE place <= %(values)s
), told AS (
  SELECT seen.*, '' AS name, '' AS value FROM seen
  UNION ALL
  SELECT seen.*, left(s.key, 100), left(coalesce(k.value, %(other)s), 200)
  FROM seen CROSS JOIN jsonb_each_text(seen.segments) s LEFT JOIN common k ON k.name = s.key AND k.value = s.value
)
"""
_ACTIONS = ("automate", "automate_and_audit", "automate_and_review", "review", "escalate", "gate")
_WEIGHT = "chance * inverse"
_COUNTED = {
    "cases": "count(*)",
    **{action: f"count(*) FILTER (WHERE action = '{action}')" for action in _ACTIONS},
    "reviewed": "count(*) FILTER (WHERE reviewed)",
    "decided": "count(*) FILTER (WHERE decided)",
    "judged": "count(*) FILTER (WHERE judged)",
    "overridden": "count(*) FILTER (WHERE judged AND differs)",
    "appealed": "count(*) FILTER (WHERE appealed)",
    "sla_due": "coalesce(sum(due), 0)",
    "sla_met": "coalesce(sum(met), 0)",
    "waits": f"ARRAY[{', '.join(f'count(*) FILTER (WHERE wait = {k})' for k in range(1, BUCKETS + 1))}]",
    # As feedback.stats.replay_estimates.Sums.add has them; a loss is 0 or 1, so its square is itself.
    "errors": f"""ARRAY[coalesce(sum(chance), 0), coalesce(sum(chance) FILTER (WHERE wrong IS NOT NULL), 0),
      count(*) FILTER (WHERE chance > 0 AND wrong IS NOT NULL), coalesce(sum({_WEIGHT}), 0),
      coalesce(sum(({_WEIGHT}) ^ 2), 0), coalesce(sum({_WEIGHT} * wrong), 0),
      coalesce(sum(({_WEIGHT}) ^ 2 * wrong), 0), coalesce(sum(({_WEIGHT}) ^ 2 * wrong), 0),
      count(*) FILTER (WHERE chance > 0 AND heavy)]::float8[]""",
}
_COUNT = f"""{_SEEN}
INSERT INTO feedback_metrichour
  (id, workspace_id, task_type_id, hour, model_version, segment_name, segment_value, {", ".join(_COUNTED)})
SELECT gen_random_uuid(), %(workspace)s, %(task_type)s, %(hour)s, model, name, value, {", ".join(_COUNTED.values())}
FROM told GROUP BY model, name, value
"""


def roll_up_metrics(at: datetime | None = None) -> int:
    """Count the hours that are over and new, and anew those of which more is known; forget old ones.

    Safe twice and at once: one sweep marks, each hour is counted by whoever holds its mark. Returns the hours counted;
    what is not done in half a minute is left to the next call.
    """
    at = at or now()
    _mark(at)
    started, counted = monotonic(), 0
    while monotonic() - started < _PATIENCE_S and _count_next(at):
        counted += 1
    return counted


@transaction.atomic
def _mark(at: datetime) -> None:
    """Note what is to be counted since the last whole hour; most calls find nothing to look at."""
    until = (at - _SETTLED).replace(minute=0, second=0, microsecond=0)
    sweep, _ = MetricSweep.objects.select_for_update().get_or_create(pk=1, defaults={"counted_to": until - KEPT})
    if sweep.counted_to >= until:
        return
    since = sweep.counted_to - _OVERLAP
    span: dict[str, uuid.UUID | datetime] = {
        "first": first_id(since),
        "since": since,
        "at": at,
        "kept": until - KEPT,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MARK, span)
    MetricSweep.objects.filter(pk=1).update(counted_to=until)
    for model in (MetricHour, MetricHourDue):
        model.objects.filter(hour__lt=until - KEPT).delete()


@transaction.atomic
def _count_next(at: datetime) -> bool:
    """Count the newest hour that is due; false when none is left, or others hold what is."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT)
        found = cursor.fetchone()
        if found is None:
            return False
        due, *key = found
        _count(cursor, key, at)
    MetricHourDue.objects.filter(pk=due).delete()
    return True


def _count(cursor: Any, key: list[Any], at: datetime) -> None:
    workspace_id, task_type_id, hour = key
    MetricHour.objects.filter(task_type_id=task_type_id, hour=hour).delete()
    # Keys hold the time of day to a moment: they find the rows by index, the column says which hour exactly.
    low, high = first_id(hour - HOUR), first_id(hour + 2 * HOUR)
    values: dict[str, uuid.UUID | datetime | int | float | str] = {
        "workspace": workspace_id, "task_type": task_type_id, "hour": hour, "end": hour + HOUR, "at": at,
        "low": low, "high": high, "buckets": BUCKETS, "heaviest": MAX_WEIGHT, "values": MOST_VALUES, "other": OTHER,
    }  # fmt: skip
    cursor.execute(_COUNT, values)
