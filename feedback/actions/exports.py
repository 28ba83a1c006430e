"""Ask for an export, make one again, hand one out; the moment it shows is fixed here."""

from collections.abc import Sequence

import msgspec
from django.db import connection, transaction
from django.db.models import Max

from audit.actions.events import Change, Subject, record_event
from feedback.actions.labels import LOCK
from feedback.export_formats import require_format
from feedback.export_versions import SCHEMA, software_of, versions_of
from feedback.models import Export, LabelVersion
from feedback.selectors import task_type_by_slug, task_types_for_actor
from feedback.structs import ExportIn
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import in_utc, now, rfc3339
from hitl.core.enqueue import ring
from hitl.core.errors import FieldProblem, Forbidden, InvalidInput, RateLimited, Refused
from hitl.core.permissions import Permission, Scope
from routing.models import TaskType

TASK = "feedback.work_exports"
MOST_WAITING = 20
"""Exports one client or person may have unfinished: each is kept in the database, and workers are everybody's."""
Status = Export.Status


@transaction.atomic
def request_export(*, actor: Actor, wanted: ExportIn) -> Export:
    """A file that a worker makes and keeps for a while. Raises Forbidden, InvalidInput, Refused, RateLimited."""
    _refuse_too_many(actor)
    export = _begin(actor, wanted, streamed=False)
    ring(TASK)
    return export


@transaction.atomic
def begin_stream(*, actor: Actor, wanted: ExportIn) -> Export:
    """An export that is sent while it is made; the caller sends `stream_export`. Raises as `request_export`."""
    return _begin(actor, wanted, streamed=True)


@transaction.atomic
def request_rebuild(*, actor: Actor, export: Export) -> Export:
    """Make a finished export again, as of its own moment, and compare. Raises Forbidden, Refused, RateLimited."""
    _authorise(actor, raw=export.raw)
    _refuse_too_many(actor)
    again = copy_to_rebuild(export)
    again.client_id, again.requested_by_id, again.requested_label = actor.client_id, actor.user_id, actor.label[:200]
    again.save(force_insert=True)
    _record(actor, "export.rebuild_requested", again, {"rebuilds": str(export.pk)})
    ring(TASK)
    return again


def copy_to_rebuild(export: Export) -> Export:
    """An unsaved export that shows what `export` showed. Raises Refused."""
    if export.status != Status.DONE:
        raise Refused("Only a finished export can be made again.", code="wrong_status")
    if export.versions["schema"] != SCHEMA:
        raise Refused("It was made with rows of another form; make it again with that release.", code="other_schema")
    return Export(
        workspace_id=export.workspace_id,
        kind=export.kind,
        format=export.format,
        streamed=False,
        raw=export.raw,
        question=export.question,
        task_types=export.task_types,
        as_of=export.as_of,
        last_version=export.last_version,
        versions={"task_types": export.versions["task_types"]} | software_of(export),
        withheld=bytes(export.withheld),
        rebuilds=export,
        requested_label="",
        created_at=now(),
    )


@transaction.atomic
def note_download(*, actor: Actor, export: Export) -> None:
    """A kept file is about to be handed out. Raises Forbidden, Refused `no_file`."""
    _authorise(actor, raw=export.raw)
    if not export.has_file:
        detail = (
            "There is no file of this export here. Ask for it to be rebuilt; the manifest tells whether it is the same."
        )
        raise Refused(detail, code="no_file")
    _record(actor, "export.downloaded", export, {"sha256": export.sha256})


def fix_moment(export: Export, task_types: Sequence[TaskType]) -> None:
    """Let `export` (unsaved) show the labels as they are now.

    Label versions are written under the lock taken here, so whoever has it sees every version up to the newest, and
    none with a smaller number comes later.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [LOCK])
        export.last_version = LabelVersion.objects.aggregate(last=Max("pk"))["last"] or 0
    export.as_of = now()
    export.versions = versions_of(export, task_types)


def _begin(actor: Actor, wanted: ExportIn, *, streamed: bool) -> Export:
    _authorise(actor, raw=wanted.raw)
    require_format(wanted.kind, wanted.format, "/format")
    task_types = _task_types(actor, wanted.task_type)
    client = actor.kind is ActorKind.CLIENT
    question = msgspec.structs.replace(wanted, since=wanted.since and in_utc(wanted.since, "/since"))
    _refuse_nul(wanted.model_version)
    export = Export(
        workspace_id=actor.workspace_id,
        kind=wanted.kind,
        format=wanted.format,
        status=Status.RUNNING if streamed else Status.WAITING,
        streamed=streamed,
        raw=wanted.raw,
        # A partner's own cases only, as everywhere else.
        question={
            "task_type": wanted.task_type,
            "model_version": wanted.model_version,
            "since": rfc3339(question.since),
            "owner": str(actor.client_id) if client else None,
        },
        task_types=[task_type.pk for task_type in task_types],
        client_id=actor.client_id,
        requested_by_id=actor.user_id,
        requested_label=actor.label[:200],
        created_at=now(),
    )
    fix_moment(export, task_types)
    export.save(force_insert=True)
    _record(actor, "export.requested", export, {"question": export.question, "streamed": streamed})
    return export


def _refuse_too_many(actor: Actor) -> None:
    mine = Export.objects.filter(
        workspace_id=actor.workspace_id, client=actor.client_id, requested_by=actor.user_id, streamed=False
    )
    if mine.filter(status__in=[Status.WAITING, Status.RUNNING]).count() >= MOST_WAITING:
        detail = f"{MOST_WAITING} of your exports are unfinished; ask again when one is done."
        raise RateLimited(detail, code="too_many_waiting", retry_after_s=60)


def _authorise(actor: Actor, *, raw: bool) -> None:
    if actor.kind is not ActorKind.SYSTEM and Scope.EXPORTS_READ not in actor.scopes:
        raise Forbidden("The scope `exports:read` is needed here.", code="scope_required")
    if raw:
        actor.require(Permission.EXPORT_RAW)


def _task_types(actor: Actor, slug: str | None) -> list[TaskType]:
    if slug is None:
        return list(task_types_for_actor(actor))
    task_type = task_type_by_slug(actor, slug)
    if task_type is None:
        detail = f"There is no task type “{slug}”."
        problem = FieldProblem("/task_type", "Name a task type of this workspace.", "unknown_task_type")
        raise Refused(detail, code="unknown_task_type", errors=[problem])
    return [task_type]


def _refuse_nul(text: str | None) -> None:
    if "\x00" in (text or ""):
        raise InvalidInput(errors=[FieldProblem("/model_version", "No NUL characters.", "nul_character")])


def _record(actor: Actor, action: str, export: Export, more: dict[str, object]) -> None:
    after = {"kind": export.kind, "format": export.format, "raw": export.raw, "status": export.status}
    change = Change(after=after | more, versions={"labels": export.last_version})
    record_event(actor=actor, action=action, subject=Subject("export", export.pk), change=change)
