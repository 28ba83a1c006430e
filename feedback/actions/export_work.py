"""Make exports: while they are sent, or by a worker into parts that are kept for a while.

Celery only rings (docs/adr/0002): a worker takes a waiting export by SKIP LOCKED under a lease, which every part it
stores renews. Whoever takes over from a lost worker begins anew.
"""

import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.actions.exports import fix_moment
from feedback.actions.labels import rebuild_labels
from feedback.exporting import Pass
from feedback.models import Export, ExportPart
from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.core.errors import unexpected
from hitl.core.ids import new_id
from hitl.core.rows import run_pipelined
from routing.models import TaskType

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 3
LONGEST_STREAM = timedelta(days=1)
_PART_BYTES = 1024 * 1024
Status = Export.Status

_CLAIM = """
UPDATE feedback_export SET status = 'running', token = %(token)s, attempts = attempts + 1,
       lease_until = clock_timestamp() + %(lease)s
WHERE id = (
  SELECT id FROM feedback_export
  WHERE (status = 'waiting' OR (status = 'running' AND lease_until < statement_timestamp()))
    AND NOT streamed AND attempts < %(most)s
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


class _LeaseLost(Exception):
    """Another worker has taken over."""


def work_exports() -> int:
    """Make what exports wait; how many. Also lets go of old files and of what was broken off. Safe twice or at once."""
    _close()
    made = 0
    while claimed := _claim():
        _make(*claimed)
        made += 1
    return made


def stream_export(export: Export) -> Iterator[bytes]:
    """The file of an export that `begin_stream` made; the manifest is complete once the last piece is taken."""
    made = Pass(export)
    try:
        yield from made.pieces()
    except GeneratorExit:
        _fail(export, export.token, "The download was broken off.")
        raise
    except Exception as error:
        log.exception("export %s failed", export.pk)
        _fail(export, export.token, unexpected(error))
        raise
    _finish(export, made)


def kept_file(export: Export) -> Iterator[bytes]:
    """The pieces of a kept file, one in memory at a time."""
    number = 0
    while body := ExportPart.objects.filter(export=export, number=number).values_list("body", flat=True).first():
        yield bytes(body)
        number += 1


def _claim() -> tuple[uuid.UUID, uuid.UUID] | None:
    token = new_id()
    (rows,) = run_pipelined((_CLAIM, {"token": token, "lease": LEASE, "most": MOST_ATTEMPTS}))
    return (rows[0][0], token) if rows else None


def _make(export_id: uuid.UUID, token: uuid.UUID) -> None:
    export = Export.objects.select_related("rebuilds").get(pk=export_id)
    try:
        ExportPart.objects.filter(export=export).delete()
        if export.rebuilds_id is None:
            rebuild_labels()
            fix_moment(export, list(TaskType.objects.filter(pk__in=export.task_types).order_by("slug")))
            export.save(update_fields=["as_of", "last_version", "versions"])
        made = Pass(export)
        for number, body in enumerate(_parts(made)):
            _store(export, token, number, body, made)
        _finish(export, made)
    except _LeaseLost:
        log.warning("export %s went to another worker", export_id)
    except Exception as error:
        log.exception("export %s failed", export_id)
        _fail(export, token, unexpected(error))


def _parts(made: Pass) -> Iterator[bytes]:
    held = bytearray()
    for piece in made.pieces():
        held += piece
        if len(held) >= _PART_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


@transaction.atomic
def _store(export: Export, token: uuid.UUID, number: int, body: bytes, made: Pass) -> None:
    mine = Export.objects.filter(pk=export.pk, token=token, status=Status.RUNNING)
    if not mine.update(lease_until=now() + LEASE, rows=made.rows, bytes=made.bytes):
        raise _LeaseLost
    ExportPart.objects.create(workspace_id=export.workspace_id, export=export, number=number, body=body)


@transaction.atomic
def _finish(export: Export, made: Pass) -> None:
    """Complete the manifest; of a rebuild, say whether it is the same file. Nothing where it is no longer ours."""
    mine = Export.objects.select_for_update(of=("self",)).filter(pk=export.pk, token=export.token)
    if not mine.filter(status=Status.RUNNING).exists():
        return
    export.status, export.finished_at, export.token, export.lease_until = Status.DONE, now(), None, None
    export.rows, export.bytes, export.chunks = made.rows, made.bytes, made.chunks
    export.sha256, export.rows_sha256, export.withheld = made.sha256, made.rows_sha256, bytes(made.found.withheld)
    export.versions = export.versions | {"found": made.found.versions()}
    if export.rebuilds is not None:
        export.identical = export.sha256 == export.rebuilds.sha256
        export.detail = "" if export.identical else _difference(export, export.rebuilds)
    export.save()
    _record(export, "export.finished", {"rows": export.rows, "sha256": export.sha256, "identical": export.identical})


def _difference(export: Export, before: Export) -> str:
    """In one sentence, where a rebuild first differs."""
    if export.rows_sha256 == before.rows_sha256:
        return "Every row is the same, but the file is not: it was written by another version of the writer."
    if export.versions["pseudonyms"] != before.versions["pseudonyms"]:
        return "The key of the pseudonyms has changed."
    start = 0
    for ours, theirs in zip(export.chunks, before.chunks, strict=False):
        if ours != theirs:
            break
        start += ours["rows"]
    return f"The rows differ from row {start + 1} on."


@transaction.atomic
def _fail(export: Export, token: uuid.UUID | None, detail: str) -> None:
    """Nothing where another worker has taken over: the failure is not of its work."""
    rows = Export.objects.filter(pk=export.pk, token=token, status__in=[Status.WAITING, Status.RUNNING])
    if rows.update(status=Status.FAILED, detail=detail[:2000], finished_at=now(), token=None, lease_until=None):
        ExportPart.objects.filter(export=export).delete()
        export.status = Status.FAILED
        _record(export, "export.failed", {"detail": detail[:2000]})


def _close() -> None:
    """What only a sweep finds: streams whose reader vanished, exports that kill their workers, files to forget."""
    open_, at = Export.objects.filter(status=Status.RUNNING), now()
    for export in open_.filter(streamed=True, created_at__lt=at - LONGEST_STREAM):
        _fail(export, export.token, "The download was broken off.")
    for export in open_.filter(streamed=False, lease_until__lt=at, attempts__gte=MOST_ATTEMPTS):
        _fail(export, export.token, "It was begun three times, and no worker came to its end.")
    old = Export.objects.filter(
        streamed=False,
        forgotten_at=None,
        status=Status.DONE,
        finished_at__lt=at - timedelta(days=settings.HITL_EXPORT_KEEP_DAYS),
    )
    for export in old:
        _forget(export)


@transaction.atomic
def _forget(export: Export) -> None:
    if Export.objects.filter(pk=export.pk, forgotten_at=None).update(forgotten_at=now()):
        ExportPart.objects.filter(export=export).delete()
        _record(export, "export.forgotten", {"sha256": export.sha256})


def _record(export: Export, action: str, after: dict[str, object]) -> None:
    record_event(
        actor=system_actor(export.workspace_id, "export"),
        action=action,
        subject=Subject("export", export.pk),
        change=Change(after=after | {"status": export.status}, versions={"labels": export.last_version}),
    )
