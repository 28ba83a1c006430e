"""When a model should be trained anew, on which data, who hears of it and who answers (mission F8)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event, OutboxMessage
from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration_sweeps import recalibrate_triggered, request_recalibration
from feedback.actions.retraining import answer_suggestion, suggest_retraining
from feedback.actions.retraining_sweeps import watch_retraining
from feedback.models import DatasetExample, DatasetVersion, RecalibrationRun, RetrainingSuggestion, TrainingLabel
from hitl.accounts.models import Client, Membership
from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, Forbidden
from hitl.core.permissions import Role, Scope
from reviews.models import Case
from tests.api.support import claim, get, open_queue, post, problem
from tests.api.support import judge as decide
from tests.factories import World, make_key, make_world
from tests.feedback.history import add_cases, judge, observe_world

LIST = "retraining-suggestions"


def limits(world: World, **changes: Any) -> None:
    """Small numbers, and no representative set unless asked for."""
    small = {"min_judgements": 10, "volume": 1_000, "representative_every_days": None}
    world.task_type.recalibration = {"retraining": small | changes}
    world.task_type.save()


def judged(world: World, n: int, wrong: int, *, first: bool = True, **how: Any) -> list[Case]:
    """`n` cases of credit-1 judged by Bob before the machine's answer was shown; `wrong` of them overrule it."""
    cases = add_cases(world, [0.7] * n)
    for place, case in enumerate(cases):
        label = "reject" if place < wrong else "approve"
        judge(world, case, "bob", label, first=label if first else None, **how)
    rebuild_labels()
    return cases


def suggestion() -> RetrainingSuggestion:
    return RetrainingSuggestion.objects.get()


def drift(world: World, **more: Any) -> RetrainingSuggestion | None:
    actor = system_actor(world.workspace.pk, "drift")
    known = {"task_type": world.task_type, "model_version": "credit-1", "trigger": "drift", "reason": "It drifts."}
    return suggest_retraining(actor=actor, **(known | more))


def test_many_overrides_in_a_week_suggest_training_on_the_newest_reviews(world: World) -> None:
    limits(world)
    judged(world, 12, 4)

    assert watch_retraining() == 1

    found = suggestion()
    assert (found.trigger, found.regime, found.model_version) == ("overrides", "recent", "credit-1")
    assert found.figures["override_rate"] == pytest.approx(4 / 12)
    assert found.figures["override_rate_low"] < 4 / 12 < found.figures["override_rate_high"]
    assert "overruled 4 of 12" in found.reason
    assert found.dataset.count == DatasetExample.objects.filter(dataset=found.dataset).count() == 12


@pytest.mark.parametrize(("n", "wrong"), [(10, 10), (20, 3)], ids=["too few judgements", "exactly at the rate"])
def test_more_than_the_limit_is_needed(world: World, n: int, wrong: int) -> None:
    limits(world)
    judged(world, n, wrong)
    assert watch_retraining() == 0


def test_the_mission_s_limits_hold_where_nothing_is_set(world: World) -> None:
    judged(world, 100, 40)
    assert watch_retraining() == 0
    judged(world, 1, 0)
    assert watch_retraining() == 1


def test_overrides_after_the_machine_s_answer_was_seen_do_not_count(world: World) -> None:
    limits(world)
    judged(world, 12, 12, first=False, visibility="before")
    assert watch_retraining() == 0


def test_reports_and_active_learning_do_not_count_as_overrides_but_as_work(world: World) -> None:
    limits(world, volume=23)
    for kind in ("report", "learning"):
        judged(world, 12, 12, kind=kind)
    assert watch_retraining() == 1
    assert (suggestion().trigger, suggestion().figures["compared"], suggestion().figures["judged"]) == ("volume", 0, 24)


def test_a_person_who_never_saw_the_answer_counts_once(world: World) -> None:
    limits(world)
    judged(world, 12, 4, visibility="never")
    watch_retraining()
    assert (suggestion().figures["compared"], suggestion().figures["overruled"]) == (12, 4)


def test_old_judgements_do_not_count(world: World) -> None:
    limits(world)
    judged(world, 12, 12)
    assert watch_retraining(now() + timedelta(days=8)) == 0


