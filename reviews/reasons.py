"""Who is asked to name an override category: a share of each queue's reviews, drawn by hash, never by disagreement."""

from typing import Any

from hitl.core.errors import FieldProblem, Refused
from reviews.models import Judgement, ReviewTask
from reviews.statements import categories_of
from routing.engine.sampling import hash_draw


def reason_required(review: ReviewTask, visibility: str) -> bool:
    """Whether this review's final judgement must name a category: stable over reloads.

    Only where a machine's answer is there to be seen. `review` comes with its queue, case and content.
    """
    return _asked(review, visibility) and _drawn(review)


def reason_draw(review: ReviewTask, stage: str, visibility: str) -> dict[str, Any]:
    """The draw as it is stored with a final judgement: whether it was required and with which probability."""
    if stage != Judgement.Stage.FINAL or not _asked(review, visibility):
        return {}
    return {"reason_required": _drawn(review), "reason_probability": review.queue.reason_share}


def check_reason(review: ReviewTask, category: str, visibility: str) -> None:
    """Refuse a judgement without a category where the draw asks for one."""
    if category or not reason_required(review, visibility):
        return
    known = ", ".join(categories_of(review.case.task_type.decision_form))
    detail = f"This review was drawn at random to say what mattered, agreeing or not. Use one of: {known}."
    raise Refused(
        detail, code="reason_required", errors=[FieldProblem("/override_category", detail, "reason_required")]
    )


def _asked(review: ReviewTask, visibility: str) -> bool:
    return visibility != Judgement.Visibility.NEVER and review.case.content.prediction is not None


def _drawn(review: ReviewTask) -> bool:
    share = review.queue.reason_share
    return share > 0 and hash_draw(f"reason:{review.queue_id}", str(review.pk)) < share
