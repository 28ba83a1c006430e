"""Judged cases with their arm, the machine's answer and what turned out right: what the visibility figures are made of.

Plain SQL and Python: read by the web process.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from feedback.stats.reliance import Seen
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, InvalidInput, NotFound
from reviews.models import Queue, VisibilityPolicy

MOST = 10_000
"""Judgements looked at, the newest."""
DEFAULT_WINDOW, MAX_DAYS = "90d", 365
SOURCES = ("outcome", "audit", "adjudication", "consensus")
_WINDOW = re.compile(r"([1-9]\d{0,3})([hd])")

# The truth never comes from the judgement it measures: an audit or adjudication by another person, or at least two
# others who judged unaided and agree. Gold cases are no ordinary work and are left out.
_JUDGED = """
SELECT q.slug, j.user_id::text, to_char(date_trunc('week', j.created_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD'),
  j.visibility, j.visibility_propensity, j.visibility_version, j.label,
  (SELECT f.label FROM reviews_judgement f
   WHERE f.review_id = j.review_id AND f.user_id = j.user_id AND f.stage = 'first' AND f.undone_at IS NULL
     AND f.visibility <> 'before' LIMIT 1),
  (SELECT kc.prediction->>'label' FROM reviews_casecontent kc WHERE kc.case_id = j.case_id),
  (SELECT s.label FROM feedback_signal s WHERE s.case_id = j.case_id AND s.source = 'outcome'
   ORDER BY s.observed_at DESC, s.id DESC LIMIT 1),
  (SELECT s.label FROM feedback_signal s
   WHERE s.case_id = j.case_id AND s.source IN ('audit', 'appeal') AND s.user_id IS DISTINCT FROM j.user_id
   ORDER BY s.id DESC LIMIT 1),
  (SELECT d.label FROM reviews_decision d
   WHERE d.case_id = j.case_id AND d.owner IN ('adjudicator', 'auditor') AND d.withdrawn_at IS NULL
     AND d.decided_by_id IS DISTINCT FROM j.user_id ORDER BY d.id DESC LIMIT 1),
  (SELECT CASE WHEN count(DISTINCT o.user_id) >= 2 AND min(o.label) = max(o.label) THEN min(o.label) END
   FROM reviews_judgement o
   WHERE o.case_id = j.case_id AND o.user_id <> j.user_id AND o.stage = 'first' AND o.visibility <> 'before'
     AND o.undone_at IS NULL)
FROM (
  SELECT n.* FROM reviews_judgement n JOIN reviews_reviewtask r ON r.id = n.review_id
  WHERE n.id >= %(since_id)s AND n.workspace_id = %(workspace)s AND n.stage = 'final' AND n.undone_at IS NULL
    AND r.queue_id = ANY(%(queues)s) AND r.kind <> 'gold'
    AND (%(types)s::uuid[] IS NULL OR EXISTS (
      SELECT 1 FROM reviews_case k WHERE k.id = n.case_id AND k.task_type_id = ANY(%(types)s)))
  ORDER BY n.id DESC LIMIT %(most)s
) j JOIN reviews_reviewtask r ON r.id = j.review_id JOIN reviews_queue q ON q.id = r.queue_id
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """One final judgement. `source`: where the truth in `seen` comes from."""

    queue: str
    week: str
    version: int
    source: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read: `judged` final judgements (at most `MOST`), of which `cases` have a truth and a machine answer."""

    judged: int
    without_truth: int
    without_machine: int
    cases: tuple[Judged, ...]


def window_of(raw: str) -> timedelta:
    """`24h`, `90d` …, at most a year. Raises InvalidInput."""
    found = _WINDOW.fullmatch(raw)
    span = timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])}) if found else None
    if span is None or span > timedelta(days=MAX_DAYS):
        detail = f"Give hours or days, such as 24h or 90d, at most {MAX_DAYS}d."
        raise InvalidInput(errors=[FieldProblem("?window", detail, "out_of_range")])
    return span


def measured_queues(actor: Actor) -> QuerySet[Queue]:
    """The queues whose figures this actor may read: its workspace's, and its key's task types' where it is limited."""
    rows = Queue.objects.filter(workspace_id=actor.workspace_id).order_by("slug").select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def measured_queue(actor: Actor, slug: str) -> Queue:
    """One of them. Raises NotFound."""
    found = measured_queues(actor).filter(slug=slug).first()
    if found is None:
        raise NotFound()
    return found


def policies_of(queues: Sequence[Queue]) -> list[VisibilityPolicy]:
    """The newest versions of the arms of these queues, newest first."""
    rows = VisibilityPolicy.objects.filter(queue__in=queues).select_related("queue", "created_by")
    return list(rows.order_by("-from_at", "-number")[:20])


def judged_cases(actor: Actor, queues: Sequence[Queue], since: datetime) -> Evidence:
    """The newest final judgements of these queues since then; one statement."""
    values: dict[str, Any] = {
        "since_id": uuid.UUID(int=int(since.timestamp() * 1000) << 80),  # the smallest UUIDv7 of that millisecond
        "workspace": actor.workspace_id,
        "queues": [queue.pk for queue in queues],
        "types": None if actor.task_type_ids is None else list(actor.task_type_ids),
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, values)
        rows = cursor.fetchall()
    found, untrue, unaided = [], 0, 0
    for queue, person, week, arm, propensity, version, final, first, machine, *said in rows:
        source, truth = next(((name, label) for name, label in zip(SOURCES, said, strict=True) if label), ("", None))
        if machine is None:
            unaided += 1
        elif truth is None:
            untrue += 1
        else:
            # Where an arm was certain (gated cases, a queue without an experiment) there is nothing to compare it with.
            stratum = f"{queue}:{version}:{propensity >= 1.0}"
            seen = Seen(arm, propensity, person, truth, machine, final, first, stratum)
            found.append(Judged(queue, week, version, source, seen))
    return Evidence(len(rows), untrue, unaided, tuple(found))
