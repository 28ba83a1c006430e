"""What the search for precedents reads: cases at the head of queues, and judged ones to compare them with."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import connection

from reviews.models import CaseContent, CaseEmbedding

HEAD = 1_000
"""Of each queue's waiting cases the first so many have precedents."""
BATCH = 200
"""Cases searched for in one sweep."""
MOST_EMBEDDED, MOST_DESCRIBED = 20_000, 2_000
"""Judged cases compared with, the newest."""
_SCANNED = 20_000

# Held ones first: somebody looks at them now.
_WANTED = """
SELECT k.task_type_id, k.id FROM (
  SELECT r.case_id, 0 AS turn FROM reviews_claim c JOIN reviews_reviewtask r ON r.id = c.review_id
  WHERE c.status = 'open'
  UNION ALL
  SELECT h.case_id, 1 FROM reviews_queue q CROSS JOIN LATERAL (
    SELECT r.case_id FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
    ORDER BY r.order_key, r.id LIMIT %(head)s
  ) h
) w JOIN reviews_case k ON k.id = w.case_id
WHERE NOT EXISTS (
  SELECT 1 FROM reviews_caseprecedents p
  WHERE p.case_id = k.id AND p.computed_at > statement_timestamp() - interval '1 day'
)
ORDER BY w.turn LIMIT %(batch)s
"""
_JUDGED = """
SELECT DISTINCT j.case_id FROM (
  SELECT id, case_id, stage, undone_at FROM reviews_judgement WHERE workspace_id = %(workspace)s
  ORDER BY id DESC LIMIT %(scanned)s
) j JOIN reviews_case k ON k.id = j.case_id
WHERE j.stage = 'final' AND j.undone_at IS NULL AND k.task_type_id = %(task_type)s AND k.mode <> 'gold'
LIMIT %(most)s
"""


def cases_wanting_precedents() -> dict[uuid.UUID, list[uuid.UUID]]:
    """By task type, those that have none of the last day."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, {"head": HEAD, "batch": BATCH})
        found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
        for task_type, case in cursor.fetchall():
            if case not in found[task_type]:
                found[task_type].append(case)
    return found


def embeddings_by_case(case_ids: Collection[uuid.UUID]) -> dict[int, list[tuple[uuid.UUID, bytes]]]:
    """By dimension."""
    found: dict[int, list[tuple[uuid.UUID, bytes]]] = defaultdict(list)
    rows = CaseEmbedding.objects.filter(pk__in=case_ids).order_by("pk")
    for pk, dim, vector in rows.values_list("pk", "dim", "vector"):
        found[dim].append((pk, bytes(vector)))
    return found


def judged_vectors(task_type_id: uuid.UUID, dim: int) -> list[tuple[uuid.UUID, bytes]]:
    """The newest judged embeddings of this dimension."""
    rows = CaseEmbedding.objects.filter(task_type_id=task_type_id, judged_at__isnull=False, dim=dim)
    newest = rows.order_by("-judged_at").values_list("pk", "vector")[:MOST_EMBEDDED]
    return [(pk, bytes(vector)) for pk, vector in newest]


def judged_case_ids(workspace_id: uuid.UUID, task_type_id: uuid.UUID) -> list[uuid.UUID]:
    """The cases people judged last."""
    values: dict[str, Any] = {
        "workspace": workspace_id,
        "task_type": task_type_id,
        "scanned": _SCANNED,
        "most": MOST_DESCRIBED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, values)
        return [row[0] for row in cursor.fetchall()]


def inputs_of(case_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, object]:
    """What was submitted, by case."""
    return dict(CaseContent.objects.filter(pk__in=case_ids).values_list("pk", "input"))
