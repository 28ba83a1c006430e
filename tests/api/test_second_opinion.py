"""A second opinion on request, blind (docs/schemes.md)."""

from typing import Any

from reviews.actions.sla import expire_slas
from reviews.models import Case, Judgement, ReviewTask
from tests.api.support import claim, get, judge, overdue, post, problem, verb
from tests.factories import World


def ask(world: World, name: str, lease: dict[str, Any], **body: Any) -> Any:
    return verb(world, name, lease, "second-opinion", **body)


def test_another_person_judges_and_the_asker_hears_it_after_judging(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert ask(world, "bob", lease).status_code == 201
    theirs = claim(world, "carol")
    assert theirs["case"]["id"] == case["id"]
    judge(world, "carol", theirs, "reject", reasoning="zanzibar")
    for path in (f"claims/{lease['id']}", f"cases/{case['id']}"):
        assert "zanzibar" not in get(world, "bob", path).content.decode()
    assert "zanzibar" not in world.browser("bob").get(f"/cases/{case['id']}").content.decode()
    told = verb(world, "bob", lease, "first-judgement", label="approve").json()
    assert [(o["title"], o["label"], o["reasoning"]) for o in told["others"]] == [
        ("Second opinion", "reject", "zanzibar")
    ]
    assert "zanzibar" in world.browser("bob").get(f"/cases/{case['id']}").content.decode()
    decided = verb(world, "bob", lease, "judgement", label="reject").json()
    assert (decided["status"], decided["decision"]["label"]) == ("decided", "reject")
    assert Judgement.objects.filter(case_id=case["id"], stage="final").count() == 2


def test_who_waits_gets_the_case_back_before_all_others(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert ask(world, "bob", lease, wait=True).json()["waiting"] is True
    assert post(world, "bob", "reviews/claim").status_code == 204, "parked, and one's own opinion is no opinion"
    judge(world, "carol", claim(world, "carol"), "reject")
    world.submit(world.case_body(context={"amount": 1}))
    again = claim(world, "bob")
    assert (again["case"]["id"], again["review"]["id"]) == (case["id"], lease["review"]["id"])


def test_an_opinion_nobody_gives_in_time_lets_the_asker_go_on(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    ask(world, "bob", lease, wait=True)
    overdue(case)
    expire_slas()
    assert ReviewTask.objects.get(case_id=case["id"], kind="opinion").status == "cancelled"
    assert claim(world, "bob")["review"]["id"] == lease["review"]["id"]


def test_deciding_first_ends_the_opinion_still_to_come(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    ask(world, "bob", lease)
    theirs = claim(world, "carol")
    decided = judge(world, "bob", lease, "approve")
    assert (decided["status"], decided["review"]) == ("decided", None)
    assert not ReviewTask.objects.filter(case_id=case["id"], status__in=["waiting", "claimed"]).exists()
    problem(verb(world, "carol", theirs, "first-judgement", label="reject"), 409, "claim_lost")


def test_once_only_and_not_where_others_judge_anyway(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    ask(world, "bob", lease)
    problem(ask(world, "bob", lease), 409, "already_asked")
    problem(ask(world, "carol", lease), 404, "not_found")
    problem(post(world, "bob", f"claims/{lease['id']}/second-opinion", {"token": "x"}), 409, "claim_lost")
    world.queue.scheme = {"kind": "blind_double"}
    world.queue.save()
    world.submit()
    seat = claim(world, "dave")
    while seat["review"].get("scheme") is None:
        judge(world, "dave", seat, "approve")
        seat = claim(world, "dave")
    problem(ask(world, "dave", seat), 409, "judged_by_several")


def test_an_opinion_is_taken_back_only_while_unread(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    ask(world, "bob", lease)
    judge(world, "carol", claim(world, "carol"), "reject", "?undo_seconds=60")
    said = Judgement.objects.get(stage="final", case_id=case["id"])
    verb(world, "bob", lease, "first-judgement", label="approve")
    problem(post(world, "carol", f"judgements/{said.pk}/undo"), 409, "too_late")


def test_the_page_has_a_button_that_asks_and_waits(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    bob = world.browser("bob")
    assert "Second opinion" in bob.get(f"/cases/{case['id']}").content.decode()
    sent = bob.post(f"/claims/{lease['id']}/second-opinion", {"token": lease["token"], "wait": "1"})
    assert sent["location"] == "/work"
    assert Case.objects.get(pk=case["id"]).status == "in_review"
