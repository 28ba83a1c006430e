"""Embeddings: kept at intake, and marked once a person has judged the case."""

import struct
import uuid
from datetime import timedelta

from django.db import connection
from django.db.models import Max

from reviews.models import Case, CaseEmbedding
from reviews.structs import PredictionIn

# Judgements become visible up to a transaction's length after their id was made; an hour is longer than any may last.
_OVERLAP = timedelta(hours=1)
_MARK = """
UPDATE reviews_caseembedding e SET judged_at = j.at
FROM (SELECT case_id, max(created_at) AS at FROM reviews_judgement
      WHERE id >= %s AND undone_at IS NULL AND stage = 'final' GROUP BY case_id) j
WHERE e.case_id = j.case_id AND e.task_type_id = %s AND e.judged_at IS DISTINCT FROM j.at
"""


def embedding_row(case: Case, prediction: PredictionIn | None) -> CaseEmbedding | None:
    """The unsaved embedding of a submitted case; null where none was given."""
    if prediction is None or not prediction.embedding:
        return None
    values = prediction.embedding
    return CaseEmbedding(
        case_id=case.pk,
        workspace_id=case.workspace_id,
        task_type_id=case.task_type_id,
        dim=len(values),
        vector=struct.pack(f"<{len(values)}f", *values),
    )


def mark_judged(*, task_type_id: uuid.UUID) -> int:
    """Note which embedded cases people have judged since the last time; returns how many. Safe at any time."""
    marked = CaseEmbedding.objects.filter(task_type_id=task_type_id, judged_at__isnull=False)
    last = marked.aggregate(last=Max("judged_at"))["last"]
    # The smallest UUIDv7 of that millisecond: an index range over the judgements' keys.
    since = uuid.UUID(int=int((last - _OVERLAP).timestamp() * 1000) << 80) if last else uuid.UUID(int=0)
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [since, task_type_id])
        marked_now: int = cursor.rowcount
    return marked_now
