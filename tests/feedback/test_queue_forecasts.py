"""Every queue has a forecast of its wait, made of what it did lately, shown on its page."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.queue_forecasts import forecast_queues
from feedback.models import QueueForecast
from feedback.queue_loads import first_id
from feedback.stats.queueing import QueueLoad, expected_wait
from hitl.core.clock import now
from reviews.models import Claim, ReviewTask
from tests.factories import World
from tests.feedback.history import add_cases


def id_at(at: datetime, number: int) -> UUID:
    return UUID(int=first_id(at).int + (7 << 76) + number)


def arrive(world: World, at: datetime, n: int, *, status: str = "done", every_s: float = 1.0) -> list[ReviewTask]:
    """Reviews that came to tier 1's queue from `at` on."""
    cases = add_cases(world, [0.7] * n)
    rows = [
        ReviewTask(
            id=id_at(at + timedelta(seconds=i * every_s), i), workspace=world.workspace, case=case, queue=world.queue,
            status=status, order_key=-0.1, due_at=at, urgent_at=at, created_at=at,
        )
        for i, case in enumerate(cases)
    ]  # fmt: skip
    return ReviewTask.objects.bulk_create(rows)


def served(world: World, reviews: list[ReviewTask], name: str, seconds: float, ended: datetime) -> None:
    """Claims of one person, each this long, the last one ending then."""
    Claim.objects.bulk_create(
        Claim(
            id=id_at(ended - timedelta(seconds=seconds), i), workspace=world.workspace, review=review,
            user=world.users[name], epoch=1, status="submitted", claimed_at=ended - timedelta(seconds=seconds),
            expires_at=ended, closed_at=ended,
        )
        for i, review in enumerate(reviews)
    )  # fmt: skip


def forecast(world: World, at: datetime | None = None) -> QueueForecast:
    forecast_queues(at)
    return QueueForecast.objects.get(queue=world.queue)


def test_a_queue_is_forecast_from_arrivals_service_people_and_what_waits(world: World) -> None:
    at = now()
    done = arrive(world, at - timedelta(minutes=50), 30)
    arrive(world, at - timedelta(minutes=5), 12, status="waiting")
    served(world, done[:20], "bob", 60, at - timedelta(minutes=10))
    served(world, done[20:], "carol", 120, at - timedelta(minutes=20))

    row = forecast(world, at)

    assert (row.waiting, row.reviewers, row.arrivals_per_hour, row.arrivals_next_hour) == (12, 2, 42, 42)
    assert row.service_s == pytest.approx(80)
    load = QueueLoad(42, row.service_s, 2, 12)
    assert row.utilisation == pytest.approx(load.utilisation)
    assert (row.wait_now_s, row.wait_hour_s) == pytest.approx(tuple(vars_of(load)))


def vars_of(load: QueueLoad) -> tuple[float, float]:
    wait = expected_wait(load)
    return wait.now_s, wait.hour_s


def test_the_same_hours_of_past_weeks_shape_the_next_one(world: World) -> None:
    at = now()
    arrive(world, at - timedelta(minutes=30), 10)
    for weeks in (1, 2):
        then = at - timedelta(weeks=weeks)
        arrive(world, then - timedelta(minutes=30), 20)
        arrive(world, then + timedelta(minutes=10), 40)
    row = forecast(world, at)
    assert (row.arrivals_per_hour, row.arrivals_next_hour) == (10, 20)


def test_a_queue_nobody_works_on_has_no_forecast_of_its_wait(world: World) -> None:
    arrive(world, now() - timedelta(minutes=5), 3, status="waiting")
    row = forecast(world)
    assert (row.waiting, row.reviewers, row.service_s, row.wait_now_s, row.wait_hour_s) == (3, 0, None, None, None)


def test_who_stopped_working_no_longer_counts_but_their_pace_does(world: World) -> None:
    at = now()
    done = arrive(world, at - timedelta(hours=3), 5)
    served(world, done, "bob", 60, at - timedelta(hours=2))
    row = forecast(world, at)
    assert (row.reviewers, row.service_s, row.wait_hour_s) == (0, pytest.approx(60), None)


def test_looking_again_refreshes_the_one_row(world: World) -> None:
    forecast(world)
    arrive(world, now() - timedelta(minutes=1), 2, status="waiting")
    assert forecast(world).waiting == 2
    assert QueueForecast.objects.filter(queue=world.queue).count() == 1


def test_all_queues_take_a_fixed_number_of_queries(world: World) -> None:
    forecast_queues()
    arrive(world, now() - timedelta(minutes=30), 5)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        forecast_queues()
    assert len(seen) <= 7


def test_the_queues_page_shows_what_to_expect(world: World) -> None:
    at = now()
    served(world, arrive(world, at - timedelta(minutes=50), 30), "bob", 60, at)
    page = world.browser("alice").get("/queues/loans").content.decode()
    assert "Expected in the next hour" not in page
    forecast_queues(at)
    page = world.browser("alice").get("/queues/loans").content.decode()
    assert "Expected in the next hour" in page
    assert "30 arrivals" in page and "1 person at work" in page and "60 s a review" in page
