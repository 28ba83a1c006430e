"""How like a case is to those marked as known bad: cosine of embeddings, in plain Python, for the request path."""

import struct
import uuid
from collections.abc import Sequence
from functools import lru_cache
from math import hypot
from operator import mul

from hitl.core.rows import run_pipelined

MOST = 200
_STAMP = "SELECT count(*) || ':' || max(xmin::text::bigint) FROM reviews_knownbad WHERE task_type_id = %s"
_EXEMPLARS = """
SELECT e.vector FROM reviews_knownbad k JOIN reviews_caseembedding e ON e.case_id = k.case_id
WHERE k.task_type_id = %s ORDER BY k.created_at DESC, k.case_id DESC LIMIT %s
"""
Vector = tuple[float, ...]


def known_bad_similarity(task_type_id: uuid.UUID, embedding: Sequence[float]) -> float | None:
    """0-1: the nearest of the newest 200 exemplars of the same dimension, 0 without any; null without an embedding.

    One small statement; the exemplars are kept per process until one is added or taken away.
    """
    own = _unit(embedding)
    if own is None:
        return None
    ((stamp,),) = run_pipelined((_STAMP, [task_type_id]))[0]
    near = (sum(map(mul, own, other)) for other in _exemplars(task_type_id, stamp) if len(other) == len(own))
    return min(max(max(near, default=0.0), 0.0), 1.0)


@lru_cache(maxsize=64)
def _exemplars(task_type_id: uuid.UUID, _stamp: str | None) -> tuple[Vector, ...]:
    (rows,) = run_pipelined((_EXEMPLARS, [task_type_id, MOST]))
    vectors = (_unit(struct.unpack(f"<{len(raw) // 4}f", raw)) for (raw,) in rows)
    return tuple(vector for vector in vectors if vector is not None)


def _unit(values: Sequence[float]) -> Vector | None:
    length = hypot(*values)
    return tuple(value / length for value in values) if length > 0.0 else None
