"""Ask for a policy test suite to be run."""

from collections.abc import Mapping

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import SuiteRun
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.models import SuiteVersion
from routing.access import require_configure
from routing.models import PolicyVersion, TaskType

Status = SuiteRun.Status
OPEN = (Status.WAITING, Status.RUNNING)
TASK = "feedback.work_suites"


@transaction.atomic
def request_suite_run(*, actor: Actor, task_type: TaskType, number: int | None = None) -> SuiteRun:
    """Try the newest suite of `task_type` on version `number` of its policy (null: the active one); workers take it.

    Asked twice while it waits or runs, it is one run. Raises Forbidden, NotFound, Refused (`no_suite`,
    `unknown_version`).
    """
    require_configure(actor, Permission.WRITE_POLICIES)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise NotFound()
    suites = SuiteVersion.objects.filter(task_type=task_type).defer("examples").order_by("-number")
    # The row is locked, so that of two equal questions the second finds the first.
    suite = suites.select_for_update(of=("self",)).first()
    if suite is None:
        raise Refused("This task type has no test suite yet; write one first.", code="no_suite")
    version = _version(task_type, number)
    if known := SuiteRun.objects.filter(suite=suite, version=version, status__in=OPEN).first():
        return known
    run = SuiteRun(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        suite=suite,
        version=version,
        requested_by_id=actor.user_id,
        requested_label=actor.label[:200],
        created_at=now(),
    )
    run.save(force_insert=True)
    record_run(actor, "suite.run_requested", run, {})
    ring(TASK)
    return run


def record_run(actor: Actor, action: str, run: SuiteRun, more: Mapping[str, object]) -> None:
    """An event about a run, with its suite and version loaded."""
    after = {"task_type": run.task_type.slug, "suite": run.suite.number, "status": run.status}
    record_event(
        actor=actor,
        action=action,
        subject=Subject("suite_run", run.pk),
        change=Change(after=after | dict(more), versions={"policy": run.version.number}),
    )


def _version(task_type: TaskType, number: int | None) -> PolicyVersion:
    rows = PolicyVersion.objects.filter(policy__task_type=task_type).select_related("policy")
    if number is None:
        found, detail = rows.filter(status=PolicyVersion.Status.ACTIVE).first(), "No version is active; name one."
    else:
        found, detail = rows.filter(number=number).first(), f"This policy has no version {number}."
    if found is None:
        problem = FieldProblem("/policy_version", detail, "unknown_version")
        raise Refused(detail, code="unknown_version", errors=[problem])
    return found
