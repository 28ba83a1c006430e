"""From a history to a policy in force: labels, fit and certificate by the product, approval by a supervisor."""

import time
from collections.abc import Sequence

from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from feedback.models import RecalibrationRun
from hitl.accounts.models import Workspace
from hitl.core.actors import Actor
from routing.actions.policies import activate_version, approve_version
from routing.models import PolicyVersion, TaskType

_ATTEMPTS = 60


def recalibrate_and_approve(workspace: Workspace, supervisor: Actor, task_types: Sequence[str]) -> str:
    """Recalibrate each task type; what is proposed the supervisor approves and activates. Says what came of each."""
    rebuild_labels()
    found = []
    for task_type in TaskType.objects.filter(workspace=workspace, slug__in=task_types).order_by("slug"):
        run = _run(task_type)
        if run.policy_version_id is None:
            found.append(f"{task_type.slug}: the machine does not decide. {run.detail}")
            continue
        version = PolicyVersion.objects.get(pk=run.policy_version_id)
        _put_in_force(supervisor, version)
        found.append(f"{task_type.slug}: version {version.number}, approved by {supervisor.label}. {version.note}")
    return "\n".join(found)


def _run(task_type: TaskType) -> RecalibrationRun:
    """A run of our own; while a worker is at the same task type, wait for it."""
    for _ in range(_ATTEMPTS):
        run = recalibrate(task_type=task_type, trigger="by_hand")
        if run is not None:
            return run
        time.sleep(1.0)
    raise RuntimeError(f"another process has been recalibrating {task_type.slug} for {_ATTEMPTS} s")


def _put_in_force(supervisor: Actor, version: PolicyVersion) -> None:
    reason = "The demo's supervisor accepts what the study certifies."
    if version.status == PolicyVersion.Status.DRAFT:
        version = approve_version(actor=supervisor, version=version, reason=reason)
    if version.status == PolicyVersion.Status.APPROVED:
        activate_version(actor=supervisor, version=version, reason=reason)
