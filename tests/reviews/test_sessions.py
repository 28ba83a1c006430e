"""Calibration sessions: the most disputed cases, judged blind, then compared, then concluded."""

from typing import Any

import pytest
from guardian.shortcuts import assign_perm

from hitl.accounts.models import Membership, User
from hitl.core.errors import Conflict, Forbidden, NotFound, Refused
from hitl.core.permissions import Role
from reviews.actions.blind_samples import draw_blind_samples
from reviews.actions.sessions import (
    close_session,
    conclude,
    entropy,
    judge_in_session,
    most_disputed,
    note_in_session,
    open_session,
    session_for_actor,
)
from reviews.models import CalibrationSession, GoldCase, GuidelineRequest, Reviewer
from routing.models import Tier
from tests.api.support import claim, judge, post
from tests.factories import World, make_world


@pytest.fixture
def disputed(world: World) -> dict[str, Any]:
    """A case that Dave decided one way and Bob, asked blind, the other."""
    Tier.objects.filter(slug="expert").update(blind_sample_rate=1.0)
    case = world.submit(world.case_body(context={"complexity": 0.9}, external_id="hard"))
    judge(world, "dave", claim(world, "dave", queue="loans-expert"), "reject", reasoning="too little income")
    draw_blind_samples()
    judge(world, "bob", claim(world, "bob"), "approve")
    return case


def opened(world: World, *names: str) -> CalibrationSession:
    return open_session(
        actor=world.actor("alice"),
        task_type=world.task_type,
        title="November",
        participants=[world.users[name].pk for name in names],
    )


def test_the_most_disputed_come_first(world: World, disputed: dict[str, Any]) -> None:
    (found,) = most_disputed(world.task_type, 10)
    assert (str(found.case_id), found.entropy, found.n) == (disputed["id"], 1.0, 2)
    assert entropy(["a", "a"]) == 0.0 and entropy(["a", "b", "b", "b"]) == pytest.approx(0.8113, abs=1e-4)


def test_nobody_sees_an_answer_before_giving_one(world: World, disputed: dict[str, Any]) -> None:
    session = opened(world, "bob", "carol")
    judge_in_session(
        actor=world.actor("bob"), session=session, position=1, label="approve", reasoning="enough collateral"
    )
    carol = world.browser("carol")
    path = f"/quality/sessions/{session.pk}/cases/1"
    before = carol.get(path).content.decode()
    assert "enough collateral" not in before and "too little income" not in before and "credit-1" not in before
    with pytest.raises(Conflict):
        note_in_session(actor=world.actor("carol"), session=session, position=1, text="hm")
    assert carol.post(path, {"label": "reject", "reasoning": "income"}).status_code == 302
    after = carol.get(path).content.decode()
    assert "enough collateral" in after and "too little income" in after
    carol.post(path, {"text": "The rule says 50000."})
    assert "The rule says 50000." in world.browser("bob").get(path).content.decode()
    with pytest.raises(Conflict):
        judge_in_session(actor=world.actor("carol"), session=session, position=1, label="approve")


def test_the_outcome_becomes_gold_or_a_request(world: World, disputed: dict[str, Any]) -> None:
    alice, session = world.actor("alice"), opened(world, "bob")
    done: dict[str, Any] = {"actor": alice, "session": session, "position": 1}
    with pytest.raises(Refused):
        conclude(**done, outcome="gold", label="reject", conclusion=" ")
    conclude(**done, outcome="gold", label="reject", conclusion="Income is below the rule.")
    gold = GoldCase.objects.get()
    assert str(gold.source_id) == disputed["id"] and gold.machine_wrong
    with pytest.raises(Conflict):
        conclude(**done, outcome="guideline", label="", conclusion="again")
    second = opened(world, "bob")
    conclude(actor=alice, session=second, position=1, outcome="guideline", label="", conclusion="Say what counts.")
    assert GuidelineRequest.objects.get().text == "Say what counts."
    close_session(actor=alice, session=second)
    second.refresh_from_db()
    with pytest.raises(Conflict):
        judge_in_session(actor=world.actor("bob"), session=second, position=1, label="approve")


def test_outsiders_see_none_of_it(world: World, disputed: dict[str, Any]) -> None:
    session = opened(world, "bob")
    with pytest.raises(NotFound):
        session_for_actor(world.actor("carol"), session.pk)
    with pytest.raises(NotFound):
        session_for_actor(make_world("globex").actor("alice"), session.pk)
    with pytest.raises(Forbidden):
        open_session(actor=world.actor("bob"), task_type=world.task_type, title="x", participants=[])
    with pytest.raises(Forbidden):
        judge_in_session(actor=world.actor("alice"), session=session, position=1, label="approve")
    assert world.browser("carol").get(f"/quality/sessions/{session.pk}/cases/1").status_code == 404
    assert world.browser("bob").get("/quality/sessions").status_code == 200


def test_without_a_dispute_there_is_no_session(world: World) -> None:
    with pytest.raises(Conflict) as refused:
        opened(world, "bob")
    assert refused.value.code == "nothing_disputed"


def test_whoever_may_judge_the_appeal_hears_nothing_of_what_was_said(world: World, disputed: dict[str, Any]) -> None:
    fay = User.objects.create_user("fay")
    Membership.objects.create(workspace=world.workspace, user=fay, role=Role.EXPERT)
    Reviewer.objects.create(workspace=world.workspace, user=fay, tier=world.tiers["expert"])
    assign_perm("claim_queue", fay, world.expert_queue)
    world.users["fay"] = fay
    session = opened(world, "fay", "bob")
    path = f"/quality/sessions/{session.pk}/cases/1"
    filed = {"reason": "I do earn that.", "submitted_by": "customer-7"}
    assert post(world, "partner", f"cases/{disputed['id']}/appeals", filed).status_code == 201
    browser = world.browser("fay")
    browser.post(path, {"label": "reject", "reasoning": "income"})
    assert "too little income" not in browser.get(path).content.decode()
    close_session(actor=world.actor("alice"), session=session)
    assert "too little income" not in browser.get(path).content.decode()
    assert "too little income" in world.browser("bob").get(path).content.decode()
