"""Withdrawing a case (contract: POST /cases/{id}/cancel)."""

from tests.api.support import claim, get, judge, post, problem, submit_until, table_counts
from tests.factories import World


def test_a_cancelled_case_is_nobodys_work_any_more(world: World) -> None:
    case = world.submit()
    response = post(world, "partner", f"cases/{case['id']}/cancel", {"reason": "withdrawn by the customer"})
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["review"]) == ("cancelled", None)
    assert post(world, "bob", "reviews/claim").status_code == 204


def test_cancelling_again_is_the_same_and_changes_nothing(world: World) -> None:
    case = world.submit()
    first = post(world, "partner", f"cases/{case['id']}/cancel")
    before = table_counts()
    assert post(world, "partner", f"cases/{case['id']}/cancel").json() == first.json()
    assert table_counts() == before


def test_a_decided_case_cannot_be_cancelled(world: World) -> None:
    machine = submit_until(world, "automate", world.sure_case_body())
    problem(post(world, "partner", f"cases/{machine['id']}/cancel"), 409, "already_decided")
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "reject")
    problem(post(world, "partner", f"cases/{case['id']}/cancel"), 409, "already_decided")
    assert get(world, "partner", f"cases/{case['id']}").json()["status"] == "decided"


def test_a_reviewer_cannot_cancel(world: World) -> None:
    case = world.submit()
    assert post(world, "bob", f"cases/{case['id']}/cancel").status_code == 403
    assert get(world, "partner", f"cases/{case['id']}").json()["status"] == "pending"
