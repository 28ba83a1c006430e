"""The work of replays: cut a job into chunks, take one, finish it, put the parts together.

Celery only rings (docs/adr/0002): any worker that is rung takes whatever chunk is free, by SKIP LOCKED under a lease. A
lost message loses nothing, because beat rings again; a killed worker's chunk is free again when its lease ends.
"""

import logging
import time
import uuid
from datetime import timedelta

import msgspec
from django.db import connection, transaction

from audit.actions.events import Change, Subject, record_event
from feedback.actions.labels import rebuild_labels
from feedback.actions.replays import OPEN, TASK
from feedback.models import ReplayChunk, ReplayJob
from feedback.replay_result import ReplayResult, summarise
from feedback.replaying import Replayed, cut_cases, largest_cost, replay_chunk
from feedback.stats.replay_tally import Tally
from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import unexpected
from hitl.core.ids import new_id
from hitl.core.rows import copy_rows, run_pipelined
from reviews.models import Queue
from routing.actions.policies import note_replayed
from routing.engine.document import PolicyError
from routing.selectors import snapshot_of_version

log = logging.getLogger(__name__)
CHUNK = 2_500
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 3
BUDGET_S = 3.0
"""How long one task works before it lets others have the worker; the next ring goes on."""
Status, ChunkStatus = ReplayJob.Status, ReplayChunk.Status

_FREE = """
k.status = 'waiting' OR (k.status = 'running' AND k.lease_until < statement_timestamp())
"""
_CLAIM = f"""
UPDATE feedback_replaychunk SET status = 'running', token = %(token)s, attempts = attempts + 1,
       lease_until = clock_timestamp() + %(lease)s
WHERE id = (
  SELECT k.id FROM feedback_replaychunk k JOIN feedback_replayjob j ON j.id = k.job_id AND j.status = 'running'
  WHERE ({_FREE}) AND k.attempts < %(most)s AND (%(job)s::uuid IS NULL OR k.job_id = %(job)s)
  ORDER BY k.job_id, k.number LIMIT 1 FOR UPDATE OF k SKIP LOCKED
)
RETURNING id
"""
# A chunk that killed or lost its worker every time; one that raised has ended its job already.
_HOPELESS = f"""
SELECT DISTINCT k.job_id FROM feedback_replaychunk k JOIN feedback_replayjob j ON j.id = k.job_id
WHERE j.status = 'running' AND ({_FREE}) AND k.attempts >= %s
"""


def work_replays(*, budget_s: float = BUDGET_S, job_id: uuid.UUID | None = None) -> int:
    """Work chunks until none is free or the budget is spent; how many. `job_id`: only that job's."""
    until = time.monotonic() + budget_s
    _plan_waiting()
    worked = 0
    while claimed := _claim(job_id):
        if not worked:
            ring(TASK)  # whoever else is idle joins in
        work_chunk(*claimed)
        worked += 1
        if time.monotonic() > until:
            ring(TASK)
            return worked
    _close()
    return worked


def work_chunk(chunk_id: uuid.UUID, token: uuid.UUID) -> None:
    """Do one claimed chunk and, with the last one, the job."""
    related = ("job__version__policy__task_type", "job__compared_with__policy__task_type", "job__task_type")
    chunk = ReplayChunk.objects.select_related(*related).get(pk=chunk_id)
    try:
        found = replay_chunk(chunk.job, chunk)
    except Exception as error:
        log.exception("replay %s, chunk %s failed", chunk.job_id, chunk.number)
        _give_back(chunk, token, unexpected(error))
        return
    if _store(chunk, token, found):
        finish_job(chunk.job_id)


def finish_job(job_id: uuid.UUID) -> None:
    """Put the parts together once every chunk is done; does nothing before, nor twice."""
    with transaction.atomic():
        rows = ReplayJob.objects.select_for_update(of=("self",)).select_related("version__policy", "task_type")
        job = rows.filter(pk=job_id, status=Status.RUNNING).first()
        if job is None or job.chunks.exclude(status=ChunkStatus.DONE).exists():
            return
        result = _result(job)
        job.status, job.result, job.finished_at = Status.DONE, msgspec.to_builtins(result), now()
        job.save(update_fields=["status", "result", "finished_at"])
        after = {"status": job.status, "cases": result.n, "changed": result.changed_n}
        _record(job, "replay.finished", after)
        note_replayed(actor=system_actor(job.workspace_id, "replay"), version=job.version)


def _plan_waiting() -> None:
    """Cut the jobs that wait into chunks. The labels are brought up to date first: they are what replay judges by."""
    if not ReplayJob.objects.filter(status=Status.WAITING).exists():
        return
    rebuild_labels()
    while _plan_next():
        pass


