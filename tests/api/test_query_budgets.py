"""What each hot endpoint may ask of the database, by count; a list costs the same for one row and for fifty."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import World

JSON = "application/json"


def count(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = work()
    assert response.status_code < 300, response.content
    return len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]])


@pytest.fixture
def busy(world: World) -> World:
    """Three waiting cases; what is cached per process (compiled policy, waiting times) is warm."""
    for number in range(3):
        world.submit(world.case_body(external_id=f"app-{number}"))
    world.submit(world.sure_case_body())
    return world


def test_submitting_a_case(busy: World) -> None:
    api = busy.api()
    assert count(lambda: api.post("/api/v1/cases", busy.case_body(), content_type=JSON)) <= 6


def test_a_batch_costs_a_statement_per_table_not_per_case(busy: World) -> None:
    api = busy.api()

    def submit(n: int) -> int:
        body = {"cases": [busy.sure_case_body() for _ in range(n)]}
        return count(lambda: api.post("/api/v1/cases/batch", body, content_type=JSON))

    one, thirty = submit(1), submit(30)
    assert thirty - one <= 60 + 10  # two cheap reads per case: what is in force, and where it would be reviewed


def test_claiming_and_judging(busy: World) -> None:
    bob = busy.api("bob")
    assert count(lambda: bob.post("/api/v1/reviews/claim", {}, content_type=JSON)) <= 8
    claim = bob.get("/api/v1/claims").json()["results"][0]
    first = {"token": claim["token"], "label": "approve"}
    path = f"/api/v1/claims/{claim['id']}"
    assert count(lambda: bob.post(f"{path}/first-judgement", first, content_type=JSON)) <= 5
    assert count(lambda: bob.post(f"{path}/judgement", first, content_type=JSON)) <= 7


@pytest.mark.parametrize(
    "name, path, budget",
    [
        ("partner", "/api/v1/cases?limit=200", 6),
        ("alice", "/api/v1/cases?limit=200", 8),
        ("bob", "/api/v1/cases?limit=200", 10),
        ("bob", "/api/v1/queues", 8),
        ("bob", "/api/v1/claims", 4),
    ],
)
def test_lists_cost_the_same_whatever_their_length(busy: World, name: str, path: str, budget: int) -> None:
    api = busy.api(name)
    few = count(lambda: api.get(path))
    for number in range(20):
        busy.submit(busy.case_body(external_id=f"more-{number}"))
    assert count(lambda: api.get(path)) <= few <= budget


@pytest.mark.parametrize("path, budget", [("/work", 14), ("/queues", 10), ("/cases", 16)])
def test_pages(busy: World, path: str, budget: int) -> None:
    bob = busy.browser("bob")
    bob.get(path)
    assert count(lambda: bob.get(path)) <= budget


def test_the_workbench(busy: World) -> None:
    bob = busy.browser("bob")
    where = bob.post("/work/claim")["location"]
    assert count(lambda: bob.get(where)) <= 18
