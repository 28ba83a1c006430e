"""What a version would have got wrong had it decided: on its replay's page and over REST."""

from feedback.models import ReplayJob
from tests.api.support import get, problem
from tests.factories import World, make_world
from tests.feedback.past import draft, replay, submit_past

DRAFT = {"thresholds": {"default": 0.6}}


def test_a_replay_estimates_error_and_cost_by_three_estimators(world: World) -> None:
    submit_past(world, 120, wrong=0.2)
    version = draft(world, **DRAFT)
    _, result = replay(world, version)
    assert result.off_policy is not None
    found = result.off_policy.error
    assert [e.estimator for e in found.estimates] == ["ips", "snips", "dr"]
    for estimate in found.estimates:
        assert estimate.value is not None and estimate.low is not None and estimate.high is not None
        assert estimate.low <= 0.2 <= estimate.high
    snips = found.estimates[1]
    assert (snips.value, snips.low) == (result.error.after.value, result.error.after.low), "one figure, said once"
    assert found.reach is not None and abs(found.reach - 1.0) < 0.05 and found.unsupported == 0.0
    said = get(world, "erin", f"policies/loan/versions/{version.number}/off-policy").json()
    assert said["error"]["estimates"][0]["value"] == found.estimates[0].value
    assert said["load"]["after"] < said["load"]["before"] and said["cases"] == 120


def test_where_outcomes_are_rare_the_plain_estimator_is_refused_in_words(world: World) -> None:
    submit_past(world, 150, wrong=0.2, labelled=0.5)
    version = draft(world, **DRAFT)
    job, result = replay(world, version)
    assert result.off_policy is not None
    ips, snips, dr = result.off_policy.error.estimates
    assert ips.value is None and "logged probabilities promise" in (ips.reason or "")
    assert snips.value is not None and dr.value is not None
    html = world.browser("alice").get(f"/replays/{job.pk}").content.decode()
    assert "Doubly robust" in html and "logged probabilities promise" in html and "not enough data" in html


def test_before_a_replay_is_done_there_is_nothing_to_estimate(world: World) -> None:
    version = draft(world, **DRAFT)
    problem(get(world, "alice", f"policies/loan/versions/{version.number}/off-policy"), 409, "not_replayed")
    problem(get(make_world("globex"), "alice", "policies/loan/versions/99/off-policy"), 404, "not_found")


def test_a_replay_of_an_earlier_release_is_still_read(world: World) -> None:
    submit_past(world, 40)
    job, _ = replay(world, draft(world, **DRAFT))
    stored = dict(job.result or {})
    del stored["off_policy"]
    ReplayJob.objects.filter(pk=job.pk).update(result=stored)
    html = world.browser("alice").get(f"/replays/{job.pk}").content.decode()
    assert "Doubly robust" not in html and "Review load" in html
