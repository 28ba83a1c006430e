"""Shifts, absences and rotation: who is offered claims when, and from which queues first (mission C7)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from guardian.shortcuts import assign_perm
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Event
from hitl.core.clock import now, rfc3339
from reviews.duty import next_shift, on_duty, on_shift, read_schedule, schedule_problems, turn_of
from reviews.models import Queue, Reviewer, ReviewTask
from tests.api.support import JSON, claim, get, post, problem
from tests.factories import World

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DAY = {"weekday": 0, "start": "09:00", "end": "17:00"}
NIGHT = {"weekday": 0, "start": "22:00", "end": "06:00"}


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


@pytest.mark.parametrize(
    "schedule, hours, on",
    [
        ({}, 3, True),
        ({"shifts": [DAY]}, 9, True),
        ({"shifts": [DAY]}, 8.99, False),
        ({"shifts": [DAY]}, 17, False),
        ({"shifts": [DAY]}, 24 + 10, False),
        ({"shifts": [NIGHT]}, 23, True),
        ({"shifts": [NIGHT]}, 24 + 5.9, True),
        ({"shifts": [NIGHT]}, 24 + 6, False),
        ({"shifts": [NIGHT]}, 5, False),
        ({"shifts": [DAY], "time_zone": "Europe/Berlin"}, 8, True),
        ({"shifts": [DAY], "time_zone": "Europe/Berlin"}, 16, False),
        ({"shifts": [DAY], "absences": [{"first": "2026-11-20", "last": "2026-11-23"}]}, 10, False),
        ({"absences": [{"first": "2026-11-24", "last": "2026-11-24"}]}, 10, True),
        ({"absences": [{"first": "2026-11-24", "last": "2026-11-24"}], "time_zone": "Asia/Tokyo"}, 16, False),
    ],
)
def test_a_schedule_says_who_is_on(schedule: dict[str, Any], hours: float, on: bool) -> None:
    assert on_shift(read_schedule(schedule), at(hours)) is on


def test_berlins_shift_keeps_its_hours_when_summer_time_ends() -> None:
    schedule = read_schedule({"shifts": [DAY], "time_zone": "Europe/Berlin"})
    summer = datetime(2026, 10, 19, tzinfo=UTC)
    assert on_shift(schedule, summer + timedelta(hours=7))
    assert not on_shift(schedule, at(7))


@given(st.floats(0, 24 * 14))
def test_whoever_is_off_comes_on_when_the_next_shift_begins(hours: float) -> None:
    schedule = read_schedule({"shifts": [DAY, NIGHT], "time_zone": "America/New_York"})
    start = next_shift(schedule, at(hours))
    assert start is not None
    assert start > at(hours)
    assert on_shift(schedule, start)


def test_working_anyway_wins_over_the_plan_but_not_over_being_away() -> None:
    schedule = read_schedule({"shifts": [DAY]})
    assert on_duty(schedule, at(20), available=True, on_call_until=at(21))
    assert not on_duty(schedule, at(22), available=True, on_call_until=at(21))
    assert not on_duty(schedule, at(10), available=False, on_call_until=at(21))


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"shifts": [{"weekday": 7, "start": "09:00", "end": "10:00"}]},
        {"shifts": [{"weekday": 1, "start": "9", "end": "10:00"}]},
        {"absences": [{"first": "2026-11-24", "last": "2026-11-23"}]},
        {"rotation": [{"queues": []}]},
        {"unknown": 1},
        ["x"],
        "x",
    ],
)
def test_a_wrong_schedule_is_named(wrong: Any) -> None:
    assert schedule_problems(wrong)


def test_the_first_turn_that_fits_the_day_says_which_queues_are_own() -> None:
    schedule = read_schedule(
        {
            "rotation": [
                {"queues": ["a"], "weekdays": [0]},
                {"queues": ["b"], "first": "2026-11-25", "last": "2026-11-26"},
            ]
        }
    )
    assert [turn_of(schedule, at(24 * day)) for day in range(5)] == [["a"], None, ["b"], ["b"], None]


# --- in the product ---------------------------------------------------------------------------------------------------


def never(world: World, name: str) -> None:
    tomorrow = (now() + timedelta(days=2)).weekday()
    schedule = {"shifts": [{"weekday": tomorrow, "start": "09:00", "end": "09:01"}]}
    Reviewer.objects.filter(user=world.users[name]).update(schedule=schedule)


def test_off_shift_one_is_offered_nothing_unless_one_says_that_one_works(world: World) -> None:
    world.submit()
    never(world, "bob")
    problem(post(world, "bob", "reviews/claim"), 409, "not_available")
    hours = get(world, "bob", "availability").json()
    assert hours["on_duty"] is False
    body = {"on_call_until": rfc3339(now() + timedelta(hours=1)), "shifts": hours["schedule"]["shifts"]}
    assert world.api("bob").put("/api/v1/availability", body, content_type=JSON).json()["on_duty"] is True
    assert claim(world, "bob")
    assert Event.objects.filter(action="reviewer.changed", reason="own hours").count() == 1


def test_ones_own_hours_leave_the_rotation_as_the_supervisor_set_it(world: World) -> None:
    Reviewer.objects.filter(user=world.users["bob"]).update(schedule={"rotation": [{"queues": ["loans"]}]})
    assert world.api("bob").put("/api/v1/availability", {"available": False}, content_type=JSON).status_code == 200
    person = Reviewer.objects.get(user=world.users["bob"])
    assert (person.available, person.schedule["rotation"]) == (False, [{"queues": ["loans"]}])
    assert Reviewer.history.filter(user_id=person.user_id, available=False).exists()


def test_rotation_says_which_queue_is_served_first(world: World) -> None:
    other = Queue.objects.create(
        workspace=world.workspace, slug="more", title="more", task_type=world.task_type, tier=world.tiers["tier-1"]
    )
    for right in ("claim_queue", "view_queue"):
        assign_perm(right, world.users["bob"], other)
    first, second = world.submit(), world.submit()
    ReviewTask.objects.filter(case_id=second["id"]).update(queue=other)
    person = Reviewer.objects.get(user=world.users["bob"])
    path = f"/api/v1/staff/{person.pk}/schedule"
    answer = world.api("alice").put(path, {"rotation": [{"queues": ["more"]}]}, content_type=JSON)
    assert answer.status_code == 200, answer.content
    assert claim(world, "bob")["review"]["queue"] == "more"
    assert claim(world, "bob")["case"]["id"] == first["id"]
    problem(world.api("alice").put(path, {"rotation": [{"queues": ["nope"]}]}, content_type=JSON), 422, "unknown_queue")


def test_a_supervisor_sees_who_is_on(world: World) -> None:
    world.submit()
    claim(world, "carol")
    never(world, "bob")
    Reviewer.objects.filter(user=world.users["dave"]).update(available=False)
    staff = {row["username"]: row for row in get(world, "alice", "staff").json()["results"]}
    assert {name: row["state"] for name, row in staff.items()} == {
        "alice": "on", "bob": "off", "carol": "on", "dave": "away",
    }  # fmt: skip
    assert staff["carol"]["open_claims"] == 1
    assert staff["bob"]["next_shift_at"]
    assert staff["carol"]["own_queues"] == ["loans"]
    page = world.browser("alice").get("/ops/staff").content.decode()
    assert "off until" in page


def test_the_pages_save_hours_and_rotation_and_say_what_is_wrong(world: World) -> None:
    bob = world.browser("bob")
    sent = {
        "available": "on",
        "time_zone": "Europe/Berlin",
        "shift_day": ["0", "1"],
        "shift_start": ["09:00", ""],
        "shift_end": ["17:00", ""],
        "absence_first": ["2026-12-24", ""],
        "absence_last": ["", ""],
        "absence_note": ["holiday", ""],
    }
    assert bob.post("/hours", sent).status_code == 302
    stored = Reviewer.objects.get(user=world.users["bob"]).schedule
    assert stored["shifts"] == [DAY]
    assert stored["absences"] == [{"first": "2026-12-24", "last": "2026-12-24", "note": "holiday"}]
    assert bob.post("/hours", sent | {"time_zone": "Mars"}).status_code == 422
    person = Reviewer.objects.get(user=world.users["bob"])
    rotated = sent | {"turn_0_queues": ["loans"], "turn_0_days": ["0", "2"], "turn_0_first": "2026-11-23"}
    assert world.browser("alice").post(f"/ops/staff/{person.pk}", rotated).status_code == 302
    person.refresh_from_db()
    assert person.schedule["rotation"] == [{"queues": ["loans"], "weekdays": [0, 2], "first": "2026-11-23"}]
    assert world.browser("alice").get(f"/ops/staff/{person.pk}").status_code == 200
    assert world.browser("bob").get("/hours").status_code == 200
