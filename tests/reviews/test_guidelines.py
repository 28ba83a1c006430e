"""Guidelines: immutable versions, in force per queue from a time, acknowledged before the next claim, pinned."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from hitl.core.clock import now
from hitl.core.errors import Forbidden, NotFound, Refused
from reviews.actions.guidelines import (
    acknowledge_guideline,
    close_request,
    put_in_force,
    request_change,
    write_guideline,
)
from reviews.guidelines import difference, render
from reviews.models import GuidelineUse, GuidelineVersion, Judgement
from tests.api.support import claim, get, judge, post, problem
from tests.factories import World, make_world


def write(world: World, text: str = "# Income\n\nAt least 50000.", note: str = "first") -> GuidelineVersion:
    return write_guideline(actor=world.actor("alice"), task_type=world.task_type, title="Loans", text=text, note=note)


def force(world: World, version: GuidelineVersion, **more: object) -> GuidelineUse:
    return put_in_force(actor=world.actor("alice"), version=version, queue=world.queue, **more)  # type: ignore[arg-type]


def test_a_claim_is_refused_until_the_version_in_force_is_acknowledged(world: World) -> None:
    world.submit()
    version = write(world)
    force(world, version)
    refused = problem(post(world, "bob", "reviews/claim", {}), 409, "guideline_unacknowledged")
    assert refused["queue"] == "loans" and "/queues/loans/guideline" in refused["detail"]
    shown = get(world, "bob", "queues/loans/guideline").json()
    assert (shown["number"], shown["acknowledged"], shown["must_acknowledge"]) == (1, False, True)
    body = {"version": shown["id"]}
    assert post(world, "bob", "queues/loans/guideline/acknowledge", body).json()["acknowledged"]
    judge(world, "bob", claim(world, "bob"), "reject")
    assert set(Judgement.objects.values_list("guideline_id", flat=True)) == {version.pk}


def test_a_change_asks_again_and_shows_what_changed(world: World) -> None:
    force(world, write(world))
    acknowledge_guideline(actor=world.actor("bob"), queue=world.queue)
    world.submit()
    held = claim(world, "bob")
    second = write(world, "# Income\n\nAt least 60000.", "raised")
    force(world, second)
    problem(post(world, "bob", "reviews/claim", {}), 409, "guideline_unacknowledged")
    page = world.browser("bob").get("/queues/loans/guideline").content.decode()
    assert "<del>" in page and "50000" in page and "<ins>" in page and "60000" in page and "raised" in page
    judge(world, "bob", held, "reject")
    assert Judgement.objects.first().guideline.number == 1, "what lay beside the case when it was claimed"
    assert "loans is new or has changed" in world.browser("bob").get("/work").content.decode()
    assert world.browser("bob").post("/queues/loans/guideline")["location"] == "/work"
    assert post(world, "bob", "reviews/claim", {}).status_code == 204


def test_it_is_in_force_from_its_time_and_only_there(world: World) -> None:
    world.submit()
    force(world, write(world), from_at=now() + timedelta(hours=1))
    assert get(world, "bob", "queues/loans/guideline").status_code == 404
    assert post(world, "bob", "reviews/claim", {}).status_code == 200


def test_where_it_need_not_be_acknowledged_nobody_is_held_up(world: World) -> None:
    world.submit()
    force(world, write(world), must_acknowledge=False)
    lease = claim(world, "bob")
    page = world.browser("bob").get(f"/cases/{lease['case']['id']}").content.decode()
    assert "At least 50000" in page and "Loans, version 1" in page


def test_versions_never_change(world: World) -> None:
    version = write(world)
    assert write(world).pk == version.pk, "the same text is the same version"
    with pytest.raises(DatabaseError), transaction.atomic():
        GuidelineVersion.objects.filter(pk=version.pk).update(text="other")


def test_who_may_write_and_read(world: World) -> None:
    version = write(world)
    with pytest.raises(Forbidden):
        write_guideline(actor=world.actor("bob"), task_type=world.task_type, title="x", text="x", note="x")
    stranger = make_world("globex")
    with pytest.raises(NotFound):
        put_in_force(actor=stranger.actor("alice"), version=version, queue=stranger.queue)
    with pytest.raises(Refused) as missing:
        write_guideline(actor=world.actor("alice"), task_type=world.task_type, title="", text="", note="")
    assert {e.pointer for e in missing.value.errors} == {"/title", "/text", "/note"}
    assert get(world, "bob", "task-types/loan/guidelines").json()["results"][0]["number"] == 1
    assert get(stranger, "bob", "task-types/loan/guidelines").json()["results"] == []


def test_a_supervisor_writes_and_puts_in_force_on_the_pages(world: World) -> None:
    alice = world.browser("alice")
    written = alice.post("/guidelines/loan", {"title": "Loans", "text": "Look.", "note": "first"})
    assert written["location"] == "/guidelines/loan/versions/1"
    assert alice.post("/guidelines/loan/versions/1", {"queue": "loans", "must_acknowledge": "on"}).status_code == 302
    assert GuidelineUse.objects.get().queue == world.queue
    assert "Version 1" in alice.get("/guidelines/loan").content.decode()


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "[a](javascript:alert(1))", "![x](http://evil/x.png)", '<a onclick="x">y</a>'],
)
def test_a_guideline_cannot_carry_code(text: str) -> None:
    html = render(text).html
    for bad in ("<script", 'href="javascript', "<img", "<a onclick"):
        assert bad not in html


def test_headings_get_anchors_below_the_pages_own() -> None:
    shown = render("# Income rules\n\n## Details\n\n|a|b|\n|:-|-:|\n|1|2|")
    assert [s.anchor for s in shown.sections] == ["g1-income-rules", "g2-details"]
    assert '<h3 id="g1-income-rules">' in shown.html and "style=" not in shown.html
    assert [line.kind for line in difference("a\nb", "a\nc")] == ["same", "removed", "added"]


def test_a_change_can_be_asked_for_and_is_answered(world: World) -> None:
    asked = request_change(actor=world.actor("bob"), task_type=world.task_type, text="What of part-time work?")
    with pytest.raises(Forbidden):
        close_request(actor=world.actor("bob"), request_id=asked.pk, done=True, answer="added")
    assert close_request(actor=world.actor("alice"), request_id=asked.pk, done=True, answer="added").status == "done"
