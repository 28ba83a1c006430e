"""The forecast of a day in the queues: made of what happened, changed by what-ifs, shown as page and by REST."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from feedback.actions.hours import roll_up_hours
from feedback.actions.replay_work import work_replays
from feedback.capacity import WhatIf, capacity_report
from feedback.models import PersonHour, QueueHour
from hitl.core.clock import now
from reviews.models import Judgement, Reviewer, ReviewTask
from tests.api.support import claim, get, judge, post, problem
from tests.factories import World, make_world
from tests.feedback.test_queue_forecasts import arrive, served


def at_noon() -> datetime:
    return now().replace(hour=12, minute=20, second=0, microsecond=0) - timedelta(days=1)


def busy_days(world: World, at: datetime, *, days: int = 3, per_hour: int = 12) -> None:
    """Reviews of tier 1's queue in the same three hours of past days, an hour to judge five of them."""
    for day in range(1, days + 1):
        for hour in (0, 1, 2):
            start = (at - timedelta(days=day) + timedelta(hours=hour)).replace(minute=2)
            done = arrive(world, start, per_hour, every_s=60)
            for review in done:
                review.due_at = review.created_at + timedelta(hours=1)
                review.done_at = start
            ReviewTask.objects.bulk_update(done, ["due_at", "done_at"])
            served(world, done, "bob", 720, start)
    created_as_keyed(world)
    roll_up_hours(at)


def created_as_keyed(world: World) -> None:
    rows = list(ReviewTask.objects.filter(workspace=world.workspace))
    for row in rows:
        row.created_at = datetime.fromtimestamp((row.pk.int >> 80) / 1000, tz=row.created_at.tzinfo)
    ReviewTask.objects.bulk_update(rows, ["created_at"])


def row_of(world: World, what_if: WhatIf = WhatIf(), at: datetime | None = None) -> Any:
    report = capacity_report(world.actor("alice"), what_if, at)
    return next(row for row in report.queues if row.slug == world.queue.slug)


def test_whole_hours_are_counted_once_and_old_ones_forgotten(world: World) -> None:
    at = at_noon()
    busy_days(world, at, days=1, per_hour=4)
    assert sorted(QueueHour.objects.values_list("arrived", flat=True)) == [4, 4, 4]
    assert roll_up_hours(at) == 21, "the hours since the last one in which anything happened"
    assert QueueHour.objects.count() == 3
    roll_up_hours(at + timedelta(days=40))
    assert not QueueHour.objects.exists()


def test_a_persons_hours_are_counted_from_final_judgements(world: World) -> None:
    world.submit()
    judge(world, "bob", claim(world, "bob"), "approve")
    roll_up_hours(now() + timedelta(hours=2))
    (hour,) = PersonHour.objects.all()
    assert (hour.user, hour.judged) == (world.users["bob"], 1)
    assert Judgement.objects.count() >= 1


def test_the_day_ahead_repeats_the_past_days_hours(world: World) -> None:
    at = at_noon()
    busy_days(world, at)
    row = row_of(world, at=at)
    assert row.arrivals.mean == pytest.approx(36, rel=0.15) and row.arrivals.low < row.arrivals.mean < row.arrivals.high
    assert row.service_s == pytest.approx(720) and row.experience == 108
    assert row.people == 3, "12 an hour of 12 minutes are 2.4 Erlang: with 3 people 3.2 % wait longer than the hour"


def test_more_people_are_earlier_and_ten_times_the_load_is_late(world: World) -> None:
    at = at_noon()
    Reviewer.objects.exclude(user=world.users["bob"]).update(available=False)
    busy_days(world, at, per_hour=8)
    alone = row_of(world, at=at)
    helped = row_of(world, WhatIf(more={world.queue.slug: 3}), at)
    flooded = row_of(world, WhatIf(factor=10.0), at)
    assert helped.people_now == alone.people_now + 3
    assert helped.late.mean < alone.late.mean < flooded.late.mean
    assert flooded.depth[-1].mean > 5 * alone.depth[-1].mean
    fewer = row_of(world, WhatIf(more={world.queue.slug: -10}), at)
    assert fewer.people_now == 0 and fewer.late.mean == 1.0 and fewer.wait_s is None


def test_people_work_in_their_shifts(world: World) -> None:
    at = at_noon()
    busy_days(world, at)
    Reviewer.objects.exclude(user=world.users["bob"]).update(available=False)
    evening = [{"weekday": day, "start": "18:00", "end": "19:00"} for day in range(7)]
    Reviewer.objects.filter(user=world.users["bob"]).update(schedule={"shifts": evening})
    report = capacity_report(world.actor("alice"), WhatIf(), at)
    row = next(row for row in report.queues if row.slug == world.queue.slug)
    assert report.people_hours == 1.0
    assert row.depth[4].mean > 25 and row.depth[8].mean < row.depth[4].mean, "from 18:00 on some are judged"


def test_a_day_too_large_to_play_is_cut_and_says_so(world: World) -> None:
    at = at_noon()
    busy_days(world, at, days=1, per_hour=50)
    QueueHour.objects.update(arrived=4_000)
    report = capacity_report(world.actor("alice"), WhatIf(factor=100.0), at)
    assert report.hours < 24 and report.runs == 1 and report.overloaded
    assert all(len(row.depth) == report.hours for row in report.queues)


def test_a_replays_load_takes_the_place_of_arrivals(world: World) -> None:
    at = at_noon()
    busy_days(world, at)
    half = row_of(world, WhatIf(share={world.queue.slug: 0.5}), at)
    assert half.arrivals.mean == pytest.approx(18, rel=0.2)


def test_a_finished_replay_can_be_chosen(world: World) -> None:
    for _ in range(3):
        world.submit()
    version = world.policy.versions.get().number if hasattr(world, "policy") else 1
    slug = get(world, "alice", "policies").json()["results"][0]["slug"]
    job = post(world, "alice", f"policies/{slug}/versions/{version}/replay", {}).json()
    work_replays()
    assert get(world, "alice", f"capacity?replay={job['id']}").status_code == 200
    problem(get(world, "alice", "capacity?replay=nonsense"), 400, "invalid_input")


@pytest.mark.parametrize("query", ["factor=3", "more=2", "more=x&queue=loans", "replay=1", "unknown=1"])
def test_a_bad_what_if_is_refused(world: World, query: str) -> None:
    answer = get(world, "alice", f"capacity?{query}")
    assert answer.status_code in (400, 404) and answer.json()["code"] in ("invalid_input", "not_found")
    field = query.partition("=")[0]
    if answer.status_code == 400:
        assert answer.json()["errors"][0]["pointer"].lstrip("?") in (field, "queue")


def test_only_ones_own_workspace_and_only_those_who_read_metrics(world: World) -> None:
    at = at_noon()
    busy_days(world, at, days=1, per_hour=3)
    stranger = make_world("globex")
    assert all(row.arrivals.mean == 0 for row in capacity_report(stranger.actor("alice"), WhatIf(), at).queues)
    assert get(world, "bob", "capacity").status_code == 403


def test_the_page_and_its_budget(world: World, django_assert_max_num_queries: Any) -> None:
    world.submit()
    judge(world, "bob", claim(world, "bob"), "approve")
    browser = world.browser("alice")
    with django_assert_max_num_queries(14):
        html = browser.get("/ops/capacity").content.decode()
    assert "No whole hour was counted yet" in html and "<svg" in html
    refused = browser.get("/ops/capacity?factor=7")
    assert refused.status_code == 422 and "Choose one of 0.5, 1, 2, 10, 100." in refused.content.decode()
