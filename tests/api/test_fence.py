"""The token is the fence: whoever lost the lease changes nothing and loses no word (mission C2)."""

from typing import Any

import pytest

from reviews.actions.expiry import expire_claims
from tests.api.support import claim, get, judge, lapse, post, problem, table_counts, verb
from tests.factories import World

WORDS: dict[str, dict[str, Any]] = {
    "renew": {},
    "release": {"reason": "x"},
    "skip": {"reason": "x"},
    "escalate": {"reason": "x"},
    "first-judgement": {"label": "approve", "confidence": 0.9},
    "judgement": {"label": "approve", "reasoning": "steady income", "confidence": 0.9, "adjustments": {"limit": 5}},
}


def lost(world: World, lease: dict[str, Any]) -> None:
    """Every word on this lease is refused and changes nothing; judgements come back in the refusal."""
    before = table_counts()
    for what, body in WORDS.items():
        refused = problem(verb(world, "bob", lease, what, **body), 409, "claim_lost")
        if "judgement" in what:
            assert refused["submitted"] | body == refused["submitted"]
    assert table_counts() == before


def first_said(world: World, lease: dict[str, Any]) -> None:
    assert verb(world, "bob", lease, "first-judgement", label="approve", confidence=0.9).status_code == 200


@pytest.mark.parametrize("swept", [False, True])
def test_after_the_lease_has_run_out_every_word_is_refused(world: World, swept: bool) -> None:
    world.submit()
    lease = claim(world, "bob")
    first_said(world, lease)
    lapse(lease)
    assert not swept or expire_claims() == 1
    lost(world, lease)


def test_a_wrong_token_is_a_lost_claim(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    first_said(world, lease)
    lost(world, lease | {"token": "x" * 43})
    assert verb(world, "bob", lease, "renew").status_code == 200


def test_the_old_token_means_nothing_after_another_took_the_review(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    first_said(world, lease)
    lapse(lease)
    expire_claims()
    other = claim(world, "carol")
    assert other["review"]["id"] == lease["review"]["id"]
    lost(world, lease)
    lost(world, lease | {"token": other["token"]})
    judge(world, "carol", other, "reject")
    lost(world, lease)
    assert get(world, "partner", f"cases/{case['id']}").json()["decision"]["label"] == "reject"


def test_the_same_person_needs_the_new_token_after_reclaiming(world: World) -> None:
    world.submit()
    old = claim(world, "bob")
    first_said(world, old)
    lapse(old)
    expire_claims()
    new = claim(world, "bob")
    assert new["token"] != old["token"]
    lost(world, old)
    lost(world, new | {"token": old["token"]})


def test_a_cancelled_case_takes_the_lease_with_it(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    first_said(world, lease)
    assert post(world, "partner", f"cases/{case['id']}/cancel").status_code == 200
    lost(world, lease)


def test_nobody_else_can_use_a_claim_not_even_with_its_token(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    for name in ("carol", "alice", "dave"):
        for what, body in WORDS.items():
            problem(verb(world, name, lease, what, **body), 404, "not_found")


def test_expiry_returns_the_review_and_leaves_live_leases_alone(world: World) -> None:
    cases = [world.submit(), world.submit()]
    gone, live = claim(world, "bob"), claim(world, "bob")
    lapse(gone)
    assert expire_claims() == 1
    assert expire_claims() == 0
    states = {c["id"]: get(world, "partner", f"cases/{c['id']}").json()["status"] for c in cases}
    assert states == {gone["case"]["id"]: "pending", live["case"]["id"]: "in_review"}
    assert verb(world, "bob", live, "renew").status_code == 200
