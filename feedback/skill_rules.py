"""Which rules of skill hold in a queue: its own, else the workspace's, else the defaults."""

import uuid
from collections.abc import Mapping

from feedback.models import SkillRules
from feedback.stats.skills import DEFAULT_RULES, Rules


def rules_of(row: SkillRules | None) -> Rules:
    """A stored row as the statistics take it; the defaults without one."""
    if row is None:
        return DEFAULT_RULES
    return Rules(
        row.competent_from,
        row.expert_from,
        row.min_cases,
        row.novice_weight,
        row.competent_weight,
        row.expert_weight,
        row.automatic,
    )


def rules_in_force(workspace_id: uuid.UUID) -> Mapping[uuid.UUID | None, Rules]:
    """The declared rules by queue; under null those of every other queue, always there."""
    stored = {row.queue_id: rules_of(row) for row in SkillRules.objects.filter(workspace_id=workspace_id)}
    return {None: DEFAULT_RULES} | stored
