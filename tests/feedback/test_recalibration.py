import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection, connections

from audit.models import Event, OutboxMessage
from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from feedback.actions.recalibration_sweeps import (
    recalibrate_all,
    recalibrate_triggered,
    request_recalibration,
)
from feedback.models import RecalibrationRun, ThresholdStudy
from feedback.stats.thresholds import GRID
from hitl.core.errors import Forbidden
from routing.actions.policies import activate_version, approve_version
from routing.models import Calibration, PolicyVersion
from tests.factories import World, policy_document
from tests.feedback.history import add_cases, judge, observe, observe_world


def run(world: World, trigger: str = "by_hand") -> RecalibrationRun:
    rebuild_labels()
    done = recalibrate(task_type=world.task_type, trigger=trigger)
    assert done is not None
    return done


def draft(world: World) -> PolicyVersion:
    return PolicyVersion.objects.get(policy=world.policy, status="draft")


def threshold_for(version: PolicyVersion, model_version: str) -> float | None:
    [entry] = [e for e in version.document["thresholds"]["entries"] if e["model_version"] == model_version]
    return entry["threshold"]


def test_outcomes_become_a_draft_with_a_new_calibration_a_certified_threshold_and_its_study(world: World) -> None:
    observe_world(world, 1200)

    done = run(world)

    assert done.result == "proposed", done.detail
    version = draft(world)
    assert done.policy_version_id == version.pk
    assert version.number == 2
    assert [c["version"] for c in version.document["calibrations"]] == [2]
    assert version.document["thresholds"]["default"] == 0.9
    [study] = version.study["studies"]
    threshold = threshold_for(version, "credit-1")
    assert threshold in GRID
    assert study["guaranteed_threshold"] == threshold
    at = next(point for point in study["curve"] if point["threshold"] == threshold)
    assert at["error_upper"] <= world.task_type.error_budget
    stored = ThresholdStudy.objects.get()
    assert stored.n + Calibration.objects.get(version=2).n == 1200


def test_the_proposal_is_evidence_and_is_told_to_partners(world: World) -> None:
    observe_world(world, 1200)

    run(world)

    actions = set(Event.objects.values_list("action", flat=True))
    assert {"calibration.fitted", "policyversion.proposed"} <= actions
    message = OutboxMessage.objects.get(type="calibration.proposed")
    assert message.payload["policy_version"] == 2
    assert message.payload["models"][0]["calibration_version"] == 2


def test_where_the_budget_is_not_attainable_the_machine_never_decides_and_the_study_says_what_would_help(
    world: World,
) -> None:
    observe_world(world, 1200, error=0.1)

    run(world)

    version = draft(world)
    assert threshold_for(version, "credit-1") is None
    [study] = version.study["studies"]
    assert study["attainable"] is False
    assert study["labels_needed"] > 0
    assert "Not attainable" in version.note


def test_too_few_labels_propose_nothing_and_say_how_many_are_missing(world: World) -> None:
    observe_world(world, 60)

    done = run(world)

    assert done.result == "not_enough_data"
    assert "100 are needed" in done.detail
    assert PolicyVersion.objects.count() == 1


def test_the_same_labels_are_not_proposed_twice_but_newer_ones_are(world: World) -> None:
    observe_world(world, 1200)
    run(world)

    again = run(world)
    assert (again.result, PolicyVersion.objects.count(), Calibration.objects.count()) == ("unchanged", 2, 2)

    observe_world(world, 200, seed=2)
    assert run(world).result == "proposed"
    assert PolicyVersion.objects.count() == 3


def test_once_the_proposal_is_in_force_nothing_new_is_proposed(world: World) -> None:
    observe_world(world, 1200)
    run(world)
    alice = world.actor("alice")
    approve_version(actor=alice, version=draft(world))
    activate_version(actor=alice, version=PolicyVersion.objects.get(number=2))

    assert run(world).result == "unchanged"


def test_what_people_said_after_seeing_the_machine_is_not_learnt_from(world: World) -> None:
    for case in add_cases(world, [0.8] * 3):
        judge(world, case, "bob", "approve", visibility="before")

    assert run(world).labels_seen == 0


