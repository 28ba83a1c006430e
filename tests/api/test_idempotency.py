"""The same request again gets the first answer; other content under the same name is refused (mission A3)."""

from datetime import timedelta

import pytest

from hitl.accounts.actions.forgetting import forget_expired
from hitl.accounts.models import IdempotencyKey
from hitl.core.clock import now
from hitl.core.permissions import Scope
from reviews.models import Case
from tests.api.support import claim, judge, post, problem
from tests.factories import World, make_key


def test_a_repeated_key_gets_the_first_answer_byte_for_byte(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    again = post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert Case.objects.count() == 1


def test_the_stored_answer_stays_even_when_the_case_has_moved_on(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    judge(world, "bob", claim(world, "bob"), "reject")
    again = post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    assert again.content == first.content


def test_a_key_belongs_to_the_client_not_to_one_of_its_secrets(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    world.keys["partner"] = make_key(world, client=world.client, scopes=list(Scope))
    again = post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    assert (again.status_code, again.content) == (200, first.content)


def test_a_key_with_another_body_is_refused(world: World) -> None:
    post(world, "partner", "cases", world.case_body(), Idempotency_Key="k-1")
    response = post(world, "partner", "cases", world.case_body(subject="other"), Idempotency_Key="k-1")
    problem(response, 422, "idempotency_mismatch")
    assert Case.objects.count() == 1


def test_the_key_is_looked_at_before_the_external_id(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(external_id="a"), Idempotency_Key="k-1")
    response = post(world, "partner", "cases", world.case_body(external_id="b"), Idempotency_Key="k-1")
    problem(response, 422, "idempotency_mismatch")
    other_key = post(world, "partner", "cases", world.case_body(external_id="a"), Idempotency_Key="k-2")
    assert (other_key.status_code, other_key.json()["id"]) == (200, first.json()["id"])


def test_two_clients_may_use_the_same_key_and_the_same_external_id(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(external_id="a"), Idempotency_Key="k-1")
    other = post(world, "alice", "cases", world.case_body(external_id="a"), Idempotency_Key="k-1")
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


def test_a_repeated_external_id_gets_the_case_again(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(external_id="app-1"))
    again = post(world, "partner", "cases", world.case_body(external_id="app-1"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert Case.objects.count() == 1


def test_a_repeated_external_id_gets_the_first_answer_while_nothing_has_happened(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(external_id="app-1")).json()
    again = post(world, "partner", "cases", world.case_body(external_id="app-1")).json()
    assert again == {k: v for k, v in first.items() if k != "latency_ms"}


def test_an_external_id_with_other_content_is_refused_with_its_place(world: World) -> None:
    post(world, "partner", "cases", world.case_body(external_id="app-1"))
    response = post(world, "partner", "cases", world.case_body(external_id="app-1", subject="x"))
    body = problem(response, 422, "idempotency_mismatch")
    assert [e["pointer"] for e in body["errors"]] == ["/external_id"]
    assert Case.objects.count() == 1


EQUAL = [
    ('{"income": 1}', '{"income": 1.0}'),
    ('{"income": 1}', '{"income": 1e0}'),
    ('{"a": 1, "b": 2}', '{ "b" : 2,\n"a":1 }'),
    ('{"a": "é"}', '{"a": "\\u00e9"}'),
    ('{"a": 0.1}', '{"a": 0.10}'),
    ('{"a": 0}', '{"a": -0.0}'),
]


def test_equal_json_is_the_same_content(world: World) -> None:
    for place, pair in enumerate(EQUAL):
        for external_id, key in ((f'"e{place}"', {}), ("null", {"Idempotency_Key": f"k{place}"})):
            text = '{"task_type": "loan", "external_id": %s, "input": %s}'
            answers = [post(world, "partner", "cases", text % (external_id, part), **key) for part in pair]
            assert [a.status_code for a in answers] == [201, 200], pair
            assert answers[0].json()["id"] == answers[1].json()["id"]


DIFFERENT = [
    ('{"a": 1}', '{"a": true}'),
    ('{"a": 1}', '{"a": "1"}'),
    ('{"a": null}', "{}"),
    ('{"a": [1, 2]}', '{"a": [2, 1]}'),
    ('{"a": 9007199254740993}', '{"a": 9007199254740992}'),
    ('{"a": 0}', '{"a": false}'),
]


def test_json_that_differs_is_other_content(world: World) -> None:
    for place, (first, again) in enumerate(DIFFERENT):
        text = '{"task_type": "loan", "external_id": "e%d", "input": %s}'
        assert post(world, "partner", "cases", text % (place, first)).status_code == 201
        problem(post(world, "partner", "cases", text % (place, again)), 422, "idempotency_mismatch")


def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    assert post(world, "partner", "cases", world.case_body(task_type="nope"), Idempotency_Key="k").status_code == 422
    assert post(world, "partner", "cases", world.case_body(), Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    assert post(world, "partner", "cases", world.case_body(), Idempotency_Key=key).status_code == 400


def test_after_a_day_the_key_is_forgotten_and_the_external_id_gives_the_current_form(world: World) -> None:
    first = post(world, "partner", "cases", world.case_body(external_id="a"), Idempotency_Key="k")
    judge(world, "bob", claim(world, "bob"), "reject")
    IdempotencyKey.objects.update(created_at=now() - timedelta(hours=25))
    forget_expired()
    again = post(world, "partner", "cases", world.case_body(external_id="a"), Idempotency_Key="k")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert again.json()["status"] == "decided"
