"""What is written down when a review goes from hand to hand."""

import uuid
from datetime import datetime

from hitl.core.actors import Actor
from hitl.core.rows import insert_rows, new_row
from reviews.access import revealed
from reviews.models import Claim, Handover, ReviewTask
from reviews.selectors import judged_stages
from reviews.visibility import arm_of_claim


def note_handover(
    *,
    actor: Actor,
    review: ReviewTask,
    kind: Handover.Kind,
    note: str,
    at: datetime,
    queues: tuple[uuid.UUID, uuid.UUID],
    informed: bool,
    to: uuid.UUID | None = None,
    until: datetime | None = None,
) -> Handover:
    """Write one step down; `queues`: from, to. Inside the caller's transaction."""
    row = new_row(
        Handover,
        workspace_id=review.workspace_id,
        review_id=review.pk,
        kind=kind.value,
        by_id=actor.person_id,
        to_id=to,
        from_queue_id=queues[0],
        to_queue_id=queues[1],
        note=note,
        informed=informed,
        until=until,
        created_at=at,
    )
    insert_rows(row)
    ReviewTask.objects.filter(pk=review.pk).update(handed_over=True)
    return row


def knows_answer(claim: Claim) -> bool:
    """Whether the holder of a claim has been shown the machine's answer, so that a note of theirs may betray it."""
    if not arm_of_claim(claim).sealed:
        return True
    return revealed(judged_stages(claim.user_id, [claim.review.case_id]).get(claim.review.case_id, []))
