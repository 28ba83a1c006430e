"""A thousand responses to a reviewer who has not judged: nothing in any of them depends on what the machine said.

Pages, htmx partials, JSON, refusals and prefetched pages of cases that differ in the machine's output alone must be
equal once ids and times are masked.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from hitl.core.clock import now
from reviews.models import Claim
from tests.api.support import claim, post, use_policy, verb
from tests.api.test_sealing import ANSWERS, compare, everywhere, masked, nearby
from tests.factories import World

pytestmark = pytest.mark.soak
CURSOR = r"(?<=\"next\":\")[\w-]{22}|(?<=cursor=)[\w-]{22}"
HTMX = {"hx-request": "true"}
BETRAYING = ("credit-1", "credit-9", "Machine suggests", "probabilities", "threshold", "calibrated")


def calm(response: HttpResponse) -> tuple[int, str]:
    """Masked, without the tokens of forms."""
    status, text = masked(response)
    return status, "\n".join(line for line in text.splitlines() if "csrf" not in line)


def partials(world: World, lease: dict[str, Any]) -> Iterator[tuple[str, tuple[int, str]]]:
    """What htmx gets while the case is sealed: refusals with the draft, notes, the lease, the next case, the loss."""
    bob = world.browser("bob")
    token = {"token": lease["token"]}
    of_claim, of_case = f"/claims/{lease['id']}", f"/cases/{lease['case']['id']}"
    for label in ("approve", "reject", "no-such-label", ""):
        said = token | {"label": label, "reasoning": "because", "override_category": "other"}
        yield f"final too early, {label}", calm(bob.post(f"{of_claim}/judgement", said, headers=HTMX))
        yield f"final too early, {label}, page", calm(bob.post(f"{of_claim}/judgement", said))
    for label in ("no-such-label", ""):
        yield (
            f"wrong first, {label}",
            calm(bob.post(f"{of_claim}/first-judgement", token | {"label": label}, headers=HTMX)),
        )
    yield "lease", calm(bob.post(f"{of_claim}/renew", token, headers=HTMX))
    yield "lost lease", calm(bob.post(f"{of_claim}/renew", {"token": "gone"}, headers=HTMX))
    for text in ("seen", ""):
        yield f"note “{text}”", calm(bob.post(f"{of_case}/notes", {"text": text}, headers=HTMX))
    yield "notes", calm(world.api("bob").get(f"/api/v1{of_case}/notes"))
    yield "course", calm(world.api("bob").get(f"/api/v1{of_case}/interactions"))
    report = {"ms": 5, "events": [{"kind": "shown", "ms": 0}]}
    yield "report", calm(post(world, "bob", f"claims/{lease['id']}/interactions", report))
    for name in ("bob", "carol"):
        for headers in ({}, HTMX):
            yield f"page, {name}, {headers}", calm(world.browser(name).get(of_case, headers=headers))
    yield "work", calm(bob.get("/work"))
    ahead = bob.post(f"{of_claim}/next")
    assert ahead.status_code == 200
    yield "prefetched", (200, calm(ahead)[1].split("<main")[1])
    yield "prefetched, its address", calm(bob.get(ahead["Hitl-Next"]))
    Claim.objects.filter(pk=lease["id"]).update(expires_at=now())
    yield "lost", calm(bob.get(of_case))
    late = bob.post(f"{of_claim}/first-judgement", token | {"label": "reject"}, headers=HTMX)
    yield "too late", calm(late)


def scan(world: World, prediction: dict[str, Any] | None, *, arm: float) -> dict[str, tuple[int, str]]:
    """All that Bob and Carol are told of a case before they judge; rolled back afterwards."""
    seen: dict[str, tuple[int, str]] = {}
    world.queue.reveal_share = arm
    world.queue.save()
    plain = {k: v for k, v in world.case_body(subject="s").items() if k != "prediction"}
    said = {"prediction": prediction} if prediction else {}
    with transaction.atomic():
        case_id = world.submit(plain | said | {"external_id": "x"})["id"]
        world.submit(plain | said | {"external_id": "y"})
        values = {"case_id": case_id, "slug": "loans"}
        seen |= {f"waiting, Bob: {k}": v for k, v in nearby(world, "bob", values)}
        lease = claim(world, "bob")
        values |= {"case_id": lease["case"]["id"], "claim_id": lease["id"]}
        for name in ("bob", "carol"):
            seen |= {f"held, {name}: {k}": v for k, v in everywhere(world, name, values)}
        seen["the claim"] = calm(world.api("bob").get(f"/api/v1/claims/{lease['id']}"))
        seen["too early"] = masked(verb(world, "bob", lease, "judgement", label="reject"))
        seen |= {f"partial: {k}": v for k, v in partials(world, lease)}
        transaction.set_rollback(True)
    return {key: (status, re.sub(CURSOR, "CURSOR", text)) for key, (status, text) in seen.items()}


def test_a_thousand_responses_before_the_first_judgement_say_nothing_of_the_machine(world: World) -> None:
    use_policy(world, rollout=True, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    looked = 0
    for arm in (0.0, 1.0):
        pictures = {name: scan(world, prediction, arm=arm) for name, prediction in ANSWERS.items()}
        looked += sum(len(picture) for picture in pictures.values())
        first = pictures.pop("unsure, approve")
        for name, other in pictures.items():
            compare(first, other, f"{name}, arm {arm}")
        hits = [(k, word) for k, (_, text) in first.items() if "/cases" in k for word in BETRAYING if word in text]
        assert not hits
    assert looked >= 1000, looked
