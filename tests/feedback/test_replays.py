"""A policy version tried on stored cases: what it would change, and what history can tell of it."""

from datetime import timedelta

import pytest
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from feedback.actions.replays import cancel_replay
from feedback.models import ReplayChange, ReplayJob
from feedback.stats.replay_tally import Tally
from hitl.core.clock import now
from hitl.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused
from reviews.models import Case
from routing.models import PolicyVersion, RoutingDecision
from tests.factories import World, make_world
from tests.feedback.past import ask, draft, replay, submit_past


def active(world: World) -> PolicyVersion:
    return PolicyVersion.objects.get(policy=world.policy, status="active")


def test_the_version_that_was_in_force_changes_nothing(world: World) -> None:
    submit_past(world, 60)
    job, result = replay(world, active(world))

    assert (result.n, result.changed_n, result.unreadable) == (60, 0, 0)
    assert not ReplayChange.objects.exists()
    assert result.automated.before == result.automated.after
    assert result.load.before == result.load.after
    assert job.total == 60


def test_a_lower_threshold_automates_exactly_the_cases_between(world: World) -> None:
    cases = submit_past(world, 80)
    _, result = replay(world, draft(world, thresholds={"default": 0.7}))

    stored = RoutingDecision.objects.filter(action="review", sampled=False)
    between = [r for r in stored if r.features["confidence"] >= 0.7]
    changes = ReplayChange.objects.all()
    # Those whose draw explores stay with people, under either threshold.
    assert {c.case_id for c in changes} == {r.case_id for r in between if r.draw >= 0.05}
    assert {(c.action_before, c.action_after) for c in changes} == {("review", "automate")}
    assert all(c.tier_before == "tier-1" and c.tier_after == "automated" for c in changes)
    assert sum(cell.n for cell in result.matrix) == len(cases)
    assert result.load.before - result.load.after == len(changes)


def test_the_error_of_decisions_never_made_comes_from_the_labels_of_people_and_outcomes(world: World) -> None:
    submit_past(world, 300, wrong=0.2)
    _, result = replay(world, draft(world, thresholds={"default": 0.6}))

    after = result.error.after
    assert after.value == pytest.approx(0.2, abs=0.08)
    assert after.low is not None and after.high is not None and after.low < 0.2 < after.high
    assert after.n > result.error.before.n
    assert result.error.change is not None
    assert result.cost.after.value == pytest.approx(after.value)


def test_costs_follow_the_task_type(db: None) -> None:
    world = make_world(error_costs=[{"truth": "reject", "decided": "approve", "cost": 40}])
    submit_past(world, 200, wrong=0.2)
    _, result = replay(world, draft(world, thresholds={"default": 0.6}))
    assert result.error.after.value is not None
    assert result.cost.after.value == pytest.approx(40 * result.error.after.value)


def test_without_enough_labels_history_cannot_tell_and_says_so(world: World) -> None:
    submit_past(world, 60, labelled=0.1)
    _, result = replay(world, draft(world, thresholds={"default": 0.6}))

    assert result.error.after.value is None
    assert "cannot tell" in (result.error.after.reason or "")
    assert result.history.newly > result.history.newly_unlabelled > 0
    assert result.history.newly_unlabelled_share.value == pytest.approx(
        result.history.newly_unlabelled / result.history.newly
    )


def test_fairness_is_counted_by_segment(world: World) -> None:
    submit_past(world, 120)
    _, result = replay(world, draft(world, thresholds={"default": 0.7}))

    assert {s.value for s in result.segments} == {"EU", "US"}
    assert sum(s.n for s in result.segments) == 120
    for segment in result.segments:
        assert segment.automated.after.value is not None and segment.automated.before.value is not None
        assert segment.automated.after.value > segment.automated.before.value


def test_audits_wait_in_the_same_queue_before_and_after(db: None) -> None:
    world = make_world(static_risk="medium")
    submit_past(world, 80)
    _, result = replay(world, active(world))
    assert result.automated.before.value
    for queue in result.load.queues:
        assert (queue.before, queue.peak_before) == (queue.after, queue.peak_after)


def test_the_load_is_told_by_queue_tier_and_hour(world: World) -> None:
    submit_past(world, 40)
    rule = {"name": "all to experts", "when": "true", "then": "escalate"}
    _, result = replay(world, draft(world, rules=[rule]))

    by_queue = {q.queue: q for q in result.load.queues}
    assert by_queue["loans-expert"].after == 40 == by_queue["loans-expert"].peak_after
    assert by_queue["loans-expert"].tier == "expert"
    assert by_queue["loans"].after == 0 < by_queue["loans"].before
    assert [step.after for step in result.load.steps] == [40]
    assert result.error.after.reason == "No case would be automated."


def test_rules_see_the_content_that_is_stored_apart_from_the_snapshot(world: World) -> None:
    submit_past(world, 5)
    assert "input" not in RoutingDecision.objects.all()[0].features
    rule = {"name": "cars", "when": "input.purpose == 'car'", "then": "gate"}
    _, result = replay(world, draft(world, rules=[rule]))
    assert {cell.after for cell in result.matrix} == {"gate"}


