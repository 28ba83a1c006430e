"""Which arm of a queue's visibility experiment a case is in: before, after or never (mission D2)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from hitl.core.rows import Select, instances, run_pipelined
from reviews.chain import needs_approval
from reviews.models import Claim, Judgement, ReviewTask, VisibilityPolicy
from routing.engine.sampling import hash_draw

# The policy in force when the review was first claimed: a later one must not change what somebody is in the middle of.
# Reads nothing where the queue never had a policy.
POLICY_OF_REVIEW = """
  SELECT p.* FROM reviews_visibilitypolicy p
  WHERE q.visibility_version > 0 AND p.queue_id = q.id AND p.from_at <= COALESCE((
    SELECT f.claimed_at FROM reviews_claim f WHERE f.review_id = r.id ORDER BY f.epoch LIMIT 1
  ), statement_timestamp())
  ORDER BY p.from_at DESC, p.number DESC LIMIT 1
"""
_ARMS = Select(
    models=(("r", ReviewTask), ("v", VisibilityPolicy)),
    rest=f"""
, COALESCE(kc.proposed_action, 'null'::jsonb) <> 'null'::jsonb
  AND (kc.proposed_action->'reversible' = 'false'::jsonb OR NOT t.reversible)
FROM reviews_reviewtask r JOIN reviews_queue q ON q.id = r.queue_id
JOIN reviews_case k ON k.id = r.case_id JOIN reviews_casecontent kc ON kc.case_id = k.id
JOIN routing_tasktype t ON t.id = k.task_type_id
LEFT JOIN LATERAL ({POLICY_OF_REVIEW}) v ON true
WHERE r.id = ANY(%s)
""",
)


@dataclass(frozen=True, slots=True)
class Arm:
    """When the reviewer is shown the machine's answer, and how probable that was.

    `version`: of the queue's visibility policy; 0 without one.
    """

    visibility: Judgement.Visibility
    propensity: float
    version: int = 0

    @property
    def sealed(self) -> bool:
        """The machine's answer is absent until the first judgement, which is asked for."""
        return self.visibility != Judgement.Visibility.BEFORE


SHOWN = Arm(Judgement.Visibility.BEFORE, 1.0)


def is_gated(review: ReviewTask) -> bool:
    """Whether an irreversible action waits for this judgement; needs the case with content and task type."""
    case = review.case
    return needs_approval(case.content.proposed_action, reversible=case.task_type.reversible)


def arm_of(review: ReviewTask, policy: VisibilityPolicy | None, *, gated: bool) -> Arm:
    """The arm of a review's case: drawn by hash, so the same on every reload and every later claim.

    Whoever approves an action must see it, so gated cases are *before* where the queue is not judge-first. A policy
    with *before* does not hold while the queue is judge-first: the seal wins.
    """
    queue = review.queue
    if review.kind == ReviewTask.Kind.APPEAL:
        return Arm(Judgement.Visibility.AFTER, 1.0)  # whoever answers an appeal must know what it is about
    if policy is None or (queue.judge_first and policy.before_share > 0.0):
        if not queue.judge_first:
            return SHOWN
        salt, before, after, version = f"reveal:{queue.pk}", 0.0, queue.reveal_share, 0
        never = 1.0 - after
    elif gated and not queue.judge_first:
        return Arm(Judgement.Visibility.BEFORE, 1.0, policy.number)
    else:
        salt, version = f"visibility:{queue.pk}:{policy.seed}", policy.number
        before, after, never = policy.before_share, policy.after_share, policy.never_share
    draw = hash_draw(salt, str(review.case_id))
    if draw < before:
        return Arm(Judgement.Visibility.BEFORE, before, version)
    if draw < before + after or never <= 0.0:
        return Arm(Judgement.Visibility.AFTER, after, version)
    return Arm(Judgement.Visibility.NEVER, never, version)


def arms_of(reviews: Sequence[ReviewTask]) -> dict[uuid.UUID, Arm]:
    """The arms of reviews that have their queues, by review; asks nothing where no queue has a policy."""
    with_policy = {r.pk: r for r in reviews if r.queue.visibility_version}
    found = {r.pk: arm_of(r, None, gated=False) for r in reviews}
    if with_policy:
        (rows,) = run_pipelined(_ARMS.with_values(list(with_policy)))
        for (review, policy), row in zip(instances(_ARMS, rows), rows, strict=True):
            found[review.pk] = arm_of(with_policy[review.pk], policy, gated=row[-1])
    return found


def arm_of_claim(claim: Claim) -> Arm:
    """The arm of a claim that has its review and queue."""
    return arms_of([claim.review])[claim.review_id]
