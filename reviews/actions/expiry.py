"""Lapsed leases go back to their queues."""

from typing import Any

from django.db import connection, transaction
from django.db.models import Case as Choose
from django.db.models import Value, When

from hitl.core.actors import system_actor
from hitl.core.clock import db_now
from hitl.core.rows import insert_rows
from reviews.actions.claims import claim_event
from reviews.actions.heads import note_waiting
from reviews.history import case_history
from reviews.models import Case, Claim, ReviewTask

_EXPIRE = """
WITH gone AS (
  SELECT id FROM reviews_claim WHERE status = 'open' AND expires_at <= statement_timestamp()
  ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE reviews_claim c SET status = 'expired', token = NULL, closed_at = clock_timestamp()
FROM gone WHERE c.id = gone.id RETURNING c.id, c.closed_at
"""
_SWEEP = 200
# A review that waited for one person waits for that person again.
WAITS_AGAIN = Choose(When(assigned_to__isnull=True, then=Value("waiting")), default=Value("assigned"))


def waits_as(review: ReviewTask) -> str:
    """The status a review goes back to: for everybody, or for the one it was assigned to."""
    return "waiting" if review.assigned_to_id is None else "assigned"


def expire_claims() -> int:
    """Return every lapsed lease to its queue, a few hundred per transaction. Returns how many; idempotent."""
    total = 0
    while True:
        count = _expire_some()
        total += count
        if count < _SWEEP:
            return total


@transaction.atomic
def _expire_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, [_SWEEP])
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return 0
    at = db_now()
    claims = list(Claim.objects.filter(pk__in=ids).select_related("review"))
    reviews = [c.review_id for c in claims]
    cases = [c.review.case_id for c in claims]
    ReviewTask.objects.filter(pk__in=reviews, status="claimed").update(status=WAITS_AGAIN)
    still = Claim.objects.filter(review__case_id__in=cases, status=Claim.Status.OPEN).values("review__case_id")
    Case.objects.filter(pk__in=cases, status="in_review").exclude(pk__in=still).update(status="pending")
    rows: list[Any] = []
    by_id = Case.objects.in_bulk(cases)
    for claim in claims:
        actor = system_actor(claim.workspace_id, "claim time-out")
        note_waiting(claim.review.queue_id, claim.review)
        rows.append(
            claim_event(actor, claim, "review.expired", claim.review.case_id, {"status": waits_as(claim.review)})
        )
        rows.append(case_history(by_id[claim.review.case_id], actor=actor, at=at, reason="lease expired"))
    insert_rows(*sorted(rows, key=lambda r: type(r).__name__))
    return len(ids)
