"""What the page says when a lease is over: free, held by a colleague, decided; and no answer while it is sealed."""

from typing import Any

import pytest
from django.http import HttpResponse

from reviews.actions.expiry import expire_claims
from tests.api.support import claim, judge, lapse, verb
from tests.factories import World

HTMX = {"hx-request": "true"}


@pytest.fixture
def lease(world: World) -> dict[str, Any]:
    """Bob had a case; his time has run out."""
    world.queue.reveal_share = 1.0
    world.queue.save()
    world.submit()
    return claim(world, "bob")


def lose(lease: dict[str, Any]) -> None:
    lapse(lease)
    expire_claims()


def page(world: World, lease: dict[str, Any]) -> str:
    return world.browser("bob").get(f"/cases/{lease['case']['id']}").content.decode()


def late(world: World, lease: dict[str, Any]) -> HttpResponse:
    said = {"token": lease["token"], "label": "approve", "reasoning": "my reason"}
    return world.browser("bob").post(f"/claims/{lease['id']}/judgement", said, headers=HTMX)


def test_a_free_case_is_taken_back_with_one_click(world: World, lease: dict[str, Any]) -> None:
    lose(lease)
    assert "Nobody has taken the case." in page(world, lease)
    taken = world.browser("bob").post("/work/claim", {"case": lease["case"]["id"]})
    assert taken["location"] == f"/cases/{lease['case']['id']}"
    assert "Record first judgement" in page(world, lease)


def test_it_is_taken_back_even_before_a_sweep_has_returned_it(world: World, lease: dict[str, Any]) -> None:
    world.submit(world.case_body(external_id="another"))
    lapse(lease)
    assert "Nobody has taken the case." in late(world, lease).content.decode()
    taken = world.browser("bob").post("/work/claim", {"case": lease["case"]["id"]})
    assert taken["location"] == f"/cases/{lease['case']['id']}"


def test_a_case_that_a_colleague_holds_is_not_offered(world: World, lease: dict[str, Any]) -> None:
    lose(lease)
    claim(world, "carol")
    text = page(world, lease)
    assert "a colleague holds the case now" in text
    assert "Take it back" not in text


def test_their_decision_stands_beside_the_draft_once_one_has_judged(world: World, lease: dict[str, Any]) -> None:
    verb(world, "bob", lease, "first-judgement", label="approve")
    lose(lease)
    judge(world, "carol", claim(world, "carol"), "reject", reasoning="their reason")
    text = late(world, lease).content.decode()
    assert "Somebody else has decided this case" in text
    assert "Their decision" in text and "carol" in text and "my reason" in text


def test_before_ones_own_judgement_their_decision_is_not_named(world: World, lease: dict[str, Any]) -> None:
    lose(lease)
    judge(world, "carol", claim(world, "carol"), "reject")
    text = late(world, lease).content.decode()
    assert "Somebody else has decided this case" in text
    assert "Their decision" not in text and "carol" not in text
    assert "my reason" in text
