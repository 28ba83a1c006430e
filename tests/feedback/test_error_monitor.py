"""The error of automated decisions is watched; when audits refute the budget people decide until a person lifts it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from audit.models import Event, OutboxMessage
from feedback.actions.error_monitors import lift_fallback, watch_errors
from feedback.actions.labels import rebuild_labels
from feedback.models import ErrorMonitor
from hitl.accounts.models import Workspace
from hitl.core.actors import system_actor
from hitl.core.errors import Conflict, Forbidden, NotFound, Refused
from reviews.models import Alert, Case
from routing.actions.policies import activate_version, set_task_type_stopped
from routing.models import PolicyVersion, RoutingDecision, TaskType
from tests.factories import World, make_world, policy_document
from tests.feedback.history import add_cases, observe

pytestmark = pytest.mark.django_db
CountQueries = Callable[[int], AbstractContextManager[Any]]


@pytest.fixture
def bank() -> World:
    return make_world()


def audits(world: World, right: int, wrong: int = 0, open: int = 0, **case: Any) -> list[Case]:
    """Cases that chance drew: the wrong ones first, then the right ones, then those nobody has judged."""
    drawn = {"zone": "auto_audit", "sampled": True, "selection_probability": 0.2} | case
    cases = add_cases(world, [0.99] * (right + wrong + open), **drawn)
    truths = ["reject"] * wrong + ["approve"] * right
    observe(world, list(zip(cases, truths, strict=False)))
    rebuild_labels(everything=True)
    return cases


def monitor(world: World) -> ErrorMonitor:
    return ErrorMonitor.objects.filter(workspace=world.workspace).latest("epoch")


def stopped(world: World) -> bool:
    return TaskType.objects.get(pk=world.task_type.pk).machine_stopped


def refuted(world: World) -> ErrorMonitor:
    audits(world, 40, wrong=20)
    assert watch_errors() == 1
    return monitor(world)


def test_a_policy_in_force_is_watched_and_few_audits_say_nothing_yet(bank: World) -> None:
    audits(bank, 30)
    assert watch_errors() == 0
    found = monitor(bank)
    assert (found.status, found.epoch, found.budget, found.floor) == ("watching", 1, 0.02, 0.05)
    assert (found.reading["judged"], found.reading["wrong"], found.reading["enough"]) == (30, 0, False)
    assert not stopped(bank)


def test_a_refuted_budget_stops_the_machine_and_tells_everybody_at_once(bank: World) -> None:
    found = refuted(bank)
    assert (found.status, found.stopped) == ("refuted", True)
    assert stopped(bank)
    answer = bank.submit(bank.sure_case_body())
    assert answer["status"] == "pending" and not answer["decision"]
    event = Event.objects.get(action="errormonitor.refuted")
    assert event.after["wrong"] == 20 and event.after["e_value"] >= 20 and event.versions == {"policy": 1}
    assert Event.objects.filter(action="tasktype.machine_stopped", actor_label="error monitor").exists()
    alert = Alert.objects.get(kind="error_budget_refuted")
    assert "20 of 60 judged draws were wrong" in alert.said and alert.link == "/ops/monitor"
    assert OutboxMessage.objects.filter(type="alert.raised").count() == 1


def test_looking_again_changes_nothing(bank: World) -> None:
    before = refuted(bank)
    assert watch_errors() == 0
    assert monitor(bank).refuted_at == before.refuted_at
    assert Event.objects.filter(action="errormonitor.refuted").count() == 1
    assert Alert.objects.count() == 1


def test_the_same_rows_give_the_same_reading_whatever_came_first(bank: World) -> None:
    cases = audits(bank, 0, open=20)
    watch_errors()
    observe(bank, [(case, "approve") for case in reversed(cases[10:])])
    observe(bank, [(case, "reject" if n < 1 else "approve") for n, case in enumerate(cases[:10])])
    rebuild_labels(everything=True)
    watch_errors()
    late = monitor(bank).reading
    ErrorMonitor.objects.all().delete()
    watch_errors()
    assert monitor(bank).reading == late


def test_audits_nobody_judged_yet_count_as_right_and_are_told(bank: World) -> None:
    audits(bank, 10, wrong=0, open=5)
    watch_errors()
    reading = monitor(bank).reading
    assert (reading["judged"], reading["waiting"]) == (10, 5)


@pytest.mark.parametrize(
    "case", [{"sampled": False}, {"zone": "queue"}], ids=["picked by a person, not by the draw", "a person decided"]
)
def test_what_is_no_sample_of_automated_decisions_does_not_count(bank: World, case: dict[str, Any]) -> None:
    audits(bank, 0, wrong=50, **case)
    assert watch_errors() == 0
    assert monitor(bank).reading["judged"] == 0


def test_shadow_cases_and_cancelled_ones_without_a_label_do_not_count(bank: World) -> None:
    shadows, cancelled = audits(bank, 0, wrong=30), audits(bank, 0, open=3)
    Case.objects.filter(pk__in=[case.pk for case in shadows]).update(mode="shadow")
    Case.objects.filter(pk__in=[case.pk for case in cancelled]).update(status="cancelled")
    assert watch_errors() == 0
    assert (monitor(bank).reading["judged"], monitor(bank).reading["waiting"]) == (0, 0)


def test_beside_a_canary_the_probability_is_the_one_given_the_version(bank: World) -> None:
    cases = audits(bank, 1, wrong=1, selection_probability=0.5)
    RoutingDecision.objects.filter(case_id=cases[0].pk).update(version_selection=0.1, version_probability=0.5)
    watch_errors()
    assert monitor(bank).reading["points"][-1]["estimate"] == pytest.approx(10 / 12)


def test_one_error_in_a_rarely_seen_stratum_weighs_more_than_one_in_an_often_seen_one(bank: World) -> None:
    audits(bank, 10, wrong=1, selection_probability=0.05)
    audits(bank, 100, selection_probability=1.0)
    watch_errors()
    point = monitor(bank).reading["points"][-1]
    assert point["estimate"] == pytest.approx(20 / (11 * 20 + 100))
    assert point["low"] <= point["estimate"] <= point["high"]


def test_the_peak_budget_counts_where_the_policy_allows_itself_one(bank: World) -> None:
    rules = {"normal_error": 0.02, "peak_error": 0.06, "target_wait_s": 600}
    bank.put_in_force(policy_document(dynamic=rules))
    watch_errors()
    assert monitor(bank).budget == 0.06


def test_lifting_needs_a_permitted_person_and_a_reason_and_starts_a_new_epoch(bank: World) -> None:
    old = refuted(bank)
    with pytest.raises(Forbidden):
        lift_fallback(actor=bank.actor("bob"), monitor_id=old.pk, reason="fine")
    with pytest.raises(Forbidden):
        lift_fallback(actor=system_actor(bank.workspace.pk), monitor_id=old.pk, reason="fine")
    with pytest.raises(Refused):
        lift_fallback(actor=bank.actor("alice"), monitor_id=old.pk, reason="  ")
    assert lift_fallback(actor=bank.actor("alice"), monitor_id=old.pk, reason="a data fault, repaired") == 1
    old.refresh_from_db()
    assert (old.status, old.lifted_by, old.reason) == ("lifted", bank.users["alice"], "a data fault, repaired")
    assert not stopped(bank)
    new = monitor(bank)
    assert (new.epoch, new.status, new.policy_version) == (2, "watching", old.policy_version)
    assert Event.objects.filter(action="errormonitor.lifted", actor_label__contains="alice").exists()
    assert Alert.objects.get().state == "resolved"
    assert watch_errors() == 0  # what refuted the last epoch does not count in this one
    assert monitor(bank).reading["judged"] == 0
    with pytest.raises(Conflict):
        lift_fallback(actor=bank.actor("alice"), monitor_id=old.pk, reason="again")


def test_a_new_version_does_not_bring_the_machine_back_by_itself(bank: World) -> None:
    old = refuted(bank)
    version = PolicyVersion.objects.create(
        workspace=bank.workspace, policy=bank.policy, number=2, status="approved", document=policy_document(),
        created_at=old.since,
    )  # fmt: skip
    activate_version(actor=bank.actor("alice"), version=version)
    watch_errors()
    assert stopped(bank) and bank.submit(bank.sure_case_body())["status"] == "pending"
    assert lift_fallback(actor=bank.actor("alice"), monitor_id=old.pk, reason="version 2 is corrected") == 1
    assert not stopped(bank)
    assert list(ErrorMonitor.objects.filter(status="watching").values_list("policy_version__number", flat=True)) == [2]


def test_a_stop_button_that_was_pressed_before_stays_pressed(bank: World) -> None:
    alice = bank.actor("alice")
    set_task_type_stopped(actor=alice, task_type=bank.task_type, stopped=True, reason="maintenance")
    old = refuted(bank)
    assert not old.stopped
    lift_fallback(actor=alice, monitor_id=old.pk, reason="looked into it")
    assert stopped(bank)


def test_releasing_the_stop_button_is_a_lift_too(bank: World) -> None:
    old = refuted(bank)
    set_task_type_stopped(actor=bank.actor("alice"), task_type=bank.task_type, stopped=False, reason="repaired")
    assert watch_errors() == 0
    old.refresh_from_db()
    assert (old.status, old.reason) == ("lifted", "The stop button was released.")
    assert not stopped(bank)
    watch_errors()
    assert monitor(bank).epoch == 2


def test_a_version_out_of_force_and_a_changed_budget_end_their_epoch(bank: World) -> None:
    watch_errors()
    TaskType.objects.filter(pk=bank.task_type.pk).update(error_budget=0.03)
    watch_errors()
    watch_errors()
    assert [m.reason for m in ErrorMonitor.objects.order_by("epoch")] == ["The error budget was changed.", ""]
    assert monitor(bank).budget == 0.03
    PolicyVersion.objects.update(status="retired")
    watch_errors()
    assert monitor(bank).status == "ended"


def test_one_workspace_says_nothing_of_another(bank: World) -> None:
    other = make_world("globex")
    old = refuted(bank)
    assert not stopped(other)
    assert "Loan, version 1" in bank.browser("erin").get("/ops/monitor").content.decode()
    shown = other.browser("alice").get("/ops/monitor").content.decode()
    assert "refuted: people decide" not in shown
    with pytest.raises(NotFound):
        lift_fallback(actor=other.actor("alice"), monitor_id=old.pk, reason="not mine")
    assert Workspace.objects.count() == 2


def test_a_document_that_cannot_be_read_leaves_nobody_else_unwatched(bank: World) -> None:
    make_world("globex").put_in_force({"sampling": {"audit_rate": 1e-9}})
    watch_errors()
    assert list(ErrorMonitor.objects.values_list("workspace__slug", flat=True)) == [bank.workspace.slug]


def test_the_page_shows_figures_charts_and_table_and_lifts(
    bank: World, django_assert_num_queries: CountQueries
) -> None:
    alice, old = bank.browser("alice"), refuted(bank)
    alice.get("/ops/monitor")
    with django_assert_num_queries(6):
        page = alice.get("/ops/monitor").content.decode()
    assert "refuted: people decide" in page and "60 judged, 20 of them wrong" in page
    assert page.count("<polyline") == 2 and "Error and evidence, newest first" in page
    assert "Lift the fallback" not in bank.browser("erin").get("/ops/monitor").content.decode()
    assert alice.post(f"/ops/monitor/{old.pk}/lift", {"reason": ""}).status_code == 302
    assert stopped(bank)
    assert alice.post(f"/ops/monitor/{old.pk}/lift", {"reason": "repaired"}).status_code == 302
    assert not stopped(bank)
    assert "repaired" in alice.get("/ops/monitor").content.decode()


def test_the_api_gives_every_epoch_with_its_interval(bank: World, django_assert_num_queries: CountQueries) -> None:
    refuted(bank)
    caller = bank.api("alice")
    caller.get("/api/v1/monitor")
    with django_assert_num_queries(2):
        [row] = caller.get("/api/v1/monitor?open=true&task_type=loan").json()["results"]
    assert (row["state"], row["policy_version"], row["judged"], row["wrong"]) == ("refuted", 1, 60, 20)
    assert row["error"] == pytest.approx(1 / 3) and row["error_low"] < 1 / 3 < row["error_high"]
    assert row["e_value"] >= 20
    assert caller.get("/api/v1/monitor?task_type=none").json() == {"results": [], "next": None}
    assert caller.get("/api/v1/monitor?open=perhaps").status_code == 400
    assert caller.get("/api/v1/monitor?opne=true").status_code == 400
