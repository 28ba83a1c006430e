"""Why a review stands where it does, saved filters, backlog alerts, and what comes before any priority."""

import re
from datetime import timedelta
from typing import Any

import pytest

from audit.models import Event, OutboxMessage
from hitl.core.clock import now
from reviews.actions.backlog import check_backlogs
from reviews.models import Alert, ReviewTask, SavedFilter
from reviews.place import share_left
from tests.api.support import JSON, claim, get, open_queue, problem, sample_all
from tests.factories import World


def pages(world: World, name: str, path: str) -> str:
    answer = world.browser(name).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def timed(case: dict[str, Any], left: float, of: timedelta = timedelta(hours=10)) -> None:
    """The case's review as it stands when that share of its time is left (near due: a tenth)."""
    due = now() + of * left
    ReviewTask.objects.filter(case_id=case["id"]).update(due_at=due, urgent_at=due - of * 0.1, created_at=due - of)


def test_each_row_says_why_it_stands_where_it_does(world: World) -> None:
    open_queue(world)
    names = {n: world.submit(world.case_body(external_id=n)) for n in ("x-late", "x-near", "x-calm")}
    timed(names["x-late"], -0.1)
    timed(names["x-near"], 0.08)
    page = pages(world, "bob", "/queues/loans/reviews")
    assert page.index("x-late") < page.index("x-near") < page.index("x-calm")
    assert "because it is overdue" in page
    assert "8% of its time is left, less than 10%" in page
    assert "by its priority of 0.30" in page
    timed(names["x-calm"], 0.5)
    review = ReviewTask.objects.get(case_id=names["x-calm"]["id"])
    assert share_left(review, world.queue, now()) == pytest.approx(0.5, abs=0.01)


def test_the_order_by_priority_is_sealed_with_the_machines_answer(world: World) -> None:
    """Two cases that differ only in machine output stand in the order of their arrival, with the same words."""
    sure = {"label": "approve", "confidence": 0.89, "model_version": "credit-1"}
    world.submit(world.case_body(external_id="first-in", prediction=sure))
    world.submit(world.case_body(external_id="second-in"))
    bob = pages(world, "bob", "/queues/loans/reviews")
    assert bob.index("first-in") < bob.index("second-in")
    shown = r"(?<![\d.])0\.(30|11)(?!\d)"  # not the microseconds of a time
    assert not re.search(shown, bob) and "by its priority" not in bob
    alice = pages(world, "alice", "/queues/loans/reviews")
    assert alice.index("second-in") < alice.index("first-in") and re.search(shown, alice)
    where = world.browser("bob").post("/work/claim")["location"]
    assert "in the order of its queue" in pages(world, "bob", where)


def test_lists_show_who_a_review_waits_for_and_until_when(world: World) -> None:
    case = world.submit(world.case_body(external_id="x-waits"))
    path = f"/reviews/{case['review']['id']}/assign"
    assert world.browser("alice").post(path, {"to": "carol", "note": "please"}).status_code == 302
    assert "carol" in pages(world, "alice", "/queues/loans/reviews?show=assigned")
    assert "x-waits" not in pages(world, "alice", "/queues/loans/reviews")
    assert world.browser("alice").post(path, {"to": "bob"}).status_code == 422
    assert world.browser("alice").post(path, {"to": "bob", "instead_of": "carol"}).status_code == 302
    assert world.browser("alice").post(path, {"to": ""}).status_code == 302
    lease = claim(world, "bob")
    sent = {"verb": "snooze", "token": lease["token"], "minutes": "60", "reason": "papers"}
    assert world.browser("bob").post(f"/claims/{lease['id']}/hand-on", sent).status_code == 302
    assert "x-waits" in pages(world, "alice", "/queues/loans/reviews?show=snoozed")
    for show in ("overdue", "claimed"):
        assert "x-waits" not in pages(world, "alice", f"/queues/loans/reviews?show={show}")


