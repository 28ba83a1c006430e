"""However many workers are rung at once, each chunk of a replay is done once and the job is added up once."""

import pytest

from audit.models import Event
from feedback.actions import replay_work
from feedback.actions.replay_work import work_replays
from feedback.models import ReplayChange
from tests.delivery.race import at_once
from tests.factories import World
from tests.feedback.past import ask, draft, submit_past


def test_eight_workers_share_the_chunks_of_one_replay(race_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_work, "CHUNK", 3)
    submit_past(race_world, 60)
    job = ask(race_world, draft(race_world, rules=[{"name": "all", "when": "true", "then": "escalate"}]))

    shares = at_once(*[work_replays] * 8)

    assert not [share for share in shares if isinstance(share, Exception)], shares
    assert sum(shares) <= 20
    work_replays()  # a worker that began while another was still cutting the job found nothing to do
    job.refresh_from_db()
    assert job.status == "done" and job.result["n"] == 60
    assert ReplayChange.objects.count() == 60
    assert Event.objects.filter(action="replay.finished").count() == 1
