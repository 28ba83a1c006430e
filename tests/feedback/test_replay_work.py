"""Replay's work is cut into chunks under leases: what is lost, killed or doubled changes nothing."""

import uuid
from datetime import timedelta
from itertools import pairwise

import pytest

from feedback.actions import replay_work
from feedback.actions.replay_work import work_chunk, work_replays
from feedback.models import ReplayChange, ReplayChunk, ReplayJob
from hitl.celery import app
from hitl.core.clock import now
from tests.factories import World
from tests.feedback.past import ask, draft, submit_past

EVERYTHING = {"rules": [{"name": "all", "when": "true", "then": "escalate"}]}


@pytest.fixture
def waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> ReplayJob:
    """A planned replay of 23 cases in chunks of five, none of them begun."""
    monkeypatch.setattr(replay_work, "CHUNK", 5)
    submit_past(world, 23)
    job = ask(world, draft(world, **EVERYTHING))
    replay_work._plan_waiting()
    job.refresh_from_db()
    return job


def claim(job: ReplayJob) -> tuple[uuid.UUID, uuid.UUID]:
    claimed = replay_work._claim(job.pk)
    assert claimed is not None
    return claimed


def test_the_chunks_are_all_cases_once(waiting: ReplayJob) -> None:
    chunks = list(ReplayChunk.objects.filter(job=waiting).order_by("number"))
    assert [c.cases for c in chunks] == [5, 5, 5, 5, 3]
    assert all(a.last_case < b.first_case for a, b in pairwise(chunks))
    assert waiting.total == 23


def test_any_worker_that_is_rung_does_the_whole_job(waiting: ReplayJob) -> None:
    assert work_replays() == 5
    waiting.refresh_from_db()
    assert waiting.status == "done"
    assert ReplayChange.objects.filter(job=waiting).count() == 23
    assert work_replays() == 0


def test_a_task_that_has_worked_long_enough_leaves_the_rest_to_the_next(waiting: ReplayJob) -> None:
    assert work_replays(budget_s=0.0) == 1
    assert waiting.chunks.filter(status="done").count() == 1
    assert work_replays() == 4


def test_the_chunk_of_a_killed_worker_is_free_again_when_its_lease_ends(waiting: ReplayJob) -> None:
    chunk_id, _ = claim(waiting)
    assert work_replays() == 4
    waiting.refresh_from_db()
    assert waiting.status == "running"

    ReplayChunk.objects.filter(pk=chunk_id).update(lease_until=now() - timedelta(seconds=1))
    assert work_replays() == 1
    waiting.refresh_from_db()
    assert waiting.status == "done"


def test_a_worker_that_was_too_slow_writes_nothing(waiting: ReplayJob) -> None:
    chunk_id, late = claim(waiting)
    ReplayChunk.objects.filter(pk=chunk_id).update(lease_until=now() - timedelta(seconds=1))
    work_replays()
    work_chunk(chunk_id, late)
    assert ReplayChange.objects.filter(chunk_id=chunk_id).count() == 5
    assert ReplayChange.objects.filter(job=waiting).count() == 23


def test_a_job_whose_last_worker_died_before_adding_up_is_finished_by_the_sweep(waiting: ReplayJob) -> None:
    work_replays()
    ReplayJob.objects.filter(pk=waiting.pk).update(status="running", result=None, finished_at=None)
    work_replays()
    waiting.refresh_from_db()
    assert waiting.status == "done" and waiting.result["n"] == 23


def test_a_chunk_that_kills_every_worker_ends_the_job_with_the_reason(waiting: ReplayJob) -> None:
    for _ in range(replay_work.MOST_ATTEMPTS):
        claim(waiting)
        ReplayChunk.objects.update(lease_until=now() - timedelta(seconds=1))
    work_replays()
    waiting.refresh_from_db()
    assert waiting.status == "failed" and "no worker came to its end" in waiting.detail
    assert work_replays() == 0


def test_a_version_that_cannot_run_any_more_fails_with_the_reason_and_stops_no_other(world: World) -> None:
    submit_past(world, 3)
    broken = draft(world, **EVERYTHING)
    type(broken).objects.bulk_create(
        [type(broken)(workspace=world.workspace, policy=world.policy, number=9, document={"no": 1}, created_at=now())]
    )
    bad = ask(world, type(broken).objects.get(number=9))
    good = ask(world, broken)
    work_replays()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("failed", "done")
    assert "unknown field" in bad.detail


def test_a_range_without_cases_is_done_at_once(world: World) -> None:
    job = ask(world, draft(world))
    work_replays()
    job.refresh_from_db()
    assert (job.status, job.total, job.result["n"]) == ("done", 0, 0)


def test_every_status_has_its_followers() -> None:
    assert set(ReplayJob.TRANSITIONS) == set(ReplayJob.Status.values)


def test_beat_rings_even_if_every_message_was_lost() -> None:
    assert "feedback.work_replays" in {entry["task"] for entry in app.conf.beat_schedule.values()}
