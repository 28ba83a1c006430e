"""Several decisions at once: only where nothing is lost by it (mission C7)."""

from typing import Any

import pytest

from audit.models import Event
from reviews.models import Exclusion, Judgement, ReviewTask
from tests.api.support import claim, post, problem, submit_until, use_policy
from tests.factories import World


@pytest.fixture
def shop(world: World) -> World:
    """A queue where several at once are possible, with three cases."""
    type(world.queue).objects.filter(pk=world.queue.pk).update(judge_first=False, allow_pick=True)
    world.queue.refresh_from_db()
    return world


def bulk(world: World, cases: list[dict[str, Any]], name: str = "bob", **changes: Any) -> Any:
    body = {
        "queue": "loans",
        "task_type": "loan",
        "label": "reject",
        "reviews": [c["review"]["id"] for c in cases],
        "count": len(cases),
    }
    return post(world, name, "reviews/bulk", body | changes)


def test_each_case_gets_its_own_judgement_and_decision(shop: World) -> None:
    cases = [shop.submit() for _ in range(3)]
    answer = bulk(shop, cases, reasoning="same pattern")
    assert answer.status_code == 207
    assert [(r["status"], r["case"]["decision"]["label"]) for r in answer.json()["results"]] == [(200, "reject")] * 3
    assert Judgement.objects.filter(stage="final", reasoning="same pattern").count() == 3
    assert Event.objects.filter(action="judgement.in_bulk").count() == 3


def test_one_refused_leaves_the_others_as_they_are(shop: World) -> None:
    cases = [shop.submit() for _ in range(3)]
    held = claim(shop, "carol")["case"]["id"]
    mine = next(c for c in cases if c["id"] != held)
    Exclusion.objects.create(
        workspace=shop.workspace,
        case_id=mine["id"],
        user=shop.users["bob"],
        reason="skipped",
        created_at=mine["created_at"],
    )
    results = bulk(shop, cases).json()["results"]
    assert sorted(r["status"] for r in results) == [200, 409, 409]
    assert {r["problem"]["code"] for r in results if "problem" in r} == {"already_claimed"}


@pytest.mark.parametrize("changes", [{"judge_first": True}, {"allow_pick": False}])
def test_never_where_people_judge_first_or_the_server_picks(shop: World, changes: dict[str, bool]) -> None:
    cases = [shop.submit()]
    type(shop.queue).objects.filter(pk=shop.queue.pk).update(**changes)
    problem(bulk(shop, cases), 422, "bulk_not_allowed")
    assert "bulk" not in shop.browser("bob").get("/queues/loans/reviews").content.decode()


@pytest.mark.parametrize(
    "changes, status, code",
    [
        ({"count": 2}, 400, "invalid_input"),
        ({"reviews": [], "count": 0}, 400, "invalid_input"),
        ({"label": "maybe"}, 422, "unknown_label"),
        ({"task_type": "other"}, 422, "unknown_label"),
        ({"queue": "nowhere"}, 404, "not_found"),
    ],
)
def test_what_is_wrong_is_refused_as_a_whole(shop: World, changes: dict[str, Any], status: int, code: str) -> None:
    problem(bulk(shop, [shop.submit()], **changes), status, code)
    assert not Judgement.objects.exists()


def test_more_than_25_are_refused(shop: World) -> None:
    case = shop.submit()
    keys = [case["review"]["id"][:-2] + f"{n:02x}" for n in range(26)]
    problem(bulk(shop, [], reviews=keys, count=26), 400, "invalid_input")


def test_risky_and_gated_cases_are_judged_by_themselves(shop: World) -> None:
    use_policy(shop, risk_rules=[{"name": "big", "when": "context.amount > 100.0", "level": "high"}])
    risky = shop.submit(shop.case_body(context={"amount": 500}))
    gated = submit_until(
        shop,
        "gate",
        shop.sure_case_body(proposed_action={"type": "pay", "parameters": {}, "reversible": False}),
    )
    ReviewTask.objects.filter(case_id__in=[risky["id"], gated["id"]]).update(queue=shop.queue)
    results = bulk(shop, [risky, gated]).json()["results"]
    assert [r["problem"]["code"] for r in results] == ["bulk_not_allowed"] * 2


def test_a_stranger_and_a_reader_decide_nothing(shop: World) -> None:
    case = shop.submit()
    assert bulk(shop, [case], name="erin").status_code == 403
    assert [r["status"] for r in bulk(shop, [case], name="alice").json()["results"]] == [404]


def test_the_page_shows_what_may_be_chosen_and_what_became_of_it(shop: World) -> None:
    cases = [shop.submit(shop.case_body(external_id=f"b-{n}")) for n in range(2)]
    bob = shop.browser("bob")
    page = bob.get("/queues/loans/bulk").content.decode()
    assert "b-0" in page
    assert "Approve" in page
    sent = {
        "task_type": "loan",
        "label": "approve",
        "review": [c["review"]["id"] for c in cases],
        "count": "1",
    }
    assert bob.post("/queues/loans/bulk", sent).status_code == 422
    answer = bob.post("/queues/loans/bulk", sent | {"count": "2"}, follow=True)
    assert "2 of 2 decided" in answer.content.decode()
