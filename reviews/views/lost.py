"""A lease that is over: whether the case is free to be taken back, held by somebody else, or decided meanwhile."""

from dataclasses import dataclass
from typing import Any

from reviews.models import Case, Claim, Decision, ReviewTask
from reviews.views.shapes import title_of


@dataclass(frozen=True, slots=True)
class Lost:
    """`decision` only where the case is not sealed for this person; `decided` says that there is one all the same."""

    free: bool
    decided: bool
    decision: dict[str, Any] | None


def lost_shown(case: Case, claim: Claim, *, sealed: bool) -> Lost:
    """How the review stands that this claim was on."""
    review = ReviewTask.objects.only("status").get(pk=claim.review_id)
    mine = claim.token is not None  # it ran out, but nothing has taken it away yet
    decided = review.status in (ReviewTask.Status.DONE, ReviewTask.Status.CANCELLED)
    decision = None if sealed or not decided else decision_shown(case)
    return Lost(free=mine or review.status == ReviewTask.Status.WAITING, decided=decided, decision=decision)


def decision_shown(case: Case) -> dict[str, Any] | None:
    """The decision in force as people read it."""
    found = Decision.objects.filter(case_id=case.pk, is_current=True).select_related("decided_by").first()
    if found is None:
        return None
    by = found.decided_by.get_username() if found.decided_by else found.get_owner_display()
    return {"title": title_of(case.task_type, found.label), "by": by, "at": found.created_at}
