"""Every decision has one owner; corrections are linked, delivered, and compensated where an action ran (E1, E2)."""

import re
from typing import Any

import pytest

from audit.models import OutboxMessage
from reviews.actions.decisions import correct_decision
from reviews.models import Recourse
from tests.api.support import claim, get, judge, post
from tests.api.test_appeals import answer, appeal, decided_by_bob
from tests.factories import World

ACTION = {
    "type": "disburse",
    "parameters": {"amount": 900},
    "reversible": True,
    "compensation": {"type": "recall", "parameters": {"amount": 900}},
}


def chain(world: World, case_id: str, name: str = "partner") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(world, name, f"cases/{case_id}/decisions").json()["results"]
    return found


def test_an_audit_and_an_appeal_after_it_are_linked_in_order(world: World) -> None:
    case_id = decided_by_bob(world)
    correct_decision(actor=world.actor("alice"), case_id=case_id, label="approve", reason="audited")
    appeal(world, case_id)
    case = post(world, "dave", "reviews/claim", {"queue": "loans-expert"}).json()
    if case["claim"]["review"]["judge_first"]:
        judge(world, "dave", case["claim"], "reject")
    found = chain(world, case_id)
    assert [(d["owner"], d["kind"], d["current"]) for d in found] == [
        ("reviewer", "decided", False),
        ("auditor", "corrected", False),
        ("appeal", "corrected", True),
    ]
    assert [d["supersedes"] for d in found] == [None, found[0]["id"], found[1]["id"]]
    page = world.browser("alice").get(f"/cases/{case_id}").content.decode()
    assert page.index("audited") < page.index("in force")


def test_taking_back_a_released_action_asks_for_its_compensation(world: World) -> None:
    case = world.submit(world.case_body(proposed_action=ACTION))
    judge(world, "bob", claim(world, "bob"), "approve")
    correct_decision(actor=world.actor("alice"), case_id=case["id"], label="reject", reason="fraud")
    (message,) = OutboxMessage.objects.filter(type="action.compensation")
    assert message.payload["compensation"] == ACTION["compensation"]
    assert "compensation" not in message.payload["proposed_action"]
    assert message.payload["reverses"] == chain(world, case["id"])[0]["id"]


@pytest.mark.parametrize("label", ["reject"])
def test_an_action_that_was_never_released_needs_none(world: World, label: str) -> None:
    case = world.submit(world.case_body(proposed_action=ACTION))
    judge(world, "bob", claim(world, "bob"), label)
    correct_decision(actor=world.actor("alice"), case_id=case["id"], label="approve", reason="was fine")
    assert not OutboxMessage.objects.filter(type="action.compensation").exists()


def explained(world: World, case_id: str) -> dict[str, Any]:
    said: dict[str, Any] = get(world, "partner", f"cases/{case_id}/explanation").json()
    assert set(said) == {"text", "automated_processing", "how_to_contest"}
    assert not re.search(r"\d|threshold|confidence|rule", said["text"] + said["how_to_contest"])
    return said


def test_the_subject_is_told_in_plain_words_through_the_whole_course(world: World) -> None:
    case = world.submit()
    assert "no decision yet" in explained(world, case["id"])["text"]
    judge(world, "bob", claim(world, "bob"), "reject")
    said = explained(world, case["id"])
    assert "The decision is: Reject." in said["text"]
    assert "A person made it." in said["text"]
    assert "automated system had also assessed" in said["text"]
    assert said["automated_processing"] is False
    assert "You may appeal" in said["how_to_contest"]
    appeal(world, case["id"])
    assert "An appeal is open" in explained(world, case["id"])["text"]
    answer(world, "approve")
    said = explained(world, case["id"])
    assert "The decision is: Approve." in said["text"]
    assert "After an appeal, the decision was changed." in said["text"]


def test_a_machine_s_decision_says_so_and_its_correction_that_it_was_replaced(world: World) -> None:
    case = next(c for c in (world.submit(world.sure_case_body()) for _ in range(50)) if c["status"] == "decided")
    said = explained(world, case["id"])
    assert said["automated_processing"] is True
    assert "without a person" in said["text"]
    correct_decision(actor=world.actor("alice"), case_id=case["id"], label="reject", reason="audited")
    said = explained(world, case["id"])
    assert said["automated_processing"] is False
    assert "replaces an earlier decision that was made automatically" in said["text"]


def test_the_text_on_how_to_contest_is_the_task_type_s_where_it_has_one(world: World) -> None:
    Recourse.objects.create(task_type=world.task_type, workspace=world.workspace, how_to_contest="Write to us.")
    assert explained(world, decided_by_bob(world))["how_to_contest"] == "Write to us."
