"""The work of suite runs: take one, try some examples, store what came of them, and compare once all are tried.

Celery only rings (docs/adr/0002): a worker takes a run by SKIP LOCKED under a lease, which every stored batch renews. A
run whose worker was lost goes on after the last stored batch, so a model may be asked again for one batch at most.
"""

import logging
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import msgspec
from django.db import transaction
from django.db.models.functions import Now

from feedback.actions.suite_runs import TASK, record_run
from feedback.models import SuiteRun
from feedback.suite_results import ExampleResult, compared, summarise
from feedback.suite_trial import Bench, bench_for, prepare, try_example
from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.ids import new_id
from hitl.core.rows import run_pipelined
from reviews.suites import ExampleIn

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)  # longer than the slowest batch: PATIENCE_S and one time-out
BATCH = 16
MOST_ATTEMPTS = 3
BUDGET_S = 20.0
"""How long one task works before it lets others have the worker; the next ring goes on."""
Status = SuiteRun.Status

_CLAIM = """
UPDATE feedback_suiterun SET status = 'running', token = %(token)s, attempts = attempts + 1,
       lease_until = clock_timestamp() + %(lease)s
WHERE id = (
  SELECT id FROM feedback_suiterun
  WHERE (status = 'waiting' OR (status = 'running' AND lease_until < statement_timestamp())) AND attempts < %(most)s
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


class _LeaseLost(Exception):
    """Another worker has taken over."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A run this worker holds; `token` is the fence."""

    run: SuiteRun
    token: uuid.UUID
    examples: list[ExampleIn]


def work_suites(*, budget_s: float = BUDGET_S) -> int:
    """Work runs until none is left or the budget is spent; how many were ended. Safe twice or at once."""
    until = time.monotonic() + budget_s
    _close()
    ended = 0
    while time.monotonic() < until and (held := _claim()) is not None:
        ended += _work(held, until)
    return ended


def _claim() -> _Held | None:
    token = new_id()
    (rows,) = run_pipelined((_CLAIM, {"token": token, "lease": LEASE, "most": MOST_ATTEMPTS}))
    if not rows:
        return None
    related = ("suite", "task_type", "version__policy__task_type")
    run = SuiteRun.objects.select_related(*related).get(pk=rows[0][0])
    return _Held(run, token, msgspec.convert(run.suite.examples, list[ExampleIn]))


def _work(held: _Held, until: float) -> bool:
    """Go on with the run until it is ended (true) or the time is over."""
    run = held.run
    try:
        bench = bench_for(run.version)
        with ThreadPoolExecutor(BATCH, thread_name_prefix="suite") as pool:
            while run.done < len(held.examples):
                _store(held, _batch(held, bench, pool))
                if time.monotonic() > until and run.done < len(held.examples):
                    _let_go(held)
                    return False
        return _finish(held)
    except _LeaseLost:
        log.warning("suite run %s went to another worker", run.pk)
        return False
    except Exception as error:
        log.exception("suite run %s failed", run.pk)
        return _fail(run, f"{type(error).__name__}: {error}")


def _batch(held: _Held, bench: Bench, pool: ThreadPoolExecutor) -> list[ExampleResult]:
    """The next examples tried at once; the threads use no database."""
    part = held.examples[held.run.done : held.run.done + BATCH]
    prepared = [prepare(example, bench, held.run.version) for example in part]
    return list(pool.map(partial(try_example, bench=bench), prepared))


def _store(held: _Held, found: list[ExampleResult]) -> None:
    run = held.run
    results = run.results + msgspec.to_builtins(found)
    mine = SuiteRun.objects.filter(pk=run.pk, token=held.token, status=Status.RUNNING)
    if not mine.update(results=results, done=len(results), attempts=0, lease_until=Now() + LEASE):
        raise _LeaseLost
    run.results, run.done = results, len(results)


def _let_go(held: _Held) -> None:
    """Free for whoever comes next."""
    SuiteRun.objects.filter(pk=held.run.pk, token=held.token).update(token=None, lease_until=Now())
    ring(TASK)


@transaction.atomic
def _finish(held: _Held) -> bool:
    """Put the results in order beside the run before. Nothing where the lease went to another."""
    mine = SuiteRun.objects.select_for_update(of=("self",)).filter(pk=held.run.pk, token=held.token)
    if not mine.filter(status=Status.RUNNING).exists():
        return False
    run = held.run
    before = SuiteRun.objects.filter(task_type_id=run.task_type_id, status=Status.DONE, pk__lt=run.pk)
    run.compared_with = before.order_by("-pk").first()
    results = compared(msgspec.convert(run.results, list[ExampleResult]), _failed(run.compared_with))
    summary = summarise(results)
    run.status, run.finished_at, run.token, run.lease_until = Status.DONE, now(), None, None
    run.results, run.summary = msgspec.to_builtins(results), msgspec.to_builtins(summary)
    run.save(update_fields=["compared_with", "status", "finished_at", "token", "lease_until", "results", "summary"])
    more = {"examples": summary.examples, "failing": summary.failing, "newly_failing": len(summary.newly_failing)}
    record_run(system_actor(run.workspace_id, "suite"), "suite.run_finished", run, more)
    return True


def _failed(run: SuiteRun | None) -> Mapping[str, bool]:
    if run is None:
        return {}
    return {result.name: result.failing for result in msgspec.convert(run.results, list[ExampleResult])}


@transaction.atomic
def _fail(run: SuiteRun, detail: str) -> bool:
    rows = SuiteRun.objects.filter(pk=run.pk, status__in=[Status.WAITING, Status.RUNNING])
    if not rows.update(status=Status.FAILED, detail=detail[:2000], finished_at=now(), token=None, lease_until=None):
        return False
    run.status = Status.FAILED
    record_run(system_actor(run.workspace_id, "suite"), "suite.run_failed", run, {"detail": detail[:2000]})
    return True


def _close() -> None:
    """What only a sweep finds: runs that kill their workers."""
    hopeless = SuiteRun.objects.filter(status=Status.RUNNING, lease_until__lt=Now(), attempts__gte=MOST_ATTEMPTS)
    for run in hopeless.select_related("suite", "task_type", "version").defer("suite__examples"):
        _fail(run, "It was begun three times, and no worker came to its end.")
