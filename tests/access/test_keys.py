"""Keys: live ones only, and never beyond their scopes or their owner (mission H2)."""

from datetime import timedelta

from guardian.shortcuts import assign_perm

from hitl.accounts.models import ApiKey, Client, Membership, User
from hitl.core.clock import now
from hitl.core.permissions import Scope
from reviews.models import Case
from tests.api.support import get, post, problem
from tests.factories import World, make_key


def row(world: World, name: str) -> ApiKey:
    return ApiKey.objects.get(prefix=world.keys[name].split("_")[1])


def refused(world: World, name: str) -> None:
    response = get(world, name, "cases")
    problem(response, 401, "invalid_key")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_key_that_is_revoked_expired_or_wrong_opens_nothing(world: World) -> None:
    ApiKey.objects.filter(pk=row(world, "partner").pk).update(revoked_at=now())
    refused(world, "partner")
    ApiKey.objects.filter(pk=row(world, "alice").pk).update(expires_at=now() - timedelta(seconds=1))
    refused(world, "alice")
    good = world.keys["bob"]
    for wrong in (good[:-1], good + "x", good.upper(), "hitl__", "hitl_a_b", "x", "hitl_\x00_b", "é"):
        world.keys["wrong"] = wrong
        assert get(world, "wrong", "cases").status_code == 401, wrong


def test_an_owner_who_left_takes_the_keys_with_them(world: World) -> None:
    Client.objects.filter(pk=world.client.pk).update(active=False)
    refused(world, "partner")
    Membership.objects.filter(user=world.users["bob"]).update(active=False)
    refused(world, "bob")
    User.objects.filter(pk=world.users["carol"].pk).update(is_active=False)
    refused(world, "carol")


def test_a_scope_not_given_is_refused_by_name(world: World) -> None:
    world.keys["reader"] = make_key(world, client=world.client, scopes=[Scope.CASES_READ])
    assert get(world, "reader", "cases").status_code == 200
    body = problem(post(world, "reader", "cases", world.case_body()), 403, "scope_required")
    assert "cases:write" in body["detail"]


def test_a_persons_key_never_exceeds_the_persons_role(world: World) -> None:
    assert set(row(world, "bob").scopes) == set(Scope)
    problem(post(world, "bob", "cases", world.case_body()), 403, "scope_required")


def test_a_key_has_its_limit_per_minute(world: World) -> None:
    ApiKey.objects.filter(pk=row(world, "partner").pk).update(requests_per_minute=3)
    answers = [get(world, "partner", "cases") for _ in range(8)]  # a new minute may begin once meanwhile
    assert answers[-1].status_code == 429 or answers[3].status_code == 429
    limited = next(a for a in answers if a.status_code == 429)
    problem(limited, 429, "rate_limited")
    assert 1 <= int(limited["Retry-After"]) <= 60
    assert get(world, "alice", "cases").status_code == 200


def test_a_case_granted_to_one_person_is_seen_by_that_person(world: World) -> None:
    case = world.submit(world.case_body(context={"complexity": 0.9}))
    problem(get(world, "bob", f"cases/{case['id']}"), 404, "not_found")
    assign_perm("view_case", world.users["bob"], Case.objects.get(pk=case["id"]))
    assert get(world, "bob", f"cases/{case['id']}").json()["id"] == case["id"]
    assert [c["id"] for c in get(world, "bob", "cases").json()["results"]] == [case["id"]]
    assert world.browser("bob").get(f"/cases/{case['id']}").status_code == 200
    problem(get(world, "carol", f"cases/{case['id']}"), 404, "not_found")
