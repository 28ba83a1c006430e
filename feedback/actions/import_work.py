"""Bring history in, row by row.

Each row is a transaction of its own and known by its external id: a file may be worked twice, and half a file loses
nothing.
"""

import logging
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec
from django.conf import settings
from django.db import transaction

from audit.actions.events import Change, Subject, build_event, record_event
from feedback.export_columns import to_json
from feedback.import_rows import HistoryRow, RowProblem, Said, read_history
from feedback.models import HistoryImport, Signal
from hitl.core.actors import Actor, ActorKind, system_actor
from hitl.core.clock import now
from hitl.core.errors import DomainError, TooLarge, unexpected
from hitl.core.ids import new_id
from hitl.core.parsing import MAX_DEPTH, check_shape, convert
from hitl.core.rows import insert_rows, run_pipelined
from reviews.actions.intake import Lookups, Submission, prepare, submit_case
from reviews.models import Case
from reviews.structs import CaseIn

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 3
MOST_ERRORS = 500
_LONGEST_DETAIL = 500
_STEP = 50
Status = HistoryImport.Status

_CLAIM = """
UPDATE feedback_historyimport SET status = 'running', token = %(token)s, attempts = attempts + 1,
       lease_until = clock_timestamp() + %(lease)s
WHERE id = (
  SELECT id FROM feedback_historyimport
  WHERE (status = 'waiting' OR (status = 'running' AND lease_until < statement_timestamp()))
    AND attempts < %(most)s
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def work_imports() -> int:
    """Work what imports wait; how many. Safe twice or at once."""
    hopeless = HistoryImport.objects.filter(status=Status.RUNNING, lease_until__lt=now(), attempts__gte=MOST_ATTEMPTS)
    for found in hopeless:
        _fail(found, found.token, "It was begun three times, and no worker came to its end.")
    worked = 0
    while claimed := _claim():
        _work(*claimed)
        worked += 1
    return worked


def _claim() -> tuple[uuid.UUID, uuid.UUID] | None:
    token = new_id()
    (rows,) = run_pipelined((_CLAIM, {"token": token, "lease": LEASE, "most": MOST_ATTEMPTS}))
    return (rows[0][0], token) if rows else None


def _work(import_id: uuid.UUID, token: uuid.UUID) -> None:
    found = HistoryImport.objects.select_related("task_type").get(pk=import_id)
    found.done = found.cases = found.judgements = found.refused = 0
    found.errors = []
    try:
        file = found.format, bytes(found.body), found.task_type.slug
        found.total = sum(1 for _ in read_history(*file))  # read twice, so that a long file is never held as rows
        for _ in _rows(found, read_history(*file)):
            if found.done % _STEP == 0 and not _note(found, token):
                return
        _finish(found, token)
    except DomainError as error:
        _fail(found, token, error.errors[0].detail if error.errors else error.detail)
    except Exception as error:
        log.exception("import %s failed", import_id)
        _fail(found, token, unexpected(error))


def _rows(found: HistoryImport, rows: Iterable[HistoryRow | RowProblem]) -> Iterator[None]:
    actor, lookups = _actor(found), Lookups(_actor(found))
    for row in rows:
        problem = row if isinstance(row, RowProblem) else _bring_in(found, actor, lookups, row)
        if problem is not None:
            found.refused += 1
            if len(found.errors) < MOST_ERRORS:
                detail = problem.detail[:_LONGEST_DETAIL]
                found.errors.append({"row": problem.row, "field": problem.field[:_LONGEST_DETAIL], "detail": detail})
        found.done += 1
        yield


def _actor(found: HistoryImport) -> Actor:
    """Whoever asked: the cases are theirs."""
    kind = ActorKind.CLIENT if found.client_id else ActorKind.USER
    return Actor(
        kind, found.workspace_id, found.requested_label, user_id=found.requested_by_id, client_id=found.client_id
    )


def _bring_in(found: HistoryImport, actor: Actor, lookups: Lookups, row: HistoryRow) -> RowProblem | None:
    """One row, wholly or not at all; the first thing wrong with it."""
    labels = found.task_type.label_values
    for said in row.said:
        if said.label not in labels:
            return RowProblem(row.number, "label", f"“{said.label}” is not a label of this task type.")
    try:
        with transaction.atomic():
            submission = _submission(row)
            if found.dry_run:
                prepare(actor=actor, submission=submission, started=time.perf_counter(), lookups=lookups)
                transaction.set_rollback(True)
            else:
                _store(found, actor, submission, row.said)
    except DomainError as error:
        problem = error.errors[0] if error.errors else None
        return RowProblem(row.number, problem.pointer if problem else "", problem.detail if problem else error.detail)
    return None


def _submission(row: HistoryRow) -> Submission:
    """Within the limits of a case that is submitted: size, depth, characters. Raises InvalidInput, TooLarge."""
    try:
        raw = to_json(row.case)
    except RecursionError:
        raise TooLarge(f"The body is nested deeper than {MAX_DEPTH}.") from None
    check_shape(raw, max_bytes=settings.HITL_MAX_CASE_BYTES)
    return Submission(convert(row.case, CaseIn), raw)


def _store(found: HistoryImport, actor: Actor, submission: Submission, said: tuple[Said, ...]) -> None:
    answer = submit_case(actor=actor, submission=submission)
    case = Case.objects.get(pk=msgspec.json.decode(answer.body)["id"])
    if case.mode != "shadow":
        raise DomainError("A live case has this external id.", code="live_case")
    known = set(
        Signal.objects.filter(case=case, source=Signal.Source.IMPORT).values_list("label", "origin", "observed_at")
    )
    signals = [
        Signal(
            workspace_id=found.workspace_id,
            case=case,
            source=Signal.Source.IMPORT,
            origin=one.annotator[:100],
            label=one.label,
            details={"import": str(found.pk)},
            trust=found.trust,
            unaided=found.unaided,
            observed_at=one.at or case.created_at,
            created_at=now(),
        )
        for one in said
    ]
    new = [signal for signal in signals if (signal.label, signal.origin, signal.observed_at) not in known]
    for signal in new:
        after = {"label": signal.label, "trust": signal.trust, "unaided": signal.unaided, "import": str(found.pk)}
        subject = Subject("signal", signal.pk, case.pk)
        event = build_event(actor=actor, action="judgement.imported", subject=subject, change=Change(after=after))
        insert_rows(signal, event)
    found.cases += answer.status == 201
    found.judgements += len(new)


def _note(found: HistoryImport, token: uuid.UUID) -> bool:
    """Progress, and a longer lease; false where another worker has taken over."""
    mine = HistoryImport.objects.filter(pk=found.pk, token=token, status=Status.RUNNING)
    return bool(
        mine.update(
            total=found.total, done=found.done, cases=found.cases, judgements=found.judgements, refused=found.refused,
            errors=found.errors, lease_until=now() + LEASE,
        )
    )  # fmt: skip


@transaction.atomic
def _finish(found: HistoryImport, token: uuid.UUID) -> None:
    if not _note(found, token):
        return
    HistoryImport.objects.filter(pk=found.pk).update(
        status=Status.DONE, finished_at=now(), body=b"", token=None, lease_until=None
    )
    after: dict[str, object] = {
        "rows": found.total,
        "cases": found.cases,
        "judgements": found.judgements,
        "refused": found.refused,
    }
    _record(found, "import.finished", after | {"dry_run": found.dry_run})


@transaction.atomic
def _fail(found: HistoryImport, token: uuid.UUID | None, detail: str) -> None:
    """Nothing where another worker has taken over: the failure is not of its work."""
    rows = HistoryImport.objects.filter(pk=found.pk, token=token, status__in=[Status.WAITING, Status.RUNNING])
    if rows.update(status=Status.FAILED, detail=detail[:2000], finished_at=now(), body=b"", token=None):
        _record(found, "import.failed", {"detail": detail[:2000]})


def _record(found: HistoryImport, action: str, after: dict[str, object]) -> None:
    actor = system_actor(found.workspace_id, "import")
    record_event(actor=actor, action=action, subject=Subject("import", found.pk), change=Change(after=after))
