"""Where a review goes that is handed up."""

from hitl.core.errors import Conflict
from reviews.models import ReviewTask
from reviews.selectors import QueueChoice, choose_queue


def higher_queue(review: ReviewTask) -> QueueChoice:
    """The queue of the next higher tier for this case. Raises Conflict `no_higher_tier`."""
    choice = choose_queue(
        workspace_id=review.workspace_id,
        task_type_id=review.case.task_type_id,
        tier_slug="",
        min_rank=review.queue.tier.rank + 1,
    )
    if choice is None:
        raise Conflict("There is no queue of a higher tier for this case.", code="no_higher_tier")
    return choice
