"""Take the next review while the present one is judged, so that it stands there at once when that is recorded.

A prefetched claim is a claim like any other (exclusive, fenced, counted against the cap) on a lease of one minute.
Being shown makes it a full lease and starts its clock; not shown, it expires and goes back to the queue.
"""

import uuid

from django.db import connection, transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import now, rfc3339
from hitl.core.errors import Conflict
from hitl.core.rows import insert_rows
from reviews.access import Held, held_by_actor
from reviews.actions.claims import claim_next_review
from reviews.models import Claim


def next_held(actor: Actor, *, besides: uuid.UUID | None = None) -> Claim | None:
    """The open claim that comes next: what was shown before what was only prefetched, then the oldest."""
    held = Claim.objects.filter(
        user_id=actor.person_id, workspace_id=actor.workspace_id, status=Claim.Status.OPEN, expires_at__gt=now()
    )
    if besides:
        held = held.exclude(pk=besides)
    found = sorted(held.select_related("review"), key=lambda c: (c.prefetched and c.shown_at is None, c.claimed_at))
    return found[0] if found else None


def prefetch_next_review(*, actor: Actor, claim_id: uuid.UUID) -> Held | None:
    """What comes after the claim being judged: another one held, else a new one on a short lease; null without any.

    Null also once that claim is over: the next case might be the very one that was lost.
    Raises Forbidden `reviewer_required`, NotFound for anybody else's claim.
    """
    held = held_by_actor(actor, claim_id)
    if held.claim.token is None or held.claim.expires_at <= held.at:
        return None
    other = next_held(actor, besides=claim_id)
    if other is not None:
        return held_by_actor(actor, other.pk)
    try:
        return claim_next_review(actor=actor, ahead=True)
    except Conflict:  # the cap is reached, or the person is not available
        return None


_SHOW = """
UPDATE reviews_claim c
SET shown_at = statement_timestamp(), expires_at = statement_timestamp() + make_interval(secs => q.lease_s)
FROM reviews_reviewtask r JOIN reviews_queue q ON q.id = r.queue_id
WHERE c.id = %s AND c.user_id = %s AND c.workspace_id = %s AND r.id = c.review_id AND c.token IS NOT NULL
  AND c.prefetched AND c.shown_at IS NULL AND c.expires_at > clock_timestamp()
RETURNING c.expires_at, c.review_id, r.case_id
"""


@transaction.atomic
def show_prefetched(*, actor: Actor, claim_id: uuid.UUID) -> bool:
    """The prefetched case is on the screen: its lease becomes a full one and its clock starts. False: nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute(_SHOW, [claim_id, actor.person_id, actor.workspace_id])
        row = cursor.fetchone()
    if row is None:
        return False
    expires_at, review_id, case_id = row
    change = Change(after={"claim": str(claim_id), "expires_at": rfc3339(expires_at)})
    insert_rows(
        build_event(actor=actor, action="review.shown", subject=Subject("review", review_id, case_id), change=change)
    )
    return True
