"""The pre-action gate (mission B6): approve, or reject with what the partner needs to propose again."""

from typing import Any

import pytest

from audit.models import OutboxMessage
from reviews.chain import MAX_CHAIN
from reviews.models import Approval, Resubmission
from tests.api.support import claim, get, judge, open_queue, overdue, post, problem, verb
from tests.factories import World

ACTION = {"type": "disburse", "parameters": {"amount": 5000, "account": "DE1"}, "reversible": False}
REJECTION = {
    "approved": False,
    "codes": ["parameters_wrong", "timing"],
    "comment": "The account is closed.",
    "parameters": [{"parameter": "account", "remark": "closed in May", "suggested": "DE2"}],
}


def propose(world: World, **changes: Any) -> dict[str, Any]:
    return world.submit(world.sure_case_body(proposed_action=ACTION) | changes)


@pytest.fixture
def gated(world: World) -> World:
    open_queue(world)
    return world


def answer(world: World, approval: dict[str, Any] | None = None, label: str = "approve", **more: Any) -> dict[str, Any]:
    """Bob judges the next case."""
    lease = claim(world, "bob")
    said = {} if approval is None else {"approval": approval}
    response = verb(world, "bob", lease, "judgement", label=label, **said, **more)
    assert response.status_code == 200, response.content
    return response.json()


def test_a_rejection_tells_the_partner_what_to_change(gated: World) -> None:
    case = propose(gated, external_id="p-1")
    answer(gated, REJECTION, label="reject")
    message = OutboxMessage.objects.get(type="action.rejected")
    assert message.payload["proposed_action"] == ACTION
    feedback = message.payload["feedback"]
    assert {name: feedback[name] for name in REJECTION} == REJECTION
    (polled,) = get(gated, "partner", f"cases/{case['id']}/proposals").json()["results"]
    assert (polled["approval"], polled["decision"]) == (feedback, "reject")


def test_an_approval_says_so(gated: World) -> None:
    case = propose(gated)
    answer(gated, {"approved": True})
    assert OutboxMessage.objects.get(type="action.approved").payload["case_id"] == case["id"]
    assert not OutboxMessage.objects.filter(type="action.rejected").exists()


@pytest.mark.parametrize(("label", "type"), [("approve", "action.approved"), ("reject", "action.rejected")])
def test_who_says_nothing_of_the_action_approves_it_by_agreeing_with_what_proposed_it(
    gated: World, label: str, type: str
) -> None:
    propose(gated)
    answer(gated, label=label, reasoning="because")
    assert OutboxMessage.objects.get(type__startswith="action.").type == type
    assert Approval.objects.get().comment == "because"


def test_without_a_prediction_the_action_needs_a_word_of_its_own(gated: World) -> None:
    body = gated.case_body(proposed_action=ACTION)
    del body["prediction"]
    gated.submit(body)
    lease = claim(gated, "bob")
    problem(verb(gated, "bob", lease, "judgement", label="approve"), 422, "approval_required")
    response = verb(gated, "bob", lease, "judgement", label="approve", approval={"approved": True})
    assert response.status_code == 200


def test_a_bare_rejection_is_refused_and_nothing_is_lost(gated: World) -> None:
    propose(gated)
    lease = claim(gated, "bob")
    response = verb(gated, "bob", lease, "judgement", label="reject", approval={"approved": False})
    problem(response, 422, "feedback_required")
    assert verb(gated, "bob", lease, "judgement", label="reject", approval=REJECTION).status_code == 200


def test_where_no_irreversible_action_waits_there_is_nothing_to_approve(gated: World) -> None:
    gated.submit(gated.case_body(proposed_action=ACTION | {"reversible": True}))
    lease = claim(gated, "bob")
    problem(verb(gated, "bob", lease, "judgement", label="approve", approval=REJECTION), 422, "not_gated")


