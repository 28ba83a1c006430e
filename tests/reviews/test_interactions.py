"""The course of a judgement: reported by the page, bounded, placed on the server's clock, read by supervisors."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from hitl.core.clock import now
from reviews.models import Claim, Interactions
from tests.api.support import claim, get, judge, post, problem
from tests.factories import World

SHOWN = {"kind": "shown", "ms": 0}


@pytest.fixture
def lease(world: World) -> dict[str, Any]:
    world.queue.reveal_share = 1.0
    world.queue.save()
    world.submit()
    return claim(world, "bob")


def report(world: World, lease: dict[str, Any], *events: dict[str, Any], ms: int = 1000) -> HttpResponse:
    return post(world, "bob", f"claims/{lease['id']}/interactions", {"ms": ms, "events": list(events)})


def test_a_course_is_replayed_with_the_judgements_in_it(world: World, lease: dict[str, Any]) -> None:
    opened = {"kind": "evidence_opened", "ms": 400, "about": "block-income"}
    assert report(world, lease, SHOWN, opened).json() == {"accepted": 2}
    judge(world, "bob", lease, "reject")
    (course,) = get(world, "alice", f"cases/{lease['case']['id']}/interactions").json()["results"]
    assert [e["kind"] for e in course["events"]] == ["shown", "evidence_opened", "judgement", "judgement"]
    assert course["events"][1] == {"kind": "evidence_opened", "ms": 400, "about": "block-income"}
    assert [e.get("stage") for e in course["events"][2:]] == ["first", "final"]
    assert (course["reviewer"], course["visibility"], course["guideline_version"]) == ("bob", "after", None)
    page = world.browser("erin").get(f"/cases/{lease['case']['id']}/interactions").content.decode()
    assert "Opened evidence" in page and "First judgement: Reject" in page


def test_a_page_loaded_again_goes_on_where_it_was_on_the_servers_clock(world: World, lease: dict[str, Any]) -> None:
    report(world, lease, SHOWN)
    Interactions.objects.update(started_at=now() - timedelta(seconds=30))
    report(world, lease, SHOWN, ms=0)
    first, again = Interactions.objects.get().events
    assert first["ms"] == 0
    assert 29_000 <= again["ms"] <= 60_000


def test_what_was_typed_cannot_be_sent(world: World, lease: dict[str, Any]) -> None:
    problem(report(world, lease, SHOWN | {"text": "secret"}), 400, "invalid_input")
    problem(report(world, lease, SHOWN | {"about": "I think it is fraud!"}), 400, "invalid_input")
    problem(report(world, lease, {"kind": "keystroke", "ms": 1}), 400, "invalid_input")


def test_size_and_number_are_bounded(world: World, lease: dict[str, Any]) -> None:
    problem(report(world, lease, *[SHOWN] * 51), 400, "invalid_input")
    problem(report(world, lease), 400, "invalid_input")
    problem(report(world, lease, SHOWN, ms=-1), 400, "invalid_input")
    Interactions.objects.create(
        claim_id=lease["id"],
        workspace=world.workspace,
        case_id=lease["case"]["id"],
        started_at=now(),
        events=[SHOWN] * 480,
    )
    assert report(world, lease, *[SHOWN] * 50).json() == {"accepted": 20}
    assert report(world, lease, SHOWN).json() == {"accepted": 0}
    assert len(Interactions.objects.get().events) == 500


def test_a_claim_that_ended_long_ago_takes_nothing_more(world: World, lease: dict[str, Any]) -> None:
    judge(world, "bob", lease, "reject")
    assert report(world, lease, {"kind": "recorded", "ms": 900}).status_code == 200
    Claim.objects.update(closed_at=now() - timedelta(minutes=11))
    problem(report(world, lease, SHOWN), 409, "claim_closed")


def test_nobody_reports_for_another_person_or_reads_before_judging(world: World, lease: dict[str, Any]) -> None:
    path = f"claims/{lease['id']}/interactions"
    problem(post(world, "carol", path, {"ms": 0, "events": [SHOWN]}), 404, "not_found")
    assert get(world, "bob", f"cases/{lease['case']['id']}/interactions").status_code == 403
    assert world.browser("bob").get(f"/cases/{lease['case']['id']}/interactions").status_code == 403


def test_judging_without_a_course_writes_none(world: World, lease: dict[str, Any]) -> None:
    judge(world, "bob", lease, "reject")
    assert not Interactions.objects.exists()
