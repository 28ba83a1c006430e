"""What active learning chose, as supervisors may read it."""

from dataclasses import dataclass
from typing import Any

from hitl.core.actors import Actor
from hitl.core.permissions import Permission
from reviews.access import Desk, unsealed_cases
from reviews.models import Case, LearningScore, Queue

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Lesson:
    """A waiting review that active learning chose: its case, why (factors that count, greatest first), its region.

    score: as it was chosen, less what it lost by resembling a case chosen before it; the order of work.
    """

    case: Case
    score: float
    factors: tuple[dict[str, Any], ...]
    region: int | None


def lessons_in(queue: Queue, actor: Actor, desk: Desk) -> list[Lesson]:
    """The best waiting lessons of a queue, for who may read policies; never of a case sealed to this person."""
    if not queue.active_learning or not actor.may(Permission.READ_POLICIES):
        return []
    waiting = LearningScore.objects.filter(review__queue=queue, review__status="waiting", review__kind="learning")
    seen = unsealed_cases(Case.objects.filter(workspace_id=actor.workspace_id), actor, desk)
    rows = waiting.filter(case__in=seen).select_related("case", "review").order_by("review__order_key", "case_id")
    return [
        Lesson(row.case, row.review.priority, _telling(row.factors), row.region) for row in rows[:SHOWN] if row.review
    ]


def _telling(factors: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    found = sorted((f for f in factors if f["contribution"] > 0), key=lambda f: -f["contribution"])
    return tuple({**f, "name": f["factor"].replace("_", " ")} for f in found)
