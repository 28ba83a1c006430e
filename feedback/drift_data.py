"""The cases that drift is looked for in: one query a window, everything a test needs of a case in one line."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from routing.models import TaskType

RECENT, REFERENCE = timedelta(days=7), timedelta(days=28)
RECENT_CASES, REFERENCE_CASES = 500, 5000
MOST_RECENT, MOST_REFERENCE = 5000, 15000
_SINCE = timedelta(days=365)

_SEEN = """
SELECT c.id, r.policy_version_id, r.zone IN ('auto', 'auto_audit'), (r.features->>'confidence')::float,
  r.features->>'confidence_source', r.calibrated_confidence, r.threshold, r.features->>'label',
  r.features->>'model_version', (r.features->'segments')::text,
  CASE WHEN l.selected_by = 'route' THEN l.unaided_label = l.model_label END, l.selection_probability,
  l.source = 'outcome'
FROM reviews_case c
JOIN LATERAL (
  SELECT * FROM routing_routingdecision x WHERE x.workspace_id = c.workspace_id AND x.case_id = c.id
  ORDER BY x.id DESC LIMIT 1
) r ON true
LEFT JOIN feedback_traininglabel l ON l.case_id = c.id
WHERE c.workspace_id = %s AND c.task_type_id = %s AND c.id >= %s AND c.id < %s AND c.mode IN ('async', 'inline')
ORDER BY c.id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A routed case. right: whether people who had not seen it, or the outcome, agree with the machine; null: unknown.

    probability: that the case came to have that label, (0, 1]. by_outcome: the label is the outcome.
    """

    id: uuid.UUID
    policy_version: uuid.UUID | None
    automated: bool
    confidence: float | None
    source: str | None = None
    calibrated: float | None = None
    threshold: float | None = None
    label: str | None = None
    model: str | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    right: bool | None = None
    probability: float = 1.0
    by_outcome: bool = False


@dataclass(frozen=True, slots=True)
class Windows:
    """Two windows to compare, newest case first. name: `time` (7 days, the 28 before) or `count` (500, 5,000)."""

    name: str
    reference: Sequence[SeenCase]
    recent: Sequence[SeenCase]


def windows_of(task_type: TaskType, at: datetime) -> list[Windows]:
    """By time, at most the newest 5,000 and 15,000; and by count, within a year."""
    start = at - RECENT
    recent = _seen(task_type, start, at, MOST_RECENT)
    reference = _seen(task_type, start - REFERENCE, start, MOST_REFERENCE)
    newest = _seen(task_type, at - _SINCE, at, RECENT_CASES + REFERENCE_CASES)
    return [
        Windows("time", reference, recent),
        Windows("count", newest[RECENT_CASES:], newest[:RECENT_CASES]),
    ]


def _seen(task_type: TaskType, start: datetime, end: datetime, most: int) -> list[SeenCase]:
    values: list[Any] = [task_type.workspace_id, task_type.pk, _first_id(start), _first_id(end), most]
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, values)
        return [_case(*row) for row in cursor.fetchall()]


def _case(*row: Any) -> SeenCase:
    *routed, segments, right, probability, by_outcome = row
    case = SeenCase(*routed)
    decoded: dict[str, str] = msgspec.json.decode(segments) if segments and segments != "{}" else {}
    return replace(case, segments=decoded, right=right, probability=probability or 1.0, by_outcome=bool(by_outcome))


def _first_id(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond: cases by time are an index range."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)
