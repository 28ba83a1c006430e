"""Write, put in force and acknowledge guidelines. Versions and uses are never changed; new ones follow."""

import uuid
from datetime import datetime

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now, in_utc, rfc3339
from hitl.core.errors import FieldProblem, Forbidden, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.guidelines import in_force, queues_for
from reviews.models import (
    GuidelineAcknowledgement,
    GuidelineRequest,
    GuidelineUse,
    GuidelineVersion,
    Queue,
)
from routing.models import TaskType

MAX_TEXT = 200_000


@transaction.atomic
def write_guideline(*, actor: Actor, task_type: TaskType, title: str, text: str, note: str) -> GuidelineVersion:
    """The next version of a task type's guideline; in force nowhere yet. The same text again gives the newest one.

    Raises Forbidden, NotFound, Refused (`required`, `too_long`).
    """
    actor.require(Permission.CONFIGURE)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise NotFound()
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    given = {"title": title.strip(), "text": text, "note": note.strip()}
    if missing := [FieldProblem(f"/{name}", "Fill this in.", "required") for name, value in given.items() if not value]:
        raise Refused(code="required", errors=missing)
    if len(text) > MAX_TEXT or len(given["title"]) > 200:
        problem = FieldProblem("/text", f"At most {MAX_TEXT} characters; the title 200.", "too_long")
        raise Refused(problem.detail, code="too_long", errors=[problem])
    TaskType.objects.select_for_update(of=("self",)).get(pk=task_type.pk)  # numbers follow each other
    last = GuidelineVersion.objects.filter(task_type=task_type).order_by("-number").first()
    if last is not None and (last.title, last.text) == (given["title"], text):
        return last
    row = GuidelineVersion.objects.create(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        number=last.number + 1 if last else 1,
        created_by_id=actor.user_id,
        created_at=db_now(),
        **given,
    )
    change = Change(after={"task_type": task_type.slug, "number": row.number}, reason=given["note"][:2000])
    record_event(actor=actor, action="guideline.written", subject=Subject("guideline", row.pk), change=change)
    return row


@transaction.atomic
def put_in_force(
    *,
    actor: Actor,
    version: GuidelineVersion,
    queue: Queue,
    from_at: datetime | None = None,
    must_acknowledge: bool = True,
) -> GuidelineUse:
    """From `from_at` (null: now) reviewers of the queue go by this version. Again, with the same one in force and no
    time given, changes nothing. Raises Forbidden, NotFound, InvalidInput, Refused (`in_the_past`)."""
    actor.require(Permission.CONFIGURE)
    if version.workspace_id != actor.workspace_id or not queues_for(version.task_type).filter(pk=queue.pk).exists():
        raise NotFound()
    at, from_at = db_now(), from_at and in_utc(from_at, "/from")
    if from_at is not None and from_at < at.replace(second=0, microsecond=0):
        problem = FieldProblem("/from", "Name a time to come, or none for now.", "in_the_past")
        raise Refused(problem.detail, code="in_the_past", errors=[problem])
    current = in_force(queue.pk)
    if from_at is None and current is not None and current.version_id == version.pk:
        return current
    use = GuidelineUse.objects.create(
        workspace_id=actor.workspace_id,
        queue=queue,
        version=version,
        from_at=max(from_at, at) if from_at else at,
        must_acknowledge=must_acknowledge,
        created_by_id=actor.user_id,
        created_at=at,
    )
    before = {"number": current.version.number} if current else None
    after = {
        "queue": queue.slug,
        "task_type": version.task_type.slug,
        "number": version.number,
        "from": rfc3339(use.from_at),
        "must_acknowledge": must_acknowledge,
    }
    change = Change(before, after)
    record_event(actor=actor, action="guideline.put_in_force", subject=Subject("guideline", version.pk), change=change)
    return use


@transaction.atomic
def acknowledge_guideline(*, actor: Actor, queue: Queue, version_id: uuid.UUID | None = None) -> GuidelineVersion:
    """This person has read what is in force in the queue. Again changes nothing.

    Raises NotFound where nothing is, Forbidden for who does not review, Refused `guideline_changed` when it is no
    longer the version they read.
    """
    if not actor.may(Permission.REVIEW) or actor.user_id is None:
        raise Forbidden("Only who reviews acknowledges a guideline.")
    use = in_force(queue.pk)
    if use is None:
        raise NotFound()
    if version_id is not None and version_id != use.version_id:
        raise Refused("Another version is in force by now: read that one.", code="guideline_changed")
    _, created = GuidelineAcknowledgement.objects.get_or_create(
        version=use.version,
        user_id=actor.user_id,
        defaults={"workspace_id": actor.workspace_id, "created_at": db_now()},
    )
    if created:
        record_event(
            actor=actor,
            action="guideline.acknowledged",
            subject=Subject("guideline", use.version_id),
            change=Change(after={"queue": queue.slug, "number": use.version.number}),
        )
    return use.version


@transaction.atomic
def request_change(
    *, actor: Actor, task_type: TaskType, text: str, case_id: uuid.UUID | None = None
) -> GuidelineRequest:
    """Ask for a change of the guideline; open until somebody answers. Raises Refused `required`."""
    if not text.strip():
        raise Refused(
            "Say what is missing.", code="required", errors=[FieldProblem("/text", "Fill this in.", "required")]
        )
    row = GuidelineRequest.objects.create(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        case_id=case_id,
        text=text.strip()[:5000],
        created_by_id=actor.user_id,
        created_at=db_now(),
    )
    change = Change(after={"task_type": task_type.slug}, reason=row.text[:2000])
    record_event(
        actor=actor, action="guideline.change_requested", subject=Subject("guideline_request", row.pk), change=change
    )
    return row


def _about(row: GuidelineRequest) -> Subject:
    return Subject("guideline_request", row.pk)


@transaction.atomic
def close_request(*, actor: Actor, request_id: uuid.UUID, done: bool, answer: str) -> GuidelineRequest:
    """Answer a request. Raises Forbidden, NotFound, Refused `required`."""
    actor.require(Permission.CONFIGURE)
    rows = GuidelineRequest.objects.select_for_update().filter(workspace_id=actor.workspace_id, status="open")
    row = rows.filter(pk=request_id).first()
    if row is None:
        raise NotFound()
    if not answer.strip():
        raise Refused("Answer them.", code="required", errors=[FieldProblem("/answer", "Fill this in.", "required")])
    row.status = GuidelineRequest.Status.DONE if done else GuidelineRequest.Status.DECLINED
    row.answer, row.closed_at = answer.strip()[:5000], db_now()
    row.save(update_fields=["status", "answer", "closed_at"])
    change = Change({"status": "open"}, {"status": str(row.status)}, row.answer[:2000])
    record_event(
        actor=actor, action="guideline.request_closed", subject=Subject("guideline_request", row.pk), change=change
    )
    return row