WRONG: dict[str, Any] = {
    "unknown code": {"approved": False, "codes": ["because"]},
    "no verdict": {"codes": ["timing"]},
    "unknown field": {"approved": True, "x": 1},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_malformed_approval_is_refused_at_its_place(gated: World, name: str) -> None:
    propose(gated)
    body = problem(
        verb(gated, "bob", claim(gated, "bob"), "judgement", label="reject", approval=WRONG[name]), 400, "invalid_input"
    )
    assert body["errors"][0]["pointer"].startswith("/approval")


def test_an_undone_verdict_never_leaves(gated: World) -> None:
    propose(gated)
    lease = claim(gated, "bob")
    said = verb(gated, "bob", lease, "judgement?undo_seconds=60", label="reject", approval=REJECTION)
    assert post(gated, "bob", f"judgements/{said['Hitl-Judgement']}/undo").status_code == 200
    assert OutboxMessage.objects.get(type="action.rejected").cancelled_at is not None
    (shown,) = get(gated, "alice", f"cases/{lease['case']['id']}/proposals").json()["results"]
    assert shown["approval"] is None


def test_a_new_proposal_shows_the_whole_chain_to_its_reviewer(gated: World) -> None:
    propose(gated, external_id="p-1")
    answer(gated, REJECTION, label="reject")
    propose(gated, external_id="p-2", resubmits="p-1")
    answer(gated, REJECTION | {"codes": ["risk_too_high"]}, label="reject")
    third = propose(gated, external_id="p-3", resubmits=Resubmission.objects.get().case_id.__str__())
    seen = claim(gated, "bob")["case"]["earlier_proposals"]
    assert [p["external_id"] for p in seen] == ["p-1", "p-2"]
    assert [p["approval"]["codes"] for p in seen] == [["parameters_wrong", "timing"], ["risk_too_high"]]
    trace = get(gated, "alice", f"cases/{third['id']}/trace").json()
    assert [p["external_id"] for p in trace["proposals"]] == ["p-1", "p-2", "p-3"]
    page = gated.browser("bob").get(f"/cases/{third['id']}").content.decode()
    assert "2 earlier proposals" in page
    assert "The account is closed." in page


REFUSALS = {
    "nobody": "unknown_case",
    "01890000-0000-7000-8000-000000000000": "unknown_case",
    "open": "predecessor_open",
}


@pytest.mark.parametrize("named", REFUSALS)
def test_only_a_decided_case_of_ones_own_can_be_resubmitted(gated: World, named: str) -> None:
    propose(gated, external_id="open")
    response = post(gated, "partner", "cases", gated.sure_case_body(proposed_action=ACTION, resubmits=named))
    body = problem(response, 422, REFUSALS[named])
    assert body["errors"][0]["pointer"] == "/resubmits"


def test_somebody_elses_case_looks_as_if_it_were_not_there(gated: World) -> None:
    case = propose(gated, external_id="p-1")
    answer(gated, REJECTION, label="reject")
    body = gated.sure_case_body(proposed_action=ACTION, resubmits=case["id"])
    problem(post(gated, "alice", "cases", body), 422, "unknown_case")


def test_a_chain_has_an_end(gated: World) -> None:
    propose(gated, external_id="p-0")
    answer(gated, {"approved": True})
    last = Resubmission(
        case_id=propose(gated, external_id="p-1", resubmits="p-0")["id"],
        workspace_id=gated.workspace.pk,
    )
    answer(gated, {"approved": True})
    Resubmission.objects.filter(pk=last.pk).update(depth=MAX_CHAIN)
    body = gated.sure_case_body(proposed_action=ACTION, resubmits="p-1")
    problem(post(gated, "partner", "cases", body), 422, "chain_too_long")


def test_the_sealed_form_of_a_gated_case_shows_neither_action_nor_chain(world: World) -> None:
    """Without an open queue the gate falls back to one that is judge-first."""
    propose(world, external_id="p-1")
    judge(world, "dave", claim(world, "dave"), "reject")
    propose(world, external_id="p-2", resubmits="p-1")
    case = claim(world, "dave")["case"]
    assert not {"proposed_action", "earlier_proposals", "routing"} & set(case)
    assert b"disburse" not in world.browser("dave").get(f"/cases/{case['id']}").content


@pytest.mark.parametrize("prediction", [True, False])
def test_no_fallback_ever_decides_an_irreversible_action(gated: World, prediction: bool) -> None:
    gated.task_type.fallback = "safest_label"
    gated.task_type.save()
    body = gated.sure_case_body(proposed_action=ACTION)
    if not prediction:
        del body["prediction"]
    case = gated.submit(body)
    overdue(case)
    from reviews.actions.sla import expire_slas

    expire_slas()
    assert get(gated, "partner", f"cases/{case['id']}").json()["status"] == "pending"


def test_the_page_asks_for_approval_and_takes_the_feedback(gated: World) -> None:
    case = propose(gated)
    lease = claim(gated, "bob")
    browser = gated.browser("bob")
    page = browser.get(f"/cases/{case['id']}").content.decode()
    assert 'name="approval"' in page and "checked" not in page.split("approval")[1][:200]
    url = f"/claims/{lease['id']}/judgement"
    sent = {"token": lease["token"], "label": "reject", "approval": "reject", "remark:account": "closed"}
    again = browser.post(url, {**sent, "remark:account": ""}, headers={"HX-Request": "true"})
    assert "Say why" in again.content.decode()
    assert browser.post(url, {**sent, "codes": ["timing", "nonsense"]}).status_code == 302
    row = Approval.objects.get()
    assert (row.approved, row.codes) == (False, ["timing"])
    assert row.parameters == [{"parameter": "account", "remark": "closed"}]
