"""The same submission from many sides at once is one case."""

from django.db import connection, transaction

from reviews.models import Case
from tests.api.support import post
from tests.delivery.race import at_once
from tests.factories import World
from tests.races.crowd import codes


def test_one_external_id_from_eight_sides_is_one_case(race_world: World) -> None:
    body = race_world.case_body(external_id="one")
    answers = at_once(*[lambda: post(race_world, "partner", "cases", body)] * 8)
    got = codes(answers)
    assert got.count((201, "")) == 1
    assert set(got) <= {(200, ""), (201, ""), (409, "duplicate_in_flight")}
    assert Case.objects.count() == 1
    assert all(a["Retry-After"] == "1" for a in answers if a.status_code == 409)
    assert len({a.json()["id"] for a in answers if a.status_code < 300}) == 1


def test_one_key_from_eight_sides_is_one_case(race_world: World) -> None:
    body = race_world.case_body()
    answers = at_once(*[lambda: post(race_world, "partner", "cases", body, Idempotency_Key="k")] * 8)
    got = codes(answers)
    assert got.count((201, "")) == 1
    assert set(got) <= {(200, ""), (201, ""), (409, "duplicate_in_flight")}
    assert Case.objects.count() == 1
    assert len({a.content for a in answers if a.status_code < 300}) == 1


def test_one_batch_key_from_four_sides_is_one_batch(race_world: World) -> None:
    body = {"cases": [race_world.case_body() for _ in range(20)]}
    answers = at_once(*[lambda: post(race_world, "partner", "cases/batch", body, Idempotency_Key="k")] * 4)
    assert set(codes(answers)) <= {(207, ""), (409, "duplicate_in_flight")}
    assert Case.objects.count() == 20
    assert len({a.content for a in answers if a.status_code == 207}) == 1


def test_two_batches_with_the_same_external_ids_make_each_case_once(race_world: World) -> None:
    body = {"cases": [race_world.case_body(external_id=f"e{n}") for n in range(30)]}
    answers = at_once(*[lambda: post(race_world, "partner", "cases/batch", body)] * 3)
    statuses = [sorted({r["status"] for r in a.json()["results"]}) for a in answers]
    assert all(set(found) <= {200, 201, 409} for found in statuses), statuses
    assert Case.objects.count() == 30


def test_what_another_request_is_still_writing_is_refused_at_once(race_world: World) -> None:
    """The other transaction is held open here, as a slow request would hold it."""
    body = race_world.case_body(external_id="slow")

    def twice() -> list[int]:
        with transaction.atomic():
            first = post(race_world, "partner", "cases", body, Idempotency_Key="k")
            (second,) = at_once(lambda: post(race_world, "partner", "cases", body, Idempotency_Key="k"))
        third = post(race_world, "partner", "cases", body, Idempotency_Key="k")
        assert second.json()["code"] == "duplicate_in_flight"
        assert second["Retry-After"] == "1"
        assert third.content == first.content
        return [first.status_code, second.status_code, third.status_code]

    assert twice() == [201, 409, 200]
    connection.close()
