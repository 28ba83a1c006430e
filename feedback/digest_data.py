"""The judged cases a digest is made of. Plain SQL."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
from django.db import connection

from feedback.digest_content import JudgedRow
from feedback.retraining_data import COMPARABLE, first_id
from routing.models import TaskType

MOST = 20_000
"""Judgements read, the newest of the time."""

# One row per unaided judgement on a prediction; the category is the one the same person gave with their last word. What
# exploration drew of the automated cases is a review by its action; but for the draw the machine had decided it alone.
_ROWS = f"""
SELECT t.model_label, j.label, t.model_version, COALESCE(j.category, ''), k.context->'segments',
  r.action IN ('automate', 'automate_and_audit') OR (r.zone = 'auto' AND r.sampled), r.calibrated_confidence
FROM (
  SELECT * FROM (
    SELECT n.id, n.case_id, n.label, ({COMPARABLE}) AS alone,
      (SELECT f.override_category FROM reviews_judgement f WHERE f.review_id = n.review_id AND f.user_id = n.user_id
         AND f.stage = 'final' AND f.undone_at IS NULL LIMIT 1) AS category
    FROM reviews_judgement n JOIN reviews_reviewtask r ON r.id = n.review_id
    WHERE n.id >= %(first)s AND n.id < %(end)s AND n.workspace_id = %(workspace)s AND n.undone_at IS NULL
      AND r.kind NOT IN ('gold', 'blind')
  ) every WHERE alone
) j
JOIN feedback_traininglabel t ON t.case_id = j.case_id
JOIN reviews_casecontent k ON k.case_id = j.case_id
LEFT JOIN LATERAL (
  SELECT action, zone, sampled, calibrated_confidence FROM routing_routingdecision
  WHERE workspace_id = %(workspace)s AND case_id = j.case_id ORDER BY id DESC LIMIT 1) r ON true
WHERE t.task_type_id = %(task_type)s AND t.model_label IS NOT NULL AND t.model_version IS NOT NULL
ORDER BY j.id DESC LIMIT %(most)s
"""


def week_of(at: datetime) -> date:
    """The Monday of the last whole week before `at`, UTC."""
    today = at.astimezone(UTC).date()
    return today - timedelta(days=today.weekday() + 7)


def judged_in_week(task_type: TaskType, week: date, *, weeks: int = 1) -> list[JudgedRow]:
    """Unaided judgements on predictions, of the week that begins on this Monday and of the `weeks` - 1 before it."""
    end = datetime.combine(week + timedelta(days=7), time(), UTC)
    values: dict[str, Any] = {
        "first": first_id(end - timedelta(days=7 * weeks)),
        "end": first_id(end),
        "workspace": task_type.workspace_id,
        "task_type": task_type.pk,
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, values)
        return [_row(*found) for found in cursor.fetchall()]


def _row(
    predicted: str,
    said: str,
    model_version: str,
    category: str,
    segments: str | None,
    automated: bool | None,
    confidence: float | None,
) -> JudgedRow:
    named = msgspec.json.decode(segments or "null") or {}
    return JudgedRow(predicted, said, model_version, category, named, bool(automated), confidence)
