"""The box that tells an appeal's judge, after the first judgement, what is contested and why."""

from typing import Any

from reviews.appeals import contested_out
from reviews.models import Claim, Decision, ReviewTask
from reviews.views.shapes import title_of


def contested_shown(claim: Claim) -> dict[str, Any] | None:
    """Null where the claim is on no appeal. The caller has checked the seal."""
    contested = contested_out(claim.review_id) if claim.review.kind == ReviewTask.Kind.APPEAL else None
    if contested is None:
        return None
    return {
        "title": title_of(claim.review.case.task_type, contested.label),
        "owner": Decision.Owner(contested.owner).label,
        "because": contested.decided_because,
        "reason": contested.reason,
        "submitted_by": contested.submitted_by,
        "judgements": contested.judgements,
    }
