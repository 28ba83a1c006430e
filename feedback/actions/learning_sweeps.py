"""Which task types learn actively, swept one by one. Imports no numpy until one does."""

import logging

from routing.models import PolicyVersion
from routing.selectors import compiled_version

log = logging.getLogger(__name__)


def sweep_learning() -> int:
    """Sweep every task type whose policy in force asks for it; returns how many cases were chosen or reordered.

    Idempotent; a failure of one task type is logged and keeps none of the others from theirs.
    """
    changed = 0
    active = PolicyVersion.objects.filter(status=PolicyVersion.Status.ACTIVE).order_by("pk")
    for version in active.select_related("policy__task_type").defer("document", "study"):
        policy = compiled_version(version.pk)
        document = policy.document
        if document.active_learning is None and document.priority.weights.diversity == 0.0:
            continue
        # Here and not above: the worker that only looks whether something is due stays small.
        from feedback.actions.active_learning import sweep_active_learning

        try:
            swept = sweep_active_learning(task_type=version.policy.task_type, policy=policy)
        except Exception:
            log.exception("active learning of %s failed", version.policy.task_type.slug)
            continue
        changed += swept.chosen + swept.reordered if swept else 0
    return changed
