"""Appeals at the same moment as each other, as an audit, as their own judgement: one story in the end."""

from typing import Any

from reviews.actions.decisions import correct_decision
from reviews.models import Appeal, Decision, ReviewTask
from tests.api.support import claim, judge, post, verb
from tests.delivery.race import at_once
from tests.factories import World
from tests.races.crowd import codes

ROUNDS = 5
WHY = {"reason": "I do earn that much.", "submitted_by": "customer-7"}


def decided(world: World) -> str:
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "reject")
    return str(case["id"])


def file(world: World, case_id: str, **headers: str) -> Any:
    return post(world, "partner", f"cases/{case_id}/appeals", WHY, **headers)


def one_current(case_id: str) -> Decision:
    return Decision.objects.get(case_id=case_id, is_current=True)


def test_two_appeals_at_once_open_one(race_world: World) -> None:
    for _ in range(ROUNDS):
        case_id = decided(race_world)
        answers = at_once(lambda c=case_id: file(race_world, c), lambda c=case_id: file(race_world, c))
        assert codes(answers) == [(201, ""), (409, "appeal_open")]
        assert ReviewTask.objects.filter(case_id=case_id, kind="appeal").count() == 1


def test_the_same_request_twice_at_once_files_one(race_world: World) -> None:
    for number in range(ROUNDS):
        case_id, key = decided(race_world), f"k{number}"
        answers = at_once(
            lambda c=case_id, k=key: file(race_world, c, Idempotency_Key=k),
            lambda c=case_id, k=key: file(race_world, c, Idempotency_Key=k),
        )
        assert {status for status, _ in codes(answers)} <= {200, 201, 409}
        assert Appeal.objects.filter(case_id=case_id).count() == 1


def test_an_appeal_answered_while_an_audit_corrects(race_world: World) -> None:
    alice = race_world.actor("alice")
    for _ in range(ROUNDS):
        case_id = decided(race_world)
        assert file(race_world, case_id).status_code == 201
        lease = claim(race_world, "dave", queue="loans-expert")
        verb(race_world, "dave", lease, "first-judgement", label="approve")
        answers = at_once(
            lambda lease=lease: verb(race_world, "dave", lease, "judgement", label="approve"),
            lambda c=case_id: correct_decision(actor=alice, case_id=c, label="approve", reason="audited"),
        )
        assert answers[0].status_code == 200, answers
        assert isinstance(answers[1], Decision), answers
        assert one_current(case_id).label == "approve"
        assert Appeal.objects.get(case_id=case_id).outcome == "overturned"


def test_an_appeal_filed_while_an_audit_corrects(race_world: World) -> None:
    alice = race_world.actor("alice")
    for _ in range(ROUNDS):
        case_id = decided(race_world)
        answers = at_once(
            lambda c=case_id: file(race_world, c),
            lambda c=case_id: correct_decision(actor=alice, case_id=c, label="approve", reason="audited"),
        )
        assert answers[0].status_code == 201, answers
        assert isinstance(answers[1], Decision), answers
        assert one_current(case_id).owner == "auditor"
        appeal = Appeal.objects.get(case_id=case_id)
        assert appeal.decision.case_id == appeal.case_id
        assert ReviewTask.objects.get(case_id=case_id, kind="appeal").status == "waiting"