def test_the_same_is_suggested_once_in_its_quiet_time_and_again_after_it(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    assert watch_retraining() == 1
    assert watch_retraining() == 0
    assert drift(world) is None

    RetrainingSuggestion.objects.update(created_at=now() - timedelta(days=8))

    assert watch_retraining() == 1


def test_each_model_version_has_its_own_quiet_time(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    watch_retraining()
    for case in add_cases(world, [0.7] * 12, model_version="credit-2"):
        judge(world, case, "bob", "reject", first="reject")
    rebuild_labels()
    assert watch_retraining() == 1
    assert set(RetrainingSuggestion.objects.values_list("model_version", flat=True)) == {"credit-1", "credit-2"}


def test_partners_hear_of_it_with_the_data_set_and_the_log_keeps_it(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    watch_retraining()

    message = OutboxMessage.objects.get(type="retraining.suggested")

    told = message.payload["dataset_version"]
    dataset = DatasetVersion.objects.get()
    assert (told["id"], told["hash"], told["count"]) == (str(dataset.pk), dataset.hash, 12)
    assert told["export"].startswith(
        "/api/v1/exports/training?format=jsonl&task_type=loan&model_version=credit-1&since="
    )
    assert Event.objects.filter(action="retraining.suggested").count() == 1
    examples = world.api("partner").get(told["url"]).json()["results"]
    assert len(examples) == 12
    assert {e["label"] for e in examples} == {"approve", "reject"}


def test_a_data_set_keeps_its_labels_when_they_change_later(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    watch_retraining()
    TrainingLabel.objects.update(label="reject")
    assert DatasetExample.objects.filter(label="approve").count() == 8


def test_a_representative_set_weighs_every_label_by_what_it_stands_for(world: World) -> None:
    limits(world, representative_every_days=90, representative_min=30, representative_size=25, min_judgements=10**6)
    for rare in (False, True):
        for case in add_cases(world, [0.9] * 20, selection_probability=0.05 if rare else 1.0):
            judge(world, case, "bob", "approve", first="approve")
    rebuild_labels()
    assert watch_retraining() == 0  # its first label is of today
    TrainingLabel.objects.update(updated_at=now() - timedelta(days=91))

    assert watch_retraining() == 1

    assert (suggestion().trigger, suggestion().regime) == ("schedule", "representative")
    dataset = suggestion().dataset
    assert (dataset.count, dataset.query["drawn_from"]) == (25, 40)
    stood_for = sum(DatasetExample.objects.values_list("sampling_weight", flat=True))
    assert 300 < stood_for < 560, "about 20 + 20 × 20"
    assert watch_retraining() == 0


def test_nothing_is_suggested_where_it_is_switched_off_or_there_is_nothing_to_train_on(world: World) -> None:
    assert drift(world) is None
    judged(world, 3, 1)
    limits(world, enabled=False)
    assert drift(world) is None
    limits(world)
    assert drift(world) is not None


def test_settings_that_are_mistyped_leave_the_defaults_in_force_and_the_page_says_so(world: World) -> None:
    limits(world, override_rate=15)
    judged(world, 101, 40)
    assert watch_retraining() == 1
    assert "not valid" in world.browser("alice").get("/ops/retraining").content.decode()


def test_a_person_answers_with_a_reason_and_only_once(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    watch_retraining()
    found = suggestion()

    page = world.browser("alice")
    page.post(f"/ops/retraining/{found.pk}", {"status": "acknowledged", "reason": " "})
    assert suggestion().status == "suggested"
    page.post(f"/ops/retraining/{found.pk}", {"status": "acknowledged", "reason": "Trained on Monday."})

    assert (suggestion().status, suggestion().answer, suggestion().answered_by) == (
        "acknowledged", "Trained on Monday.", world.users["alice"],
    )  # fmt: skip
    assert Event.objects.get(action="retraining.acknowledged").reason == "Trained on Monday."
    with pytest.raises(Conflict):
        answer_suggestion(actor=world.actor("alice"), suggestion_id=found.pk, status="dismissed", reason="no")
    for name in ("bob", "erin", "partner"):
        with pytest.raises(Forbidden):
            answer_suggestion(actor=world.actor(name), suggestion_id=found.pk, status="dismissed", reason="no")


def test_the_list_narrows_by_task_type_and_state_and_the_page_shows_the_reason(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    watch_retraining()

    [row] = get(world, "alice", f"{LIST}?task_type=loan&status=suggested").json()["results"]
    assert row["reason"] == suggestion().reason
    assert get(world, "alice", f"{LIST}?status=dismissed").json()["results"] == []
    assert get(world, "alice", f"{LIST}?task_type=none").json()["results"] == []
    problem(get(world, "alice", f"{LIST}?status=gone"), 400, "invalid_input")
    problem(post(world, "alice", f"{LIST}/{row['id']}/status", {"status": "gone", "reason": "x"}), 400, "invalid_input")
    answered = post(world, "alice", f"{LIST}/{row['id']}/status", {"status": "dismissed", "reason": "A test."})
    assert (answered.status_code, answered.json()["status"]) == (200, "dismissed")
    page = world.browser("alice").get("/ops/retraining").content.decode()
    assert "overruled 4 of 12" in page
    assert "A test." in page


def test_strangers_see_neither_suggestions_nor_data(world: World) -> None:
    limits(world)
    judged(world, 12, 4)
    watch_retraining()
    other = make_world("globex")
    assert get(other, "alice", LIST).json()["results"] == []
    assert get(other, "alice", f"dataset-versions/{suggestion().dataset_id}").status_code == 404
    assert get(other, "alice", f"dataset-versions/{suggestion().dataset_id}/examples").status_code == 404


def test_lists_cost_the_same_for_many(world: World) -> None:
    limits(world, quiet_days=1)
    judged(world, 12, 4)
    alice = world.api("alice")
    alice.get(f"/api/v1/{LIST}")
    counts = []
    for _ in range(2):
        watch_retraining()
        with CaptureQueriesContext(connection) as queries:
            assert alice.get(f"/api/v1/{LIST}").status_code == 200
        counts.append(len(queries))
        RetrainingSuggestion.objects.update(created_at=now() - timedelta(days=2))
    assert RetrainingSuggestion.objects.count() == 2
    assert counts[0] == counts[1] <= 6


def test_drift_asks_for_a_recalibration_under_its_own_name_and_partners_hear_whether_it_is_in_force(
    world: World,
) -> None:
    observe_world(world, 1200)
    rebuild_labels()
    request_recalibration(actor=system_actor(world.workspace.pk, "drift"), task_type=world.task_type, trigger="drift")

    assert recalibrate_triggered() == 1

    assert (RecalibrationRun.objects.get().trigger, RecalibrationRun.objects.get().result) == ("drift", "proposed")
    told = OutboxMessage.objects.get(type="calibration.proposed").payload
    assert (told["trigger"], told["in_force"]) == ("drift", False)
    assert "allows no automatic changes" in told["needs_approval"] or "A person must approve" in told["needs_approval"]


def test_a_partner_reads_the_examples_of_its_own_cases_only(world: World) -> None:
    limits(world)
    cases = judged(world, 12, 4)
    watch_retraining()
    other = Client.objects.create(workspace=world.workspace, name="another bank")
    world.keys["other"] = make_key(world, client=other, scopes=list(Scope))
    Case.objects.filter(pk=cases[0].pk).update(client=other, owner_id=other.pk)
    path = f"dataset-versions/{suggestion().dataset_id}/examples"
    assert [row["case"] for row in get(world, "other", path).json()["results"]] == [str(cases[0].pk)]
    assert len(get(world, "partner", path).json()["results"]) == 11


def test_whoever_may_judge_the_appeal_does_not_find_the_case_among_the_examples(world: World) -> None:
    open_queue(world)
    case = world.submit()
    decide(world, "bob", claim(world, "bob"), "reject")
    for other in add_cases(world, [0.7] * 12):
        judge(world, other, "bob", "reject", first="reject")
    rebuild_labels()
    limits(world)
    watch_retraining()
    path = f"dataset-versions/{suggestion().dataset_id}/examples"
    dave = Membership.objects.filter(user=world.users["dave"])
    dave.update(role=Role.SUPERVISOR)
    world.keys["dave"] = make_key(world, user=world.users["dave"], scopes=list(Scope))
    world.expert_queue.judge_first = False
    world.expert_queue.save()

    def found() -> set[str]:
        return {row["case"] for row in get(world, "dave", path).json()["results"]}

    assert case["id"] in found()
    body = {"reason": "I do earn that.", "submitted_by": "customer-7"}
    assert post(world, "partner", f"cases/{case['id']}/appeals", body).status_code == 201
    assert case["id"] not in found() and len(found()) == 12
