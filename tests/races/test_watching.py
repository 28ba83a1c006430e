"""Sweeps that watch, twice at once and while a person acts: one refutation, one report, nobody waits for the other."""

from audit.models import Event
from feedback.actions.drift import watch_drift
from feedback.actions.error_monitors import lift_fallback, watch_errors
from feedback.models import DriftReport, ErrorMonitor
from reviews.models import Alert
from routing.models import TaskType
from tests.delivery.race import at_once
from tests.factories import World
from tests.feedback.test_drift import come
from tests.feedback.test_error_monitor import audits

ROUNDS = 4


def test_two_looks_at_once_refute_once(race_world: World) -> None:
    audits(race_world, 40, wrong=20)
    assert sorted(at_once(watch_errors, watch_errors)) == [0, 1]
    assert Event.objects.filter(action="errormonitor.refuted").count() == 1
    assert Event.objects.filter(action="tasktype.machine_stopped").count() == 1
    assert Alert.objects.count() == 1


def test_a_lift_during_looks_leaves_one_epoch_that_goes_on(race_world: World) -> None:
    alice = race_world.actor("alice")
    for _ in range(ROUNDS):
        audits(race_world, 40, wrong=20)
        assert watch_errors() == 1
        refuted = ErrorMonitor.objects.get(status="refuted")
        answers = at_once(
            lambda m=refuted: lift_fallback(actor=alice, monitor_id=m.pk, reason="repaired"), watch_errors, watch_errors
        )
        assert answers == [1, 0, 0]
        assert ErrorMonitor.objects.filter(status="watching").count() == 1
        assert not TaskType.objects.get(pk=race_world.task_type.pk).machine_stopped


def test_two_looks_for_drift_at_once_make_one_report(race_world: World) -> None:
    come(race_world, 150)
    at_once(watch_drift, watch_drift)
    assert DriftReport.objects.count() == 1
