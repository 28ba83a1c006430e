"""Ask for a replay, and take the question back."""

import msgspec
from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import ReplayJob
from feedback.structs import ReplayIn
from hitl.core.actors import Actor
from hitl.core.clock import in_utc, now
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, FieldProblem, InvalidInput, NotFound, Refused
from hitl.core.permissions import Permission
from routing.access import require_configure
from routing.models import PolicyVersion

Status = ReplayJob.Status
OPEN = (Status.WAITING, Status.RUNNING)
TASK = "feedback.work_replays"


@transaction.atomic
def request_replay(*, actor: Actor, version: PolicyVersion, wanted: ReplayIn) -> ReplayJob:
    """Try `version` (with its policy and task type) on past cases; workers take it. Asked twice, it is one job.

    Raises Forbidden, NotFound, InvalidInput, Refused (`unknown_version`).
    """
    require_configure(actor, Permission.WRITE_POLICIES)
    if version.workspace_id != actor.workspace_id or not actor.sees_task_type(version.policy.task_type_id):
        raise NotFound()
    wanted = _checked(wanted)
    other = _compared_with(version, wanted.compare_with)
    question = msgspec.to_builtins(wanted)
    # The version's row is locked, so that of two equal questions the second finds the first.
    PolicyVersion.objects.select_for_update(of=("self",)).filter(pk=version.pk).first()
    if known := ReplayJob.objects.filter(version=version, question=question, status__in=OPEN).first():
        return known
    job = ReplayJob(
        workspace_id=version.workspace_id,
        task_type=version.policy.task_type,
        version=version,
        compared_with=other,
        question=question,
        requested_by_id=actor.user_id,
        requested_label=actor.label[:200],
        created_at=now(),
    )
    job.save(force_insert=True)
    _record(actor, "replay.requested", job, {"question": question})
    ring(TASK)
    return job


@transaction.atomic
def cancel_replay(*, actor: Actor, job: ReplayJob) -> ReplayJob:
    """Stop a replay that is not finished. Raises Forbidden, Conflict (`wrong_status`)."""
    require_configure(actor, Permission.WRITE_POLICIES)
    rows = ReplayJob.objects.filter(pk=job.pk, workspace_id=actor.workspace_id, status__in=OPEN)
    if not rows.update(status=Status.CANCELLED, finished_at=now()):
        raise Conflict("This replay has ended already.", code="wrong_status")
    job.refresh_from_db(fields=["status", "finished_at"])
    _record(actor, "replay.cancelled", job, {})
    return job


def _record(actor: Actor, action: str, job: ReplayJob, more: dict[str, object]) -> None:
    after = {"policy": job.version.policy.slug, "number": job.version.number, "status": job.status}
    record_event(
        actor=actor,
        action=action,
        subject=Subject("replay", job.pk),
        change=Change(after=after | more, versions={"policy": job.version.number}),
    )


def _checked(wanted: ReplayIn) -> ReplayIn:
    since, to = wanted.since and in_utc(wanted.since, "/from"), wanted.to and in_utc(wanted.to, "/to")
    if since is not None and to is not None and since >= to:
        raise InvalidInput(errors=[FieldProblem("/to", "Give a time after the start.", "out_of_range")])
    text = [wanted.model_version or "", *wanted.segment, *wanted.segment.values()]
    if any("\x00" in part for part in text):
        raise InvalidInput(errors=[FieldProblem("", "No NUL characters.", "nul_character")])
    return msgspec.structs.replace(wanted, since=since, to=to)


def _compared_with(version: PolicyVersion, number: int | None) -> PolicyVersion | None:
    if number is None:
        return None
    found = PolicyVersion.objects.filter(policy_id=version.policy_id, number=number).first()
    if found is None:
        detail = f"This policy has no version {number}."
        raise Refused(detail, code="unknown_version", errors=[FieldProblem("/compare_with", detail, "unknown_version")])
    return found
