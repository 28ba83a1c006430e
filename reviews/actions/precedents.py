"""Keep what a search for precedents found. Rebuilt from the cases at any time, so without events."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from reviews.models import CasePrecedents

KEPT = 20
"""More than are shown: some may be hidden from who reads them."""


def keep_precedents(
    *,
    workspace_id: uuid.UUID,
    method: CasePrecedents.Method,
    found: Mapping[uuid.UUID, Sequence[tuple[uuid.UUID, float]]],
    at: datetime,
) -> int:
    """Store the nearest cases of each, nearest first; one statement. Returns how many cases."""
    rows = [
        CasePrecedents(
            case_id=case_id,
            workspace_id=workspace_id,
            method=method,
            neighbours=[{"case": str(pk), "similarity": round(near, 4)} for pk, near in nearest[:KEPT]],
            computed_at=at,
        )
        for case_id, nearest in found.items()
    ]
    CasePrecedents.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["case"],
        update_fields=["method", "neighbours", "computed_at"],
        batch_size=500,
    )
    return len(rows)
