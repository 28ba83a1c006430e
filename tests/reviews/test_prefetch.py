"""The next case on a short lease: a full one and a running clock when shown, back in the queue when not."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from audit.models import Event
from hitl.core.clock import now
from reviews.actions.ahead import AHEAD_S
from reviews.actions.expiry import expire_claims
from reviews.actions.prefetch import show_prefetched
from reviews.models import Claim, Judgement, ReviewTask
from tests.api.support import claim, lapse, open_queue, use_policy, verb
from tests.api.test_sealing import ANSWERS, masked
from tests.factories import World


@pytest.fixture
def lease(world: World) -> dict[str, Any]:
    """Bob holds one of three cases."""
    world.queue.reveal_share = 1.0
    world.queue.save()
    for number in range(3):
        world.submit(world.case_body(external_id=f"app-{number}"))
    return claim(world, "bob")


def ask(world: World, lease: dict[str, Any], name: str = "bob") -> HttpResponse:
    return world.browser(name).post(f"/claims/{lease['id']}/next")


def ahead(world: World) -> Claim:
    return Claim.objects.get(user=world.users["bob"], prefetched=True)


def test_the_next_case_comes_as_its_page_on_a_lease_of_a_minute(world: World, lease: dict[str, Any]) -> None:
    page = ask(world, lease)
    taken = ahead(world)
    assert page.status_code == 200
    assert page["Hitl-Claim"] == str(taken.pk)
    assert page["Hitl-Next"] == f"/cases/{taken.review.case_id}"
    assert "Machine output sealed" in page.content.decode()
    assert taken.expires_at - taken.claimed_at == timedelta(seconds=AHEAD_S)
    assert taken.shown_at is None
    event = Event.objects.filter(action="review.claimed").latest("id")
    assert event.after["expires_at"][:19] == taken.expires_at.isoformat()[:19]


def test_asking_again_gives_the_same_case(world: World, lease: dict[str, Any]) -> None:
    assert ask(world, lease)["Hitl-Claim"] == ask(world, lease)["Hitl-Claim"]


def test_its_page_is_the_one_its_address_gives(world: World, lease: dict[str, Any]) -> None:
    early = ask(world, lease)
    late = world.browser("bob").get(early["Hitl-Next"])
    assert frame(early) == frame(late)


def frame(response: HttpResponse) -> str:
    """The part that the page takes over, without ids, times and tokens."""
    text = masked(response)[1].split("<main")[1].split("</main>")[0]
    return "".join(line for line in text.splitlines() if "csrf" not in line)


def test_recording_shows_it_with_a_full_lease_and_starts_its_clock(world: World, lease: dict[str, Any]) -> None:
    taken = uuid.UUID(ask(world, lease)["Hitl-Claim"])
    Claim.objects.filter(pk=taken).update(claimed_at=now() - timedelta(seconds=50))
    verb(world, "bob", lease, "first-judgement", label="reject")
    said = {"token": lease["token"], "label": "reject", "next": str(taken)}
    page = world.browser("bob").post(f"/claims/{lease['id']}/judgement", said, headers={"hx-request": "true"})
    shown = Claim.objects.get(pk=taken)
    assert page["Hitl-Next"] == f"/cases/{shown.review.case_id}"
    assert "Undo" in page.content.decode() and "1 today" in page.content.decode()
    assert shown.shown_at is not None
    assert shown.expires_at - shown.shown_at == timedelta(seconds=world.queue.lease_s)
    assert Event.objects.filter(action="review.shown").count() == 1
    verb(world, "bob", {"id": str(taken), "token": shown.token}, "first-judgement", label="reject")
    assert Judgement.objects.get(claim_id=taken).decision_time_s < 10


def test_one_that_was_not_shown_expires_and_is_free_for_others(world: World, lease: dict[str, Any]) -> None:
    ask(world, lease)
    taken = ahead(world)
    Claim.objects.filter(pk=taken.pk).update(expires_at=now() - timedelta(seconds=1))
    assert show_prefetched(actor=world.actor("bob"), claim_id=taken.pk) is False
    expire_claims()
    assert ReviewTask.objects.get(pk=taken.review_id).status == "waiting"
    said = {"token": lease["token"], "label": "reject", "next": str(taken.pk)}
    verb(world, "bob", lease, "first-judgement", label="reject")
    page = world.browser("bob").post(f"/claims/{lease['id']}/judgement", said, headers={"hx-request": "true"})
    assert "HX-Redirect" in page and "Hitl-Next" not in page


def test_the_cap_holds(world: World, lease: dict[str, Any]) -> None:
    world.queue.max_open_claims = 1
    world.queue.save()
    assert ask(world, lease).status_code == 204
    assert Claim.objects.filter(status="open").count() == 1


def test_one_who_is_not_available_gets_none(world: World, lease: dict[str, Any]) -> None:
    world.users["bob"].reviewer_profiles.update(available=False)
    assert ask(world, lease).status_code == 204


def test_another_case_already_held_comes_before_a_new_one(world: World, lease: dict[str, Any]) -> None:
    second = claim(world, "bob")
    assert ask(world, lease)["Hitl-Claim"] == second["id"]
    assert not Claim.objects.filter(prefetched=True).exists()


def test_leaving_the_page_does_not_strand_it(world: World, lease: dict[str, Any]) -> None:
    ask(world, lease)
    bob = world.browser("bob")
    assert str(ahead(world).review.case_id) not in bob.get("/work").content.decode()
    assert bob.post("/work/claim")["location"] == f"/cases/{ahead(world).review.case_id}"


def test_a_claim_that_is_over_brings_nothing(world: World, lease: dict[str, Any]) -> None:
    lapse(lease)
    assert ask(world, lease).status_code == 204
    expire_claims()
    assert ask(world, lease).status_code == 204


def test_only_the_holder_asks(world: World, lease: dict[str, Any]) -> None:
    assert ask(world, lease, "carol").status_code == 404


def test_a_prefetched_page_is_sealed_whatever_the_machine_said(world: World) -> None:
    use_policy(world, rollout=True, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    pages = {name: prefetched_page(world, prediction) for name, prediction in ANSWERS.items()}
    assert len(set(pages.values())) == 1


def prefetched_page(world: World, prediction: dict[str, Any] | None) -> str:
    """Of the second of two cases with this answer; rolled back afterwards."""
    plain = {k: v for k, v in world.case_body(subject="s").items() if k != "prediction"}
    with transaction.atomic():
        for name in ("held", "next"):
            world.submit(plain | {"external_id": name} | ({"prediction": prediction} if prediction else {}))
        page = ask(world, claim(world, "bob"))
        transaction.set_rollback(True)
    assert page.status_code == 200
    return frame(page)


def test_in_an_open_queue_the_page_is_the_open_one(world: World) -> None:
    open_queue(world)
    for _ in range(2):
        world.submit()
    assert "Machine suggests" in ask(world, claim(world, "bob")).content.decode()
