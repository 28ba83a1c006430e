"""Bad input of everything that is not a case: 4xx with its place, nothing stored (issue: Bad input)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from hitl.core.clock import now, rfc3339
from reviews.actions.guidelines import write_guideline
from tests.api.support import claim, get, post, problem, table_counts, verb
from tests.factories import World

NO_ID = "01890000-0000-7000-8000-000000000000"


def test_an_unknown_queue_cannot_be_claimed_from(world: World) -> None:
    problem(post(world, "bob", "reviews/claim", {"queue": "nope"}), 404, "not_found")


def test_claiming_an_unknown_task_type_is_refused_with_its_place(world: World) -> None:
    body = problem(post(world, "bob", "reviews/claim", {"task_type": "nope"}), 422, "unknown_task_type")
    assert body["errors"][0]["pointer"] == "/task_type"


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"queue": 7}, "/queue"),
    ({"queue": ""}, "/queue"),
    ({"que": "loans"}, "/que"),
    ({"task_type": ["loan"]}, "/task_type"),
]


def test_a_wrong_claim_is_refused_with_its_place(world: World) -> None:
    world.submit()
    before = table_counts()
    for body, pointer in CLAIMS:
        refused = problem(post(world, "bob", "reviews/claim", body), 400, "invalid_input")
        assert refused["errors"][0]["pointer"] == pointer, body
    assert table_counts() == before


WORDS: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("first-judgement", {"label": "maybe"}, 422, "unknown_label", "/label"),
    ("first-judgement", {}, 400, "invalid_input", "/label"),
    ("first-judgement", {"label": "approve", "confidence": 1.5}, 400, "invalid_input", "/confidence"),
    ("first-judgement", {"label": "approve", "reasoning": "x"}, 400, "invalid_input", "/reasoning"),
    ("judgement", {"label": "maybe"}, 422, "unknown_label", "/label"),
    ("judgement", {"label": "approve", "confidence": -1}, 400, "invalid_input", "/confidence"),
    ("judgement", {"label": "approve", "override_category": "mood"}, 422, "unknown_category", "/override_category"),
    ("judgement", {"label": "approve", "adjustments": [1]}, 400, "invalid_input", "/adjustments"),
    ("judgement", {"label": "approve", "token": 5}, 400, "invalid_input", "/token"),
    ("skip", {"reason": "x" * 2001}, 400, "invalid_input", "/reason"),
    ("release", {"label": "approve"}, 400, "invalid_input", "/label"),
    ("renew", {"token": ""}, 400, "invalid_input", "/token"),
]


def test_a_wrong_word_on_a_claim_is_refused_and_changes_nothing(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    before = table_counts()
    for what, body, status, code, pointer in WORDS:
        refused = problem(verb(world, "bob", lease, what, **body), status, code)
        assert refused["errors"][0]["pointer"] == pointer, (what, body)
    assert table_counts() == before
    assert verb(world, "bob", lease, "renew").status_code == 200


def test_the_undo_window_is_a_whole_number_of_seconds(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="approve")
    for seconds in ("-1", "61", "x", "1.5", "", "１", "9999999999"):
        response = verb(world, "bob", lease, f"judgement?undo_seconds={seconds}", label="approve")
        assert problem(response, 400, "invalid_input")["errors"][0]["pointer"] == "?undo_seconds", seconds


OUTCOMES: list[tuple[dict[str, Any], int, str, str]] = [
    ({"observed_at": rfc3339(now() + timedelta(hours=1))}, 400, "invalid_input", "/observed_at"),
    ({"observed_at": "yesterday"}, 400, "invalid_input", "/observed_at"),
    ({"observed_at": "2026-01-01T00:00:00"}, 400, "invalid_input", "/observed_at"),
    ({"observed_at": "0001-01-01T00:00:00Z"}, 400, "invalid_input", "/observed_at"),
    ({"label": "maybe"}, 422, "unknown_label", "/label"),
    ({"label": 5}, 400, "invalid_input", "/label"),
    ({"details": "x"}, 400, "invalid_input", "/details"),
    ({"truth": 1}, 400, "invalid_input", "/truth"),
]


def test_a_wrong_outcome_is_refused_with_its_place(world: World) -> None:
    case = world.submit()
    before = table_counts()
    for body, status, code, pointer in OUTCOMES:
        outcome = {"label": "approve", "observed_at": rfc3339(now()), "source": "registry"} | body
        refused = problem(post(world, "partner", f"cases/{case['id']}/outcomes", outcome), status, code)
        assert refused["errors"][0]["pointer"] == pointer, body
    assert table_counts() == before


QUERIES = [
    ("limit=0", "?limit"),
    ("limit=201", "?limit"),
    ("limit=x", "?limit"),
    ("cursor=%00", "?cursor"),
    ("cursor=abc", "?cursor"),
    ("cursor=!!", "?cursor"),
    ("status=done", "?status"),
    ("created_after=yesterday", "?created_after"),
    ("created_before=2026-01-01T00:00:00", "?created_before"),
    ("created_after=99999-01-01T00:00:00Z", "?created_after"),
    ("subject=%00", "?subject"),
    ("order=id", "?order"),
]


def test_a_wrong_query_is_refused_with_its_place(world: World) -> None:
    for query, pointer in QUERIES:
        body = problem(get(world, "partner", f"cases?{query}"), 400, "invalid_input")
        assert body["errors"][0]["pointer"] == pointer, query


def test_what_does_not_exist_is_one_and_the_same_answer(world: World) -> None:
    missing = get(world, "alice", f"cases/{NO_ID}").content
    for path in ("cases/not-an-id", "cases/%00", f"claims/{NO_ID}", "nothing/here", "cases/batch/x", ""):
        response = get(world, "alice", path)
        problem(response, 404, "not_found")
        assert response.content == missing, path


def test_a_method_that_is_not_there_is_405(world: World) -> None:
    problem(world.api().delete("/api/v1/cases"), 405, "method_not_allowed")


def test_an_address_that_is_not_there_answers_a_key_alike_for_every_method(world: World) -> None:
    strict = Browser(enforce_csrf_checks=True, headers={"authorization": f"Bearer {world.keys['partner']}"})
    for method in ("get", "post", "put", "patch", "delete"):
        problem(getattr(strict, method)("/api/v1/nothing/here", content_type="application/json"), 404, "not_found")


@pytest.mark.parametrize("beyond", ["0001-01-01T00:00:00+15:00", "9999-12-31T23:59:59-15:00"])
def test_a_time_beyond_the_calendar_of_utc_is_named(world: World, beyond: str) -> None:
    alice = world.actor("alice")
    write_guideline(actor=alice, task_type=world.task_type, title="Loans", text="Look.", note="first")
    answer = post(world, "alice", "queues/loans/guideline", {"number": 1, "from": beyond})
    assert problem(answer, 400, "invalid_input")["errors"][0]["pointer"] == "/from"
    body = {"available": True, "on_call_until": beyond}
    answer = world.api("bob").put("/api/v1/availability", body, content_type="application/json")
    assert problem(answer, 400, "invalid_input")["errors"][0]["pointer"] == "/on_call_until"
