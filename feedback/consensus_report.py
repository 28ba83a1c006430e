"""Whether people judge the same kind of case otherwise than before, with examples the reader may see."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from feedback.queue_loads import first_id
from feedback.stats.consensus import Cell, Consensus, Said, Shift, band_of, consensus_drift
from feedback.visibility_data import measured_queues
from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.access import desk_of, kept_apart_ids, unsealed_cases, visible_cases

RECENT_DAYS, BEFORE_DAYS = 30, 60
MOST = 20_000
"""Judgements looked at, the newest."""
EXAMPLES = 4

_SAID = """
SELECT t.slug, COALESCE(kc.prediction->>'model_version', ''), kc.prediction->>'label',
  (kc.prediction->>'confidence')::float, COALESCE(g.number, 0), j.user_id::text, j.case_id::text, j.created_at,
  CASE WHEN j.visibility = 'never' AND r.seat <> 'asker' THEN j.label ELSE (
    SELECT f.label FROM reviews_judgement f
    WHERE f.review_id = j.review_id AND f.user_id = j.user_id AND f.stage = 'first' AND f.undone_at IS NULL
      AND f.visibility <> 'before' LIMIT 1) END,
  j.label
FROM (
  SELECT n.* FROM reviews_judgement n JOIN reviews_reviewtask a ON a.id = n.review_id
  WHERE n.id >= %(since_id)s AND n.workspace_id = %(workspace)s AND n.stage = 'final' AND n.undone_at IS NULL
    AND a.queue_id = ANY(%(queues)s) AND a.kind NOT IN ('gold', 'adjudication', 'appeal')
  ORDER BY n.id DESC LIMIT %(most)s
) j JOIN reviews_reviewtask r ON r.id = j.review_id
JOIN reviews_case k ON k.id = j.case_id JOIN routing_tasktype t ON t.id = k.task_type_id
JOIN reviews_casecontent kc ON kc.case_id = j.case_id
LEFT JOIN reviews_guidelineversion g ON g.id = j.guideline_id
WHERE kc.prediction->>'label' IS NOT NULL
ORDER BY j.id
"""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One shift with a few cases of each time, newest first, that the reader may see."""

    shift: Shift
    before: tuple[uuid.UUID, ...]
    now: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """`judged`: judgements compared, in the last 30 days and the 60 before."""

    since: datetime
    turned: datetime
    judged: int
    found: Consensus
    shifts: tuple[Drifted, ...]


def drift_report(actor: Actor) -> DriftReport:
    """Unaided judgements with each other, last words with each other. The cost does not grow with what is found."""
    at = now()
    turned = at - timedelta(days=RECENT_DAYS)
    since = turned - timedelta(days=BEFORE_DAYS)
    values: dict[str, Any] = {
        "since_id": first_id(since),
        "workspace": actor.workspace_id,
        "queues": [queue.pk for queue in measured_queues(actor)[:200]],
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAID, values)
        rows = [_said(row, turned) for row in cursor.fetchall()]
    found = consensus_drift(rows)
    open_to = _open_to(actor, {case for s in found.shifts for case in (*s.cases_before[:50], *s.cases_now[:50])})
    shifts = tuple(Drifted(s, _some(s.cases_before, open_to), _some(s.cases_now, open_to)) for s in found.shifts)
    return DriftReport(since, turned, len(rows), found, shifts)


def _said(row: tuple[Any, ...], turned: datetime) -> Said:
    task_type, model, machine, confidence, guideline, person, case, at, unaided, final = row
    cell = Cell(task_type, model, machine, band_of(confidence), unaided is not None, guideline)
    return Said(cell, person, case, unaided or final, at >= turned)


def _open_to(actor: Actor, cases: Iterable[str]) -> set[uuid.UUID]:
    """Those the actor may see, whose answer they may know, and on which no panel of theirs sits."""
    ids = [uuid.UUID(case) for case in cases]
    if not ids:
        return set()
    desk = desk_of(actor)
    seen = unsealed_cases(visible_cases(actor, desk), actor, desk).filter(pk__in=ids)
    return set(seen.values_list("pk", flat=True)) - kept_apart_ids(actor, ids, desk)


def _some(cases: tuple[str, ...], open_to: set[uuid.UUID]) -> tuple[uuid.UUID, ...]:
    return tuple(found for case in cases if (found := uuid.UUID(case)) in open_to)[:EXAMPLES]
