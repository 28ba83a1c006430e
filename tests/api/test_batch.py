"""POST /cases/batch: one bad item never rejects the others (mission A1)."""

import json

from reviews.models import Case
from tests.api.support import post, problem, table_counts
from tests.factories import World


def test_each_item_gets_its_own_answer_in_order(world: World) -> None:
    good, bad, unknown = world.case_body(), world.case_body(surprise=1), world.case_body(task_type="nope")
    response = post(world, "partner", "cases/batch", {"cases": [good, bad, unknown, good]})
    assert response.status_code == 207
    results = response.json()["results"]
    assert [r["status"] for r in results] == [201, 400, 422, 201]
    assert results[0]["case"]["status"] == "pending"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/surprise"
    assert results[2]["problem"]["code"] == "unknown_task_type"
    assert "case" not in results[1]
    assert "problem" not in results[3]
    assert Case.objects.count() == 2


def test_every_kind_of_wrong_item_is_answered_alone(world: World) -> None:
    items = [json.dumps(world.case_body()), "1", "null", '"text"', "[]", '{"task_type": "loan"}']
    response = post(world, "partner", "cases/batch", '{"cases": [' + ",".join(items) + "]}")
    assert response.status_code == 207
    assert [r["status"] for r in response.json()["results"]] == [201, 400, 400, 400, 400, 400]


def test_an_external_id_that_comes_twice_is_one_case(world: World) -> None:
    body = world.case_body(external_id="twin")
    results = post(world, "partner", "cases/batch", {"cases": [body, body]}).json()["results"]
    assert [r["status"] for r in results] == [201, 200]
    assert results[0]["case"]["id"] == results[1]["case"]["id"]


def test_an_external_id_that_comes_twice_with_other_content_is_refused_once(world: World) -> None:
    cases = [world.case_body(external_id="twin"), world.case_body(external_id="twin", subject="x")]
    results = post(world, "partner", "cases/batch", {"cases": cases}).json()["results"]
    assert [r["status"] for r in results] == [201, 422]
    assert results[1]["problem"]["code"] == "idempotency_mismatch"


def test_a_batch_knows_the_cases_submitted_before(world: World) -> None:
    made = world.submit(world.case_body(external_id="old"))
    cases = [world.case_body(external_id="old"), world.case_body(external_id="new")]
    results = post(world, "partner", "cases/batch", {"cases": cases}).json()["results"]
    assert [r["status"] for r in results] == [200, 201]
    assert results[0]["case"]["id"] == made["id"]


def test_the_key_covers_the_whole_answer(world: World) -> None:
    body = {"cases": [world.case_body(), world.case_body(surprise=1)]}
    first = post(world, "partner", "cases/batch", body, Idempotency_Key="b-1")
    again = post(world, "partner", "cases/batch", body, Idempotency_Key="b-1")
    assert (first.status_code, again.status_code) == (207, 207)
    assert again["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert Case.objects.count() == 1


def test_the_key_with_another_batch_is_refused(world: World) -> None:
    post(world, "partner", "cases/batch", {"cases": [world.case_body()]}, Idempotency_Key="b-1")
    response = post(world, "partner", "cases/batch", {"cases": [world.case_body()] * 2}, Idempotency_Key="b-1")
    problem(response, 422, "idempotency_mismatch")


def test_the_key_of_a_single_case_is_not_that_of_a_batch(world: World) -> None:
    post(world, "partner", "cases", world.case_body(), Idempotency_Key="k")
    response = post(world, "partner", "cases/batch", {"cases": [world.case_body()]}, Idempotency_Key="k")
    problem(response, 422, "idempotency_mismatch")


def test_an_empty_batch_is_refused(world: World) -> None:
    before = table_counts()
    body = problem(post(world, "partner", "cases/batch", {"cases": []}), 400, "invalid_input")
    assert body["errors"][0]["pointer"] == "/cases"
    assert table_counts() == before


def test_five_hundred_cases_are_accepted_and_one_more_is_not(world: World) -> None:
    small = {"task_type": "loan", "input": {}}
    response = post(world, "partner", "cases/batch", {"cases": [small] * 500})
    assert {r["status"] for r in response.json()["results"]} == {201}
    before = table_counts()
    problem(post(world, "partner", "cases/batch", {"cases": [small] * 501}), 413, "too_large")
    assert table_counts() == before
    assert Case.objects.count() == 500


def test_one_item_over_a_mebibyte_is_refused_alone(world: World) -> None:
    big = world.case_body(input={"text": "x" * (1 << 20)})
    results = post(world, "partner", "cases/batch", {"cases": [big, world.case_body()]}).json()["results"]
    assert [r["status"] for r in results] == [413, 201]