def test_handing_on_by_page_refuses_in_place(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    bob, path = world.browser("bob"), f"/claims/{lease['id']}/hand-on"
    assert "Hand this case on" in pages(world, "bob", path)
    bad = {"verb": "snooze", "token": lease["token"], "minutes": "", "until": "yesterday", "reason": "x"}
    assert bob.post(path, bad).status_code == 422
    assert (
        bob.post(path, {"verb": "transfer", "token": lease["token"], "to": "mallory", "note": "x"}).status_code == 422
    )
    sent = {"verb": "transfer", "token": lease["token"], "to": ":loans-expert", "note": "too hard"}
    assert bob.post(path, sent)["location"] == "/work"
    assert "too hard" in pages(
        world, "dave", world.browser("dave").post("/work/claim", {"queue": "loans-expert"})["location"]
    )


# --- saved filters ----------------------------------------------------------------------------------------------------


def test_a_person_keeps_names_and_deletes_own_filters_and_nobody_elses(world: World) -> None:
    bob = world.browser("bob")
    sent = {"place": "cases", "name": "My cars", "current": "q=car&status=&evil=1"}
    assert bob.post("/filters", sent)["location"] == "/cases?q=car"
    row = SavedFilter.objects.get()
    assert (row.name, row.query) == ("My cars", {"q": "car"})
    assert "My cars" in pages(world, "bob", "/cases")
    assert "My cars" not in pages(world, "carol", "/cases")
    assert world.browser("carol").post(f"/filters/{row.pk}/delete").status_code == 404
    assert get(world, "carol", "saved-filters").json()["results"] == []
    assert bob.post(f"/filters/{row.pk}/delete").status_code == 302
    assert not SavedFilter.objects.exists()


def test_filters_by_rest_replace_by_name_and_name_what_is_wrong(world: World) -> None:
    api = world.api("bob")

    def save(**body: Any) -> Any:
        return api.post("/api/v1/saved-filters", body, content_type=JSON)

    for show in ("overdue", "snoozed"):
        made = save(place="queue", name="hot", query={"queue": "loans", "show": show})
        assert made.status_code == 201
    assert [f["url"] for f in get(world, "bob", "saved-filters").json()["results"]] == [
        "/queues/loans/reviews?show=snoozed"
    ]
    problem(save(place="cases", name=" ", query={}), 400, "invalid_input")
    problem(save(place="cases", name="x", query={"limit": "9"}), 400, "invalid_input")
    problem(save(place="elsewhere", name="x"), 400, "invalid_input")
    assert api.delete(f"/api/v1/saved-filters/{made.json()['id']}").status_code == 204


# --- backlog ----------------------------------------------------------------------------------------------------------


def test_a_queue_over_its_limit_raises_one_alert_that_ends_when_it_is_clearly_below(world: World) -> None:
    type(world.queue).objects.filter(pk=world.queue.pk).update(alert_waiting=2, alert_overdue=0)
    cases = [world.submit() for _ in range(2)]
    assert check_backlogs() == 0
    cases.append(world.submit())
    assert check_backlogs() == check_backlogs() == 1
    alert = Alert.objects.get()
    assert (alert.kind, alert.values["value"], alert.values["limit"]) == ("backlog_waiting", 3, 2)
    assert OutboxMessage.objects.filter(type="alert.raised").count() == 1
    assert Event.objects.filter(action="alert.raised").count() == 1
    assert "Too much waits" in pages(world, "alice", "/ops/alerts")
    claim(world, "bob")
    check_backlogs()
    alert.refresh_from_db()
    assert alert.resolved_at is None  # at the limit, not clearly below
    claim(world, "bob")
    check_backlogs()
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    timed(cases[-1], -1)
    assert check_backlogs() == 1
    assert Alert.objects.get(resolved_at__isnull=True).kind == "backlog_overdue"


def test_a_limit_taken_away_ends_its_alert(world: World) -> None:
    type(world.queue).objects.filter(pk=world.queue.pk).update(alert_waiting=0)
    world.submit()
    assert check_backlogs() == 1
    type(world.queue).objects.filter(pk=world.queue.pk).update(alert_waiting=None)
    assert check_backlogs() == 0
    assert not Alert.objects.filter(resolved_at__isnull=True).exists()


# --- what comes first -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "context, first",
    [
        ({"virality": 0.9}, True),
        ({"virality": 0.8}, True),
        ({"virality": 0.79}, False),
        ({"has_appeal": True}, True),
        ({"latency_tolerance": "standby"}, True),
        ({"latency_tolerance": "batch"}, False),
        ({}, False),
    ],
)
def test_what_spreads_or_was_appealed_or_keeps_somebody_waiting_comes_first(
    world: World, context: dict[str, Any], first: bool
) -> None:
    world.task_type.expedite_virality = 0.8
    world.task_type.save()
    world.submit()  # less certain, so of higher priority
    sure = {"label": "approve", "confidence": 0.89, "model_version": "credit-1"}
    case = world.submit(world.case_body(context=context, prediction=sure))
    assert (claim(world, "bob")["case"]["id"] == case["id"]) is first


def test_without_a_declared_level_nothing_is_expedited_for_spreading(world: World) -> None:
    other = world.submit()
    sure = {"label": "approve", "confidence": 0.89, "model_version": "credit-1"}
    world.submit(world.case_body(context={"virality": 1.0}, prediction=sure))
    assert claim(world, "bob")["case"]["id"] == other["id"]


def test_an_audit_of_what_spreads_waits_its_turn(world: World) -> None:
    sample_all(world)
    case = world.submit(world.sure_case_body(context={"has_appeal": True}))
    for review in ReviewTask.objects.filter(case_id=case["id"], kind="audit"):
        assert review.urgent_at > now()
