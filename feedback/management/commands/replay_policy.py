"""`manage.py replay_policy SLUG NUMBER`: try a policy version on stored cases, with a progress bar and a summary."""

import multiprocessing
import time
import uuid
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from feedback.actions.replay_work import work_replays
from feedback.actions.replays import OPEN, cancel_replay, request_replay
from feedback.models import ReplayJob
from feedback.replay_result import ReplayResult
from feedback.replay_words import replay_sentences
from feedback.selectors import replay_progress
from feedback.structs import ReplayIn
from hitl.core.actors import system_actor
from hitl.core.errors import DomainError
from hitl.core.parsing import convert
from routing.models import PolicyVersion

ALL_DAY_S = 86_400.0


class Command(BaseCommand):
    help = "Try a policy version on past cases: what it would have changed, its load, its error. Changes no case."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", help="slug")
        parser.add_argument("number", type=int, help="of the version")
        parser.add_argument("--workspace", help="slug; needed where several workspaces have this policy")
        parser.add_argument("--from", dest="since", help="first day or moment (ISO 8601, UTC unless it says)")
        parser.add_argument("--to", help="moment before which cases came in")
        parser.add_argument("--limit", type=int, default=100_000, help="at most so many cases, the newest (100000)")
        parser.add_argument("--model-version", help="only cases of this model version")
        parser.add_argument("--segment", action="append", default=[], metavar="NAME=VALUE", help="only these cases")
        parser.add_argument("--compare-with", type=int, metavar="NUMBER", help="another version, instead of history")
        parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count(), help="0: Celery's workers")
        parser.add_argument("--json", action="store_true", help="print the whole result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        version = _version(options["policy"], options["number"], options["workspace"])
        actor = system_actor(version.workspace_id, "replay_policy")
        try:
            job = request_replay(actor=actor, version=version, wanted=_wanted(options))
        except DomainError as error:
            raise CommandError(" ".join(p.detail for p in error.errors) or error.detail) from None
        started = time.monotonic()
        try:
            _work(job, max(0, options["processes"]), self.stderr if options["json"] else self.stdout)
        except KeyboardInterrupt:
            cancel_replay(actor=actor, job=job)
            raise CommandError("Cancelled.") from None
        job.refresh_from_db()
        if job.status != ReplayJob.Status.DONE:
            raise CommandError(f"The replay {job.status}: {job.detail}")
        self._say(job, time.monotonic() - started, as_json=options["json"])

    def _say(self, job: ReplayJob, seconds: float, *, as_json: bool) -> None:
        result = convert(job.result, ReplayResult)
        if as_json:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(result)).decode())
            return
        for sentence in replay_sentences(result):
            self.stdout.write(sentence)
        for cell in result.matrix:
            self.stdout.write(f"  {cell.before:>20} → {cell.after:<20} {cell.n:>9,}")
        self.stdout.write(f"{result.n:,} cases in {seconds:.1f} s. The whole result: /replays/{job.pk}")


def _work(job: ReplayJob, processes: int, out: Any) -> None:
    """Work in this many processes, and show how far it is; Celery's workers help where they run."""
    if processes:
        work_replays(budget_s=0.0, job_id=job.pk)  # cuts the job, so that every process finds chunks
    connections.close_all()  # processes must not share one
    fork = multiprocessing.get_context("fork")
    pool = [fork.Process(target=_share, args=(job.pk,), daemon=True) for _ in range(processes)]
    for process in pool:
        process.start()
    bar = _Bar(out)
    while ReplayJob.objects.filter(pk=job.pk, status__in=OPEN).exists():
        bar.show(*replay_progress(job))
        if pool and not any(process.is_alive() for process in pool):
            work_replays(job_id=job.pk)  # a chunk whose holder died
        time.sleep(0.1)
    bar.show(*replay_progress(job), last=True)
    for process in pool:
        process.join()


def _share(job_id: uuid.UUID) -> None:
    """One process's part."""
    work_replays(budget_s=ALL_DAY_S, job_id=job_id)


class _Bar:
    """One line that grows on a terminal, a line per quarter elsewhere."""

    def __init__(self, out: Any) -> None:
        self._out, self._quarter = out, -1
        stream: TextIO = getattr(out, "_out", out)
        self._terminal = stream.isatty()

    def show(self, done: int, total: int | None, *, last: bool = False) -> None:
        share = done / total if total else float(last)
        if self._terminal:
            filled = round(30 * share)
            line = f"\r{'█' * filled}{'·' * (30 - filled)} {done:,} of {total or 0:,} cases"
            self._out.write(line, ending="\n" if last else "")
        elif int(4 * share) > self._quarter:
            self._quarter = int(4 * share)
            self._out.write(f"{done:,} of {total or 0:,} cases")


def _version(slug: str, number: int, workspace: str | None) -> PolicyVersion:
    rows = PolicyVersion.objects.filter(policy__slug=slug, number=number).select_related("policy__task_type")
    if workspace:
        rows = rows.filter(workspace__slug=workspace)
    found = list(rows[:2])
    if not found:
        raise CommandError(f"There is no version {number} of a policy “{slug}”.")
    if len(found) > 1:
        raise CommandError("Several workspaces have this policy; name one with --workspace.")
    return found[0]


def _wanted(options: dict[str, Any]) -> ReplayIn:
    segment = dict(_pair(given) for given in options["segment"])
    plain = {
        "limit": options["limit"],
        "model_version": options["model_version"],
        "segment": segment,
        "compare_with": options["compare_with"],
    }
    times = {"from": _moment(options["since"]), "to": _moment(options["to"])}
    return convert(plain | {name: at for name, at in times.items() if at}, ReplayIn)


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise CommandError(f"--segment takes NAME=VALUE, not {text!r}.")
    return name, value


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a moment; write 2026-11-20 or 2026-11-20T08:00:00+00:00.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