def test_two_versions_can_be_compared_with_each_other(world: World) -> None:
    submit_past(world, 50)
    low, high = draft(world, thresholds={"default": 0.6}), draft(world, thresholds={"default": 0.8})
    _, forward = replay(world, high, compare_with=low.number)
    _, backward = replay(world, low, compare_with=high.number)
    assert forward.automated.before == backward.automated.after
    assert forward.changed_n == backward.changed_n > 0


def test_only_the_cases_asked_for_are_replayed_and_of_them_the_newest(world: World) -> None:
    cases = submit_past(world, 30)
    Case.objects.filter(pk__in=[c.pk for c in cases[:10]]).update(created_at=now() - timedelta(days=9))
    Case.objects.filter(pk=cases[0].pk).update(model_version="credit-0")
    version = draft(world)
    assert replay(world, version, since=now() - timedelta(days=1))[1].n == 20
    assert replay(world, version, to=now() - timedelta(days=1))[1].n == 10
    assert replay(world, version, model_version="credit-0")[1].n == 1
    assert replay(world, version, model_version="nobody")[1].n == 0
    eu = replay(world, version, segment={"region": "EU"})[1]
    assert 0 < eu.n < 30 and {s.value for s in eu.segments} == {"EU"}
    everything = draft(world, rules=[{"name": "all", "when": "true", "then": "escalate"}])
    replay(world, everything, limit=7)
    assert {c.case_id for c in ReplayChange.objects.all()} == {c.pk for c in cases[-7:]}


def test_a_snapshot_that_cannot_be_read_is_left_out_and_counted(world: World) -> None:
    cases = submit_past(world, 4)
    RoutingDecision.objects.filter(case_id=cases[0].pk).update(features={"confidence": 7})
    _, result = replay(world, active(world))
    assert (result.n, result.unreadable) == (3, 1)


def test_asking_twice_is_one_job_and_every_step_is_an_event(world: World) -> None:
    submit_past(world, 3)
    version = draft(world)
    job = ask(world, version)
    assert ask(world, version) == job
    assert ask(world, version, limit=2) != job
    replay(world, version)
    actions = list(Event.objects.filter(object_id=str(job.pk)).order_by("id").values_list("action", flat=True))
    assert actions == ["replay.requested", "replay.finished"]


def test_a_cancelled_replay_stays_cancelled(world: World) -> None:
    from feedback.actions.replay_work import work_replays

    submit_past(world, 3)
    job = ask(world, draft(world))
    cancel_replay(actor=world.actor("alice"), job=job)
    assert work_replays() == 0
    job.refresh_from_db()
    assert (job.status, job.result) == ("cancelled", None)
    with pytest.raises(Conflict):
        cancel_replay(actor=world.actor("alice"), job=job)


def test_who_may_not_write_policies_cannot_ask(world: World) -> None:
    version = draft(world)
    for name in ("bob", "erin"):
        with pytest.raises(Forbidden):
            ask(world, version, name)
    with pytest.raises(NotFound):
        ask(make_world("globex"), version)


def test_a_question_that_cannot_be_answered_is_refused(world: World) -> None:
    version = draft(world)
    with pytest.raises(InvalidInput):
        ask(world, version, since=now(), to=now() - timedelta(days=1))
    with pytest.raises(Refused):
        ask(world, version, compare_with=99)
    assert not ReplayJob.objects.exists()


def test_reading_costs_the_same_number_of_queries_whatever_the_chunk_holds(world: World) -> None:
    from django.db import connection

    counts = []
    for n in (5, 30):
        submit_past(world, n)
        version = draft(world, rules=[{"name": "all", "when": "true", "then": "escalate"}])
        with CaptureQueriesContext(connection) as captured:
            replay(world, version)
        counts.append(len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]))
    assert counts[1] <= counts[0] + 1


def test_hours_without_arrivals_are_told_as_such_and_a_long_range_by_day(world: World) -> None:
    cases = submit_past(world, 3)
    version = draft(world, rules=[{"name": "all", "when": "true", "then": "escalate"}])
    Case.objects.filter(pk=cases[0].pk).update(created_at=now() - timedelta(hours=5))
    load = replay(world, version)[1].load
    assert (load.step_hours, [step.after for step in load.steps]) == (1, [1, 0, 0, 0, 0, 2])
    Case.objects.filter(pk=cases[1].pk).update(created_at=now() - timedelta(days=90))
    load = replay(world, version)[1].load
    assert load.step_hours == 24 and 90 <= len(load.steps) <= 92
    assert sum(step.after for step in load.steps) == 3


def test_parts_of_a_replay_add_up_their_unasked_judges_too() -> None:
    whole, part = Tally(), Tally(unasked=3, changed=2)
    whole.merge(part)
    whole.merge(part)
    assert (whole.unasked, whole.changed) == (6, 4)
