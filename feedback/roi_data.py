"""The cases, people and volumes an ROI report is made of. Plain SQL."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from feedback.certify import calibrated
from feedback.retraining_data import COMPARABLE, first_id
from feedback.roi_content import TierRow
from feedback.selectors import calibrations_in_force, labelled_predictions
from feedback.stats.bounds import wilson_interval
from feedback.stats.review_value import Scored
from routing.models import TaskType

MOST = 50_000
"""Labelled cases read, the newest."""
VOLUME_DAYS = 28
_ALONE = "('automate', 'automate_and_audit')"

# What exploration drew is a review by its action, and the only look there is at what the machine else decides alone: it
# stands for the cases that were not drawn.
_DECIDED = f"""
SELECT case_id FROM routing_routingdecision
WHERE workspace_id = %(workspace)s AND case_id = ANY(%(cases)s)
  AND (action IN {_ALONE} OR (zone = 'auto' AND sampled))
"""

# A person is measured against what others observed: the gold answer, or else the latest outcome.
_TIERS = f"""
SELECT i.slug, i.title, count(*) FILTER (WHERE j.stage = 'final' AND j.kind <> 'gold'),
  avg(LEAST(j.decision_time_s, 3600.0)) FILTER (WHERE j.stage = 'final' AND j.kind <> 'gold') / 60.0,
  count(*) FILTER (WHERE j.measured AND j.truth = j.label), count(*) FILTER (WHERE j.measured AND j.truth IS NOT NULL)
FROM (
  SELECT n.stage, n.label, n.decision_time_s, r.kind, r.queue_id,
    CASE r.kind WHEN 'gold' THEN n.stage = 'final' ELSE ({COMPARABLE}) END AS measured,
    CASE r.kind WHEN 'gold' THEN (
      SELECT g.label FROM reviews_goldcopy y JOIN reviews_goldcase g ON g.id = y.gold_id WHERE y.case_id = n.case_id)
    ELSE (SELECT s.label FROM feedback_signal s WHERE s.case_id = n.case_id AND s.source = 'outcome'
      ORDER BY s.observed_at DESC, s.id DESC LIMIT 1) END AS truth
  FROM reviews_judgement n JOIN reviews_reviewtask r ON r.id = n.review_id JOIN reviews_case c ON c.id = n.case_id
  WHERE n.id >= %(since_id)s AND n.workspace_id = %(workspace)s AND n.undone_at IS NULL
    AND c.task_type_id = %(task_type)s AND r.kind <> 'blind'
) j JOIN reviews_queue q ON q.id = j.queue_id JOIN routing_tier i ON i.id = q.tier_id
GROUP BY i.slug, i.title, i.rank ORDER BY i.rank
"""

_VOLUME = f"""
SELECT count(*) FROM reviews_case c
WHERE c.workspace_id = %(workspace)s AND c.task_type_id = %(task_type)s AND c.id >= %(since_id)s
  AND c.status <> 'shadow' AND c.mode <> 'gold'
  AND EXISTS (SELECT 1 FROM routing_routingdecision r WHERE r.workspace_id = c.workspace_id AND r.case_id = c.id
    AND r.action IN {_ALONE})
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Cases with a known truth: all, and those the machine decides alone. error_cost: of one of its errors, on average
    over these, as the task type declares them; over all declared pairs where it made none.
    """

    cases: tuple[Scored, ...]
    alone: tuple[Scored, ...]
    error_cost: float


def labelled_cases(task_type: TaskType, since: datetime) -> Labelled:
    """On the scale of the calibrations in force where there is one, else as stated; active learning left out."""
    maps, costs = calibrations_in_force(task_type.pk), _costs(task_type)
    found = [p for p in labelled_predictions(task_type.pk) if p.case_id >= first_id(since)][:MOST]
    decided = {case_id for (case_id,) in _rows(_DECIDED, task_type, since, [p.case_id for p in found])}
    cases, alone, lost, wrong = [], [], 0.0, 0.0
    for p in found:
        weight = 1.0 / p.selection_probability
        scored = Scored(calibrated(p, maps.get((p.model_version, p.confidence_source))), p.correct, weight)
        cases.append(scored)
        if p.case_id in decided:
            alone.append(scored)
        if not p.correct:
            lost, wrong = lost + weight * costs.get((p.truth, p.predicted), 1.0), wrong + weight
    mean = sum(costs.values()) / len(costs) if costs else 1.0
    return Labelled(tuple(cases), tuple(alone), lost / wrong if wrong else mean)


def tiers_of(task_type: TaskType, since: datetime) -> list[TierRow]:
    """Each tier that judged cases of this task type since then, without costs."""
    return [
        TierRow(slug, title, reviews, minutes, right, n, *wilson_interval(right, n), None, None)
        for slug, title, reviews, minutes, right, n in _rows(_TIERS, task_type, since)
    ]


def automated_per_week(task_type: TaskType, at: datetime) -> float:
    """Cases the machine decided alone in the last four weeks, a week."""
    [(count,)] = _rows(_VOLUME, task_type, at - timedelta(days=VOLUME_DAYS))
    return float(count) * 7.0 / VOLUME_DAYS


def _rows(
    statement: str, task_type: TaskType, since: datetime, cases: Sequence[uuid.UUID] = ()
) -> list[tuple[Any, ...]]:
    values: dict[str, Any] = {
        "workspace": task_type.workspace_id,
        "task_type": task_type.pk,
        "since_id": first_id(since),
        "cases": list(cases),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _costs(task_type: TaskType) -> dict[tuple[str, str], float]:
    """By (truth, decided)."""
    return {(pair["truth"], pair["decided"]): float(pair["cost"]) for pair in task_type.error_costs}