def test_rare_audited_automations_weigh_as_much_as_the_cases_they_stand_for(world: World) -> None:
    """25 audited errors, each for 20 automated cases nobody looked at, against 840 sure cases that were right: a third
    of all is wrong, though a tenth of the labels is. The surest cases being wrong most, only a flat map is left.
    """
    observe_world(world, 1200)
    seldom = add_cases(world, [0.999] * 25, selection_probability=0.05)
    for case in seldom:
        judge(world, case, "bob", "reject", first="reject")

    run(world)

    [study] = draft(world).study["studies"]
    assert study["attainable"] is False
    top = study["curve"][0]
    assert top["error"] > 0.15


def test_each_model_version_gets_its_own_threshold(world: World) -> None:
    observe_world(world, 1200)
    observe_world(world, 1200, seed=3, error=0.1, model_version="credit-2")

    run(world)

    version = draft(world)
    assert threshold_for(version, "credit-1") is not None
    assert threshold_for(version, "credit-2") is None


def test_stricter_thresholds_of_a_risk_level_still_hold(world: World) -> None:
    document = policy_document(thresholds={"default": 0.9, "entries": [{"risk": "high", "threshold": 0.999}]})
    world.put_in_force(document)
    observe_world(world, 1200)

    run(world)

    entries = draft(world).document["thresholds"]["entries"]
    assert [e["threshold"] for e in entries if e["model_version"] == "credit-1" and e["risk"] == "high"] == [0.999]


def test_a_request_is_taken_by_the_sweep_although_no_message_arrived(world: World) -> None:
    observe_world(world, 1200)
    rebuild_labels()
    request = request_recalibration(actor=world.actor("alice"), task_type=world.task_type)
    assert request_recalibration(actor=world.actor("alice"), task_type=world.task_type).pk == request.pk

    assert recalibrate_triggered() == 1

    request.refresh_from_db()
    assert request.result == "proposed"
    assert request.requested_by == world.users["alice"]
    assert recalibrate_triggered() == 0


@pytest.mark.parametrize("name", ["bob", "erin", "partner"])
def test_only_who_may_write_policies_may_ask_for_a_run(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        request_recalibration(actor=world.actor(name), task_type=world.task_type)
    assert not RecalibrationRun.objects.exists()


def test_enough_new_labels_start_a_run_and_fewer_do_not(world: World) -> None:
    world.task_type.recalibration = {"min_new_labels": 40}
    world.task_type.save()
    observe_world(world, 39)
    rebuild_labels()
    assert recalibrate_triggered() == 0

    observe_world(world, 1, seed=2)
    rebuild_labels()
    assert recalibrate_triggered() == 1
    assert RecalibrationRun.objects.get().trigger == "new_labels"

    assert recalibrate_triggered() == 0


def test_a_run_that_fails_is_written_down_and_does_not_keep_others_from_theirs(world: World) -> None:
    world.task_type.error_budget = 0.0
    world.task_type.save()
    observe_world(world, 1200)
    rebuild_labels()

    assert recalibrate_all() == 1

    failed = RecalibrationRun.objects.get()
    assert failed.result == "failed"
    assert "max_error" in failed.detail


def test_only_one_process_recalibrates_a_task_type(world: World) -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            key = f"feedback.recalibrate:{world.task_type.pk}"
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        assert recalibrate(task_type=world.task_type, trigger="by_hand") is None
    finally:
        other.close()


def test_the_lock_is_given_back(world: World) -> None:
    run(world)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        held = cursor.fetchone()[0]
    # What is left is the label sweep's own, held by the test's transaction.
    assert held <= 1


def test_the_command_says_what_happened(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    observe(world, [(c, "approve") for c in add_cases(world, [0.9] * 5)])

    call_command("recalibrate", "loan", "--workspace", "acme")

    assert "Not enough data (5 labelled predictions)" in capsys.readouterr().out


def test_the_web_process_imports_neither_numpy_nor_a_terminal_toolkit() -> None:
    program = (
        "import django; django.setup(); import hitl.urls, sys;"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "print(sorted({'numpy', 'scipy', 'sklearn', 'prompt_toolkit'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
