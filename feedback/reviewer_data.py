"""The judgements behind reviewers' figures, each with what turned out right. Plain SQL and Python."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from feedback.queue_loads import first_id
from feedback.stats.reviewing import SOURCES, Counted, Done, counted
from hitl.core.clock import now

WINDOW = timedelta(days=90)
MOST = 50_000
"""Judgements looked at, the newest of the workspace."""
PAUSE = timedelta(hours=4)
"""Whoever judged nothing for so long begins a new shift: schedules say when people should work, this when they did."""

# The truth never comes from the judgement it measures: rulings are by another person, and a consensus is of at least
# two others who judged unaided and agree. Best source first: outcome, gold, ruling, consensus.
_DONE = """
SELECT r.queue_id, j.user_id::text, t.slug, j.label, j.decision_time_s, j.created_at, j.visibility,
  (SELECT f.label FROM reviews_judgement f
   WHERE f.review_id = j.review_id AND f.user_id = j.user_id AND f.stage = 'first' AND f.undone_at IS NULL
     AND f.visibility <> 'before' LIMIT 1),
  (SELECT kc.prediction->>'label' FROM reviews_casecontent kc WHERE kc.case_id = j.case_id),
  (SELECT s.label FROM feedback_signal s WHERE s.case_id = j.case_id AND s.source = 'outcome'
   ORDER BY s.observed_at DESC, s.id DESC LIMIT 1),
  (SELECT g.label FROM reviews_goldcopy c JOIN reviews_goldcase g ON g.id = c.gold_id WHERE c.case_id = j.case_id),
  COALESCE(
    (SELECT s.label FROM feedback_signal s
     WHERE s.case_id = j.case_id AND s.source IN ('audit', 'appeal') AND s.user_id IS DISTINCT FROM j.user_id
     ORDER BY s.id DESC LIMIT 1),
    (SELECT d.label FROM reviews_decision d
     WHERE d.case_id = j.case_id AND d.owner IN ('adjudicator', 'auditor') AND d.withdrawn_at IS NULL
       AND d.decided_by_id IS DISTINCT FROM j.user_id ORDER BY d.id DESC LIMIT 1)),
  (SELECT CASE WHEN count(DISTINCT o.user_id) >= 2 AND min(o.label) = max(o.label) THEN min(o.label) END
   FROM reviews_judgement o
   WHERE o.case_id = j.case_id AND o.user_id <> j.user_id AND o.stage = 'first' AND o.visibility <> 'before'
     AND o.undone_at IS NULL)
FROM (
  SELECT n.* FROM reviews_judgement n
  WHERE n.id >= %(since_id)s AND n.workspace_id = %(workspace)s AND n.stage = 'final' AND n.undone_at IS NULL
    AND n.effects_at <= %(at)s
  ORDER BY n.id DESC LIMIT %(most)s
) j JOIN reviews_reviewtask r ON r.id = j.review_id
JOIN reviews_case k ON k.id = j.case_id JOIN routing_tasktype t ON t.id = k.task_type_id
ORDER BY j.id
"""
# Judged at work and again, blind, in a calibration session: the one place where a person meets a case twice.
_REPEATED = """
SELECT r.queue_id, s.user_id::text, s.label = j.label
FROM reviews_sessionjudgement s JOIN reviews_sessioncase c ON c.id = s.session_case_id
JOIN reviews_judgement j ON j.case_id = c.case_id AND j.user_id = s.user_id AND j.stage = 'final'
  AND j.undone_at IS NULL
JOIN reviews_reviewtask r ON r.id = j.review_id
WHERE s.workspace_id = %(workspace)s AND s.created_at >= %(since)s
"""


def done_by_queue(workspace_id: uuid.UUID, since: datetime) -> dict[uuid.UUID, list[Done]]:
    """Final judgements that can no longer be undone, by queue, in order of arrival."""
    values: dict[str, Any] = {"since_id": first_id(since), "workspace": workspace_id, "at": now(), "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_DONE, values)
        rows = cursor.fetchall()
    found: dict[uuid.UUID, list[Done]] = defaultdict(list)
    began = _shifts((row[1], row[5]) for row in rows)
    for row, (shift, hours) in zip(rows, began, strict=True):
        found[row[0]].append(_done(row, shift, hours))
    return found


def _done(row: tuple[Any, ...], shift: int, hours: float) -> Done:
    _, person, kind, label, seconds, _, visibility, first, machine, *said = row
    source, truth = next(((name, told) for name, told in zip(SOURCES, said, strict=True) if told), (None, None))
    shown = visibility != "never"
    return Done(person, kind, label, seconds, shift, hours, first, machine, shown, truth, source)


def _shifts(times: Iterable[tuple[str, datetime]]) -> list[tuple[int, float]]:
    """For each judgement in order of arrival: the number of its person's shift, and the hours since that began."""
    last: dict[str, datetime] = {}
    began: dict[str, tuple[int, datetime]] = {}
    found = []
    for person, at in times:
        if person not in last or at - last[person] >= PAUSE:
            number = began[person][0] + 1 if person in began else 0
            began[person] = number, at
        last[person] = at
        number, start = began[person]
        found.append((number, (at - start).total_seconds() / 3600.0))
    return found


def repeats_of(workspace_id: uuid.UUID, since: datetime) -> dict[tuple[uuid.UUID, str], Counted]:
    """Per queue and person: how often they said the same of a case when they met it again in a session."""
    with connection.cursor() as cursor:
        cursor.execute(_REPEATED, {"workspace": workspace_id, "since": since})
        rows = cursor.fetchall()
    said: dict[tuple[uuid.UUID, str], list[bool]] = defaultdict(list)
    for queue_id, person, same in rows:
        said[queue_id, person].append(same)
    return {key: counted(values) for key, values in said.items()}
