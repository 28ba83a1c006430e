"""Pause reviewers whose accuracy on gold cases is surely below what their queue asks for; never silently."""

from feedback.gold_quality import recent_of, surely_below, watched_queues
from hitl.accounts.models import User
from hitl.core.actors import system_actor
from reviews.actions.standing import pause_reviewer
from reviews.models import QueueStanding


def watch_gold() -> int:
    """Pause whoever is surely below the floor of a queue. Returns how many; again changes nothing."""
    paused = 0
    for queue in watched_queues():
        floor = queue.gold_min_accuracy or 0.0
        resting = set(
            QueueStanding.objects.filter(queue=queue, paused_at__isnull=False).values_list("user_id", flat=True)
        )
        for user_id, told in recent_of(queue).items():
            right, n = sum(told), len(told)
            if user_id in resting or not surely_below(right, n, floor):
                continue
            reason = f"Right in {right} of the last {n} gold cases; at least {floor:.0%} is asked for in {queue.title}."
            paused += pause_reviewer(
                actor=system_actor(queue.workspace_id, "gold watch"),
                queue=queue,
                user=User.objects.get(pk=user_id),
                reason=reason,
                values={"right": right, "n": n, "floor": f"{floor:.0%}"},
            )
    return paused