def _plan_next() -> bool:
    with transaction.atomic():
        rows = ReplayJob.objects.select_for_update(of=("self",), skip_locked=True)
        related = ("version__policy__task_type", "compared_with__policy__task_type", "task_type")
        job = rows.filter(status=Status.WAITING).select_related(*related).order_by("pk").first()
        if job is None:
            return False
        try:
            with transaction.atomic():
                _plan(job)
        except Exception as error:
            log.exception("replay %s cannot begin", job.pk)
            _fail(job, f"{error}" if isinstance(error, PolicyError) else unexpected(error))
    finish_job(job.pk)  # a range without cases is done already
    return True


def _plan(job: ReplayJob) -> None:
    for version in filter(None, (job.version, job.compared_with)):
        snapshot_of_version(version)  # one that cannot run fails here, once
    cuts = cut_cases(job, CHUNK)
    ReplayChunk.objects.bulk_create(
        ReplayChunk(
            workspace_id=job.workspace_id,
            job=job,
            number=number,
            first_case=cut.first,
            last_case=cut.last,
            cases=cut.cases,
        )
        for number, cut in enumerate(cuts)
    )
    job.status, job.total, job.started_at = Status.RUNNING, sum(cut.cases for cut in cuts), now()
    job.save(update_fields=["status", "total", "started_at"])


def _claim(job_id: uuid.UUID | None) -> tuple[uuid.UUID, uuid.UUID] | None:
    """A free chunk and the token of its lease, which ends by the database's clock."""
    token = new_id()
    values = {"token": token, "lease": LEASE, "most": MOST_ATTEMPTS, "job": job_id}
    (rows,) = run_pipelined((_CLAIM, values))
    return (rows[0][0], token) if rows else None


def _store(chunk: ReplayChunk, token: uuid.UUID, found: Replayed) -> bool:
    """Result and changes in one transaction, unless the lease went to another."""
    with transaction.atomic():
        rows = ReplayChunk.objects.filter(pk=chunk.pk, token=token, status=ChunkStatus.RUNNING)
        tally = msgspec.json.decode(msgspec.json.encode(found.tally))
        if not rows.update(status=ChunkStatus.DONE, tally=tally, token=None, lease_until=None):
            return False
        copy_rows(*found.changes)
    return True


def _give_back(chunk: ReplayChunk, token: uuid.UUID, detail: str) -> None:
    with transaction.atomic():
        rows = ReplayChunk.objects.filter(pk=chunk.pk, token=token)
        rows.update(status=ChunkStatus.WAITING, token=None, lease_until=None)
        if chunk.attempts >= MOST_ATTEMPTS:
            _fail(chunk.job, detail)


def _close() -> None:
    """What only a sweep finds: a job whose last worker died before it put the parts together, or that kills workers."""
    for job_id in ReplayJob.objects.filter(status=Status.RUNNING).values_list("pk", flat=True):
        finish_job(job_id)
    with connection.cursor() as cursor:
        cursor.execute(_HOPELESS, [MOST_ATTEMPTS])
        hopeless = [row[0] for row in cursor.fetchall()]
    for job in ReplayJob.objects.filter(pk__in=hopeless).select_related("version__policy"):
        with transaction.atomic():
            _fail(job, "A part of the work was begun three times, and no worker came to its end.")


def _fail(job: ReplayJob, detail: str) -> None:
    rows = ReplayJob.objects.filter(pk=job.pk, status__in=OPEN)
    if rows.update(status=Status.FAILED, detail=detail[:2000], finished_at=now()):
        _record(job, "replay.failed", {"status": Status.FAILED, "detail": detail[:2000]})


def _result(job: ReplayJob) -> ReplayResult:
    whole = Tally()
    for tally in job.chunks.order_by("number").values_list("tally", flat=True).iterator():
        whole.merge(msgspec.convert(tally, Tally, strict=False))
    queues = Queue.objects.filter(workspace_id=job.workspace_id, slug__in=list(whole.load))
    tiers = dict(queues.values_list("slug", "tier__slug"))
    return summarise(whole, tiers=tiers, largest_cost=largest_cost(job.task_type))


def _record(job: ReplayJob, action: str, after: dict[str, object]) -> None:
    record_event(
        actor=system_actor(job.workspace_id, "replay"),
        action=action,
        subject=Subject("replay", job.pk),
        change=Change(
            after={"policy": job.version.policy.slug, "number": job.version.number} | after,
            versions={"policy": job.version.number},
        ),
    )
