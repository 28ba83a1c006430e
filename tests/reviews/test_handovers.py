"""Snooze, transfer, return, questions and conflicts of interest through REST (mission C3)."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import Event
from hitl.core.clock import now, rfc3339
from reviews.actions.expiry import expire_claims
from reviews.actions.handovers import wake_snoozed
from reviews.actions.sla import expire_slas
from reviews.models import Case, Exclusion, Handover, Reviewer, ReviewTask
from tests.api.support import claim, get, judge, lapse, open_queue, overdue, post, problem, verb
from tests.factories import World


def later(**distance: int) -> str:
    return rfc3339(now() + timedelta(**distance)) or ""


def nothing_for(world: World, name: str) -> bool:
    return post(world, name, "reviews/claim").status_code == 204


def events(case: dict[str, Any]) -> list[str]:
    return list(Event.objects.filter(case_id=case["id"]).order_by("id").values_list("action", flat=True))


# --- snooze -----------------------------------------------------------------------------------------------------------


def test_a_snoozed_review_is_offered_to_nobody_until_its_time_and_then_comes_back_by_itself(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "snooze", until=later(hours=1), reason="papers asked for").status_code == 200
    assert nothing_for(world, "bob")
    assert nothing_for(world, "carol")
    assert wake_snoozed() == 0
    assert get(world, "partner", f"cases/{case['id']}").json()["review"]["due_at"] == case["review"]["due_at"]
    ReviewTask.objects.update(snoozed_until=now())
    assert wake_snoozed() == 1
    assert wake_snoozed() == 0
    assert claim(world, "carol")["case"]["id"] == case["id"]
    assert events(case)[1:] == ["review.claimed", "review.snoozed", "review.woken", "review.claimed"]


def test_a_snooze_for_oneself_comes_back_to_oneself_alone(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "snooze", until=later(hours=1), reason="I asked", to_me=True)
    ReviewTask.objects.update(snoozed_until=now())
    wake_snoozed()
    assert nothing_for(world, "carol")
    assert claim(world, "bob")["case"]["id"] == case["id"]


def test_the_clock_runs_on_while_snoozed_and_what_is_due_wakes(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "snooze", until=later(days=2), reason="later", to_me=True)
    overdue(case)
    assert expire_slas() == 1
    assert claim(world, "carol")["case"]["id"] == case["id"]


def test_nothing_overdue_is_put_off(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    overdue(case)
    problem(verb(world, "bob", lease, "snooze", until=later(hours=1), reason="x"), 409, "overdue")


@pytest.mark.parametrize("until", [{"seconds": -5}, {"days": 31}], ids=["past", "too far"])
def test_a_snooze_ends_in_the_future_and_within_a_month(world: World, until: dict[str, int]) -> None:
    world.submit()
    lease = claim(world, "bob")
    found = problem(verb(world, "bob", lease, "snooze", until=later(**until), reason="x"), 400, "invalid_input")
    assert found["errors"][0]["pointer"] == "/until"
    assert get(world, "bob", f"claims/{lease['id']}").json()["claim"]["status"] == "open"


def test_a_lost_lease_cannot_be_snoozed(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    lapse(lease)
    problem(verb(world, "bob", lease, "snooze", until=later(hours=1), reason="x"), 409, "claim_lost")
    expire_claims()
    assert ReviewTask.objects.get().status == "waiting"


def test_a_cancelled_case_takes_its_snoozed_review_along(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "snooze", until=later(hours=1), reason="x")
    assert post(world, "partner", f"cases/{case['id']}/cancel").status_code == 200
    assert ReviewTask.objects.get().status == "cancelled"


# --- transfer and return ----------------------------------------------------------------------------------------------


def test_a_colleague_sees_what_was_transferred_to_them_before_anything_else(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    first = world.submit(
        world.case_body(prediction={"label": "approve", "confidence": 0.5, "model_version": "credit-1"})
    )
    names = [p["username"] for p in get(world, "bob", f"claims/{lease['id']}/colleagues").json()["results"]]
    assert names == ["carol", "dave"]
    assert verb(world, "bob", lease, "transfer", to="carol", note="you know these").status_code == 200
    assert nothing_for(world, "dave") is False  # the other case, never the transferred one
    mine = claim(world, "carol")
    assert mine["case"]["id"] == case["id"]
    assert [(h["kind"], h["by"], h["to"], h["note"]) for h in mine["review"]["handovers"]] == [
        ("transferred", "bob", "carol", "you know these")
    ]
    assert ReviewTask.objects.get(case_id=first["id"]).status == "claimed"


def test_a_lapsed_lease_on_what_was_assigned_waits_for_the_same_person(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "transfer", to="carol", note="yours")
    lapse(claim(world, "carol"))
    expire_claims()
    assert nothing_for(world, "bob")
    assert claim(world, "carol")["case"]["id"] == case["id"]


def test_what_one_puts_back_is_open_to_all_again(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "transfer", to="carol", note="yours")
    verb(world, "carol", claim(world, "carol"), "release")
    assert claim(world, "bob")["case"]["id"] == case["id"]


@pytest.mark.parametrize("name", ["erin", "bob", "nobody-we-know", "mallory"])
def test_nobody_unqualified_is_given_a_case(world: World, name: str) -> None:
    world.submit()
    lease = claim(world, "bob")
    problem(verb(world, "bob", lease, "transfer", to=name, note="x"), 422, "not_qualified")
    assert get(world, "bob", f"claims/{lease['id']}").json()["claim"]["status"] == "open"


def test_a_transfer_to_another_queue_moves_the_case_there_with_the_same_due_time(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "transfer", queue="loans-expert", note="too hard").status_code == 200
    moved = get(world, "partner", f"cases/{case['id']}").json()
    assert (moved["routing"]["queue"], moved["review"]["due_at"]) == ("loans-expert", case["review"]["due_at"])
    assert claim(world, "dave", queue="loans-expert")["case"]["id"] == case["id"]
    assert Case.history.filter(id=case["id"], queue_id=world.expert_queue.pk).exists()


def test_a_case_whose_action_waits_for_approval_never_comes_to_a_judge_first_queue(world: World) -> None:
    open_queue(world)
    body = {"type": "pay", "parameters": {}, "reversible": False}
    world.submit(world.sure_case_body(proposed_action=body))
    lease = claim(world, "bob")
    problem(verb(world, "bob", lease, "transfer", queue="loans-expert", note="x"), 422, "queue_not_suitable")


def test_a_transferred_case_is_returned_to_whom_it_came_from_with_the_reason(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "transfer", to="carol", note="yours?")
    assert verb(world, "carol", claim(world, "carol"), "return", reason="not mine").status_code == 200
    assert nothing_for(world, "dave")
    back = claim(world, "bob")
    assert back["case"]["id"] == case["id"]
    assert [(h["kind"], h["note"]) for h in back["review"]["handovers"]] == [
        ("transferred", "yours?"),
        ("returned", "not mine"),
    ]


def test_a_case_nobody_handed_on_cannot_be_returned(world: World) -> None:
    world.submit()
    problem(verb(world, "bob", claim(world, "bob"), "return", reason="x"), 409, "nothing_to_return")


def test_whoever_lost_the_right_meanwhile_gets_nothing_back_but_their_queue_does(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "transfer", to="carol", note="yours?")
    lease = claim(world, "carol")
    Exclusion.objects.create(
        workspace=world.workspace, case_id=case["id"], user=world.users["bob"], reason="conflict", created_at=now()
    )
    assert verb(world, "carol", lease, "return", reason="not mine").status_code == 200
    assert nothing_for(world, "bob")
    assert claim(world, "dave")["case"]["id"] == case["id"]


# --- questions --------------------------------------------------------------------------------------------------------


def test_a_question_goes_up_with_the_case_and_its_answer_comes_back(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "escalate", question="Is this income plausible?").status_code == 200
    up = claim(world, "dave", queue="loans-expert")
    assert [h["note"] for h in up["review"]["handovers"]] == ["Is this income plausible?"]
    assert verb(world, "dave", up, "answer", answer="Yes, see page 2").status_code == 200
    problem(verb(world, "dave", up, "answer", answer="again"), 409, "no_question")
    heard = get(world, "bob", "handovers").json()["results"][0]
    assert (heard["answer"], heard["answered_by"]) == ("Yes, see page 2", "dave")
    page = world.browser("bob").get("/handovers").content.decode()
    assert "Yes, see page 2" in page
    assert "Yes, see page 2" not in world.browser("carol").get("/handovers").content.decode()
    judge(world, "dave", up, "approve")
    assert "review.question_answered" in events(case)


def test_an_expert_may_answer_by_handing_the_case_back_to_whoever_asked(world: World) -> None:
    case = world.submit()
    verb(world, "bob", claim(world, "bob"), "escalate", question="Plausible?")
    up = claim(world, "dave", queue="loans-expert")
    assert verb(world, "dave", up, "return", reason="Yes. Go on.").status_code == 200
    back = claim(world, "bob")
    assert back["case"]["id"] == case["id"]
    assert [(h["kind"], h["note"]) for h in back["review"]["handovers"]] == [
        ("escalated", "Plausible?"),
        ("returned", "Yes. Go on."),
    ]
    assert Handover.objects.get(kind="escalated").answer == "Yes. Go on."


def test_a_note_by_somebody_who_saw_the_machines_answer_is_sealed_as_long_as_that_answer(world: World) -> None:
    world.submit()
    world.queue.reveal_share = 1.0
    world.queue.save()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="reject")
    verb(world, "bob", lease, "transfer", to="carol", note="the machine says approve")
    mine = claim(world, "carol")
    assert [h["note"] for h in mine["review"]["handovers"]] == [None]
    assert "the machine says" not in world.browser("carol").get(f"/cases/{mine['case']['id']}").content.decode()
    assert get(world, "carol", "handovers").json()["results"][0]["note"] is None
    verb(world, "carol", mine, "first-judgement", label="reject")
    opened = get(world, "carol", f"claims/{mine['id']}").json()["claim"]
    assert [h["note"] for h in opened["review"]["handovers"]] == ["the machine says approve"]


# --- exclusions -------------------------------------------------------------------------------------------------------


def test_who_is_too_close_to_a_subject_never_gets_it_again_and_others_do(world: World) -> None:
    case = world.submit(world.case_body(subject="neighbour"))
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "conflict-of-interest", note="lives next door").status_code == 200
    assert Exclusion.objects.get().reason == "conflict"
    assert Reviewer.objects.get(user=world.users["bob"]).subject_ids == ["neighbour"]
    assert Reviewer.history.filter(user_id=world.users["bob"].pk, subject_ids=["neighbour"]).exists()
    world.submit(world.case_body(subject="neighbour"))
    assert nothing_for(world, "bob")
    assert claim(world, "carol")["case"]["id"] == case["id"]


def test_a_conflict_may_concern_one_case_only(world: World) -> None:
    world.submit(world.case_body(subject="neighbour"))
    verb(world, "bob", claim(world, "bob"), "conflict-of-interest", remember=False)
    second = world.submit(world.case_body(subject="neighbour"))
    assert claim(world, "bob")["case"]["id"] == second["id"]


def exclude(world: World, reason: str, name: str) -> dict[str, Any]:
    """A case that this person may not judge, for that reason."""
    user, subject = world.users[name], f"friend of {name}"
    if reason == "subject":
        Reviewer.objects.filter(user=user).update(subject_ids=[subject])
    case = world.submit(world.case_body(subject=subject))
    if reason == "own case":
        ReviewTask.objects.filter(case_id=case["id"]).update(submitted_by_id=user.pk)
    elif reason != "subject":
        Exclusion.objects.create(
            workspace=world.workspace, case_id=case["id"], user=user, reason=reason, created_at=now()
        )
    return case


REASONS = pytest.mark.parametrize("reason", ["own case", "subject", "judged", "skipped", "conflict"])


@REASONS
@pytest.mark.parametrize("name", ["carol", "dave"], ids=["from the own queue", "stealing"])
def test_nobody_excluded_is_offered_the_case_and_others_are(world: World, reason: str, name: str) -> None:
    case = exclude(world, reason, name)
    assert nothing_for(world, name)
    assert claim(world, "bob")["case"]["id"] == case["id"]


@REASONS
def test_nobody_excluded_may_pick_the_case(world: World, reason: str) -> None:
    world.queue.allow_pick = True
    world.queue.save()
    case = exclude(world, reason, "carol")
    problem(post(world, "carol", f"reviews/{case['review']['id']}/claim"), 409, "already_claimed")


@REASONS
def test_nobody_excluded_is_given_the_case_by_transfer(world: World, reason: str) -> None:
    exclude(world, reason, "carol")
    lease = claim(world, "bob")
    problem(verb(world, "bob", lease, "transfer", to="carol", note="x"), 422, "not_qualified")
    assert "carol" not in get(world, "bob", f"claims/{lease['id']}/colleagues").content.decode()


@REASONS
def test_nobody_excluded_is_assigned_the_case(world: World, reason: str) -> None:
    problem(assign(world, exclude(world, reason, "carol"), "carol"), 422, "not_qualified")


@REASONS
def test_whoever_is_excluded_after_the_assignment_is_not_served_it(world: World, reason: str) -> None:
    user = world.users["carol"]
    case = world.submit(world.case_body(subject="friend of carol"))
    assign(world, case, "carol")
    if reason == "subject":
        Reviewer.objects.filter(user=user).update(subject_ids=["friend of carol"])
    elif reason == "own case":
        ReviewTask.objects.update(submitted_by_id=user.pk)
    else:
        Exclusion.objects.create(
            workspace=world.workspace, case_id=case["id"], user=user, reason=reason, created_at=now()
        )
    assert nothing_for(world, "carol")


# --- assignment -------------------------------------------------------------------------------------------------------


def assign(world: World, case: dict[str, Any], to: str, by: str = "alice", **more: Any) -> Any:
    path = f"/api/v1/reviews/{case['review']['id']}/assignment"
    return world.api(by).put(path, {"to": to, **more}, content_type="application/json")


def test_an_assigned_review_is_served_first_to_that_person_and_to_nobody_else(world: World) -> None:
    world.submit()
    second = world.submit(
        world.case_body(prediction={"label": "approve", "confidence": 0.89, "model_version": "credit-1"})
    )
    assert assign(world, second, "carol", note="please").json()["status"] == "assigned"
    assert claim(world, "bob")["case"]["id"] != second["id"]
    assert nothing_for(world, "bob")
    mine = claim(world, "carol")
    assert mine["case"]["id"] == second["id"]
    assert mine["review"]["handovers"][0]["by"] == "alice"


def test_an_assignment_replaces_another_only_knowingly_and_can_be_taken_back(world: World) -> None:
    case = world.submit()
    assign(world, case, "carol")
    problem(assign(world, case, "bob"), 409, "already_assigned")
    assert assign(world, case, "bob", instead_of="carol").json()["assigned_to"] == "bob"
    path = f"/api/v1/reviews/{case['review']['id']}/assignment"
    assert world.api("alice").delete(path).json()["assigned_to"] is None
    assert world.api("alice").delete(path).status_code == 200
    assert claim(world, "carol")["case"]["id"] == case["id"]
    problem(assign(world, case, "bob"), 409, "already_claimed")
    assert events(case)[1:4] == ["review.assigned", "review.assigned", "review.unassigned"]


def test_an_assigned_review_that_is_due_is_open_to_all(world: World) -> None:
    case = world.submit()
    assign(world, case, "carol")
    overdue(case)
    assert expire_slas() == 1
    assert claim(world, "bob")["case"]["id"] == case["id"]


def test_only_supervisors_assign_and_only_in_their_workspace(world: World) -> None:
    case = world.submit()
    problem(assign(world, case, "carol", by="bob"), 403, "permission_denied")
    problem(assign(world, case, "carol", by="dave"), 403, "permission_denied")


def test_the_cap_holds_for_assigned_reviews_too(world: World) -> None:
    for _ in range(3):
        world.submit()
    for _ in range(3):
        claim(world, "carol")
    assign(world, world.submit(), "carol")
    problem(post(world, "carol", "reviews/claim"), 409, "claim_limit_reached")
