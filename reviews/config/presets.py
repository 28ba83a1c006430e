"""A preset brought into a workspace through the same door as a configuration file."""

from typing import Any

from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, Refused
from hitl.core.parsing import convert
from reviews.config.apply import apply_configuration
from reviews.config.structs import Configuration
from reviews.models import Queue
from routing.models import Policy, PolicyVersion, TaskType
from routing.presets import Preset, with_preset


def apply_preset(*, actor: Actor, preset: Preset, task_type: str) -> list[str]:
    """A draft of the task type's policy, the tiers and the queues' settings; every change in words, none when repeated.

    The draft starts from the version in force. Raises Refused (`unknown_task_type`, `policy_does_not_compile`, …).
    """
    kind = TaskType.objects.filter(workspace_id=actor.workspace_id, slug=task_type).first()
    if kind is None:
        problem = FieldProblem("/task_type", f"There is no task type {task_type!r}.", "unknown_task_type")
        raise Refused(problem.detail, code="unknown_task_type", errors=[problem])
    queues = Queue.objects.filter(task_type=kind).order_by("slug").values_list("slug", flat=True)
    value: dict[str, Any] = {"tiers": preset.tiers}
    if preset.queues:
        value["queues"] = [{"slug": slug} | preset.queues for slug in queues]
    if preset.document:
        value["policies"] = [_policy(kind, preset)]
    return apply_configuration(actor=actor, config=convert(value, Configuration))


def _policy(kind: TaskType, preset: Preset) -> dict[str, Any]:
    policy = Policy.objects.filter(task_type=kind).first()
    version = PolicyVersion.objects.filter(policy=policy, status=PolicyVersion.Status.ACTIVE).first()
    document = with_preset(version.document if version else {}, preset)
    slug = policy.slug if policy else kind.slug
    return {"slug": slug, "task_type": kind.slug, "document": document, "note": f"preset {preset.name}"}
