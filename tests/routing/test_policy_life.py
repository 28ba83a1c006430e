"""A version's life: every status × trigger, four eyes, one in force, roll back, immutability."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import Event, OutboxMessage
from hitl.accounts.models import Membership, User
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, DomainError, Forbidden, NotFound, Refused
from routing.actions.policies import (
    TRIGGERS,
    VERBS,
    activate_initial_version,
    approve_version,
    note_replayed,
    propose_version,
    rollback_policy,
    set_task_type_stopped,
)
from routing.models import Calibration, PolicyVersion, TaskType
from routing.selectors import in_force
from routing.timeline import in_force_then, intervals_of
from tests.factories import World, make_world, policy_document

STATUSES = [s.value for s in PolicyVersion.Status]


@pytest.fixture
def ann(world: World) -> Actor:
    """A second supervisor."""
    user = User.objects.create_user("ann", "ann@example.org")
    Membership.objects.create(workspace=world.workspace, user=user, role="supervisor")
    world.users["ann"] = user
    return world.actor("ann")


def version(world: World, status: str, number: int = 2) -> PolicyVersion:
    if status == "active":
        return PolicyVersion.objects.get(policy=world.policy, status="active")
    return PolicyVersion.objects.create(
        workspace=world.workspace,
        policy=world.policy,
        number=number,
        status=status,
        document=policy_document(),
        created_at=now(),
        retired_at=now() if status == "retired" else None,
        canary_share=0.1 if status == "canary" else None,
    )


def extra(verb: str) -> dict[str, float]:
    return {"share": 0.2} if verb == "canary" else {}


def test_the_triggers_are_exactly_the_arrows_of_the_table() -> None:
    arrows = {(source, t.target) for t in TRIGGERS.values() for source in t.sources}
    assert arrows == {(s, t) for s, targets in PolicyVersion.TRANSITIONS.items() for t in targets}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_status_and_trigger(world: World, status: str, verb: str) -> None:
    row = version(world, status)
    trigger = TRIGGERS[verb]
    if status in trigger.sources:
        moved = VERBS[verb](actor=world.actor("alice"), version=row, reason="because", **extra(verb))
        assert moved.status == trigger.target
        event = Event.objects.get(action=trigger.event, object_id=str(row.pk))
        assert (event.reason, event.before, event.actor_label) == ("because", {"status": status}, "alice")
        past = PolicyVersion.history.filter(id=row.pk).latest()
        assert (past.status, past.history_user, past.history_change_reason) == (
            trigger.target,
            world.users["alice"],
            "because",
        )
    else:
        with pytest.raises(Conflict) as refusal:
            VERBS[verb](actor=world.actor("alice"), version=row, **extra(verb))
        assert refusal.value.code == "wrong_status"
        row.refresh_from_db()
        assert row.status == status


def test_a_proposal_gets_the_next_number_and_its_document_is_complete(world: World) -> None:
    proposed = propose_version(
        actor=world.actor("alice"), policy=world.policy, document={"thresholds": {"default": 0.9}}
    )
    assert (proposed.number, proposed.status) == (2, "draft")
    written = proposed.document["sampling"]
    assert written == {"exploration_rate": 0.05, "audit_rate": 0.2, "audit_rate_bounds": None, "reservoir": None}


BROKEN = {
    "structure": ({"thresholds": {"default": 2}}, "/document/thresholds/default"),
    "rule": ({"rules": [{"name": "x", "when": "context.", "then": "review"}]}, "/document/rules/0/when"),
    "label": (
        {"thresholds": {"entries": [{"label": "maybe", "threshold": 0.9}]}},
        "/document/thresholds/entries/0/label",
    ),
    "tier": ({"rules": [{"name": "x", "when": "true", "then": "review", "tier": "none"}]}, "/document/rules/0/tier"),
    "calibration": (
        {"calibrations": [{"model_version": "credit-1", "confidence_source": "probability", "version": 9}]},
        "/document/calibrations/0",
    ),
}


@pytest.mark.parametrize(("document", "pointer"), BROKEN.values(), ids=BROKEN)
def test_a_policy_that_does_not_compile_is_refused_with_its_place(
    world: World, document: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Refused) as refusal:
        propose_version(actor=world.actor("alice"), policy=world.policy, document=document)
    assert refusal.value.code == "policy_does_not_compile"
    assert [p.pointer for p in refusal.value.errors] == [pointer]
    assert PolicyVersion.objects.count() == 1


def test_nobody_approves_their_own_proposal(world: World, ann: Actor) -> None:
    proposed = propose_version(actor=world.actor("alice"), policy=world.policy, document=policy_document())
    with pytest.raises(Forbidden) as refusal:
        approve_version(actor=world.actor("alice"), version=proposed)
    assert refusal.value.code == "four_eyes"
    assert approve_version(actor=ann, version=proposed).approved_by_id == ann.user_id


def test_a_proposal_of_the_system_needs_one_supervisor_and_never_the_system(world: World) -> None:
    machine = system_actor(world.workspace.pk, "recalibration")
    proposed = propose_version(actor=machine, policy=world.policy, document=policy_document())
    with pytest.raises(Forbidden):
        approve_version(actor=machine, version=proposed)
    assert approve_version(actor=world.actor("alice"), version=proposed).status == "approved"


def test_activation_retires_the_one_in_force_and_tells_partners(world: World) -> None:
    old, new = version(world, "active"), version(world, "approved")
    VERBS["activate"](actor=world.actor("alice"), version=new)
    old.refresh_from_db()
    assert (old.status, old.retired_at is not None) == ("retired", True)
    found = in_force(world.workspace.pk, "loan")
    assert found is not None and found.policy_version_id == new.pk
    assert OutboxMessage.objects.get(type="policy.activated").payload["version"] == 2


def test_roll_back_restores_the_version_before_in_one_step(world: World) -> None:
    old, new = version(world, "active"), version(world, "approved")
    with pytest.raises(Conflict):
        rollback_policy(actor=world.actor("alice"), policy=world.policy)
    VERBS["activate"](actor=world.actor("alice"), version=new)
    assert rollback_policy(actor=world.actor("alice"), policy=world.policy).pk == old.pk
    assert PolicyVersion.objects.get(status="active").pk == old.pk


def test_only_a_policys_first_version_skips_the_second_pair_of_eyes(world: World) -> None:
    with pytest.raises(Conflict) as refusal:
        activate_initial_version(actor=world.actor("alice"), version=version(world, "draft"), reason="x")
    assert refusal.value.code == "not_initial"


@pytest.mark.parametrize("name", ["bob", "erin", "partner"])
def test_people_without_the_office_move_nothing(world: World, name: str) -> None:
    for verb, action in VERBS.items():
        row = version(world, min(TRIGGERS[verb].sources - {"canary"}), number=10 + list(VERBS).index(verb))
        with pytest.raises(Forbidden):
            action(actor=world.actor(name), version=row, **extra(verb))


def test_a_stranger_finds_nothing(world: World) -> None:
    stranger = make_world("other").actor("alice")
    row = version(world, "draft")
    for action in (
        lambda: VERBS["approve"](actor=stranger, version=row),
        lambda: propose_version(actor=stranger, policy=world.policy, document=policy_document()),
        lambda: rollback_policy(actor=stranger, policy=world.policy),
        lambda: set_task_type_stopped(actor=stranger, task_type=world.task_type, stopped=True, reason="x"),
    ):
        with pytest.raises(NotFound):
            action()


def test_the_stop_button_of_a_task_type(world: World) -> None:
    alice = world.actor("alice")
    with pytest.raises(Refused):
        set_task_type_stopped(actor=alice, task_type=world.task_type, stopped=True, reason=" ")
    assert set_task_type_stopped(actor=alice, task_type=world.task_type, stopped=True, reason="fire")
    assert not set_task_type_stopped(actor=alice, task_type=world.task_type, stopped=True, reason="again")
    found = in_force(world.workspace.pk, "loan")
    assert found is not None and found.stop_reason
    assert Event.objects.get(action="tasktype.machine_stopped").reason == "fire"
    assert TaskType.history.latest().history_change_reason == "fire"
    for name in ("bob", "erin", "partner"):
        with pytest.raises(DomainError):
            set_task_type_stopped(actor=world.actor(name), task_type=world.task_type, stopped=False, reason="x")


STATEMENTS = {
    "event update": "UPDATE audit_event SET reason = 'x'",
    "event delete": "DELETE FROM audit_event",
    "event truncate": "TRUNCATE audit_event",
    "event in replication role": "SET LOCAL session_replication_role = replica; DELETE FROM audit_event",
    "document": "UPDATE routing_policyversion SET document = '{}'",
    "number": "UPDATE routing_policyversion SET number = 9",
    "version delete": "DELETE FROM routing_policyversion",
    "calibration": "UPDATE routing_calibration SET n = 1",
    "calibration delete": "DELETE FROM routing_calibration",
    "calibration truncate": "TRUNCATE routing_calibration",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_the_database_itself_keeps_the_evidence(world: World, statement: str) -> None:
    set_task_type_stopped(actor=world.actor("alice"), task_type=world.task_type, stopped=True, reason="an event")
    with pytest.raises(IntegrityError, match="is evidence"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # PostgreSQL truncates no table with deferred checks to do
        cursor.execute(statement)
    assert Event.objects.exists() and Calibration.objects.exists()


def test_at_most_three_versions_are_in_shadow(world: World) -> None:
    rows = [version(world, "approved", number) for number in (2, 3, 4, 5)]
    for row in rows[:3]:
        VERBS["shadow"](actor=world.actor("alice"), version=row)
    with pytest.raises(Conflict) as refusal:
        VERBS["shadow"](actor=world.actor("alice"), version=rows[3])
    assert refusal.value.code == "too_many_shadows"


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, float("nan"), 1.0])
def test_a_canary_decides_more_than_nothing_and_at_most_half(world: World, share: float) -> None:
    with pytest.raises(Refused) as refusal:
        VERBS["canary"](actor=world.actor("alice"), version=version(world, "approved"), share=share)
    assert [p.pointer for p in refusal.value.errors] == ["/share"]


def test_a_policy_has_one_canary_and_it_needs_a_version_in_force(world: World) -> None:
    alice = world.actor("alice")
    first, second = version(world, "canary", 2), version(world, "approved", 3)
    with pytest.raises(Conflict) as refusal:
        VERBS["canary"](actor=alice, version=second, share=0.1)
    assert refusal.value.code == "canary_exists"
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=second.pk).update(status="canary", canary_share=0.1)
    VERBS["retire"](actor=alice, version=version(world, "active"))
    first.refresh_from_db()
    assert (first.status, first.canary_share) == ("approved", None)
    with pytest.raises(Conflict) as refusal:
        VERBS["canary"](actor=alice, version=second, share=0.1)
    assert refusal.value.code == "no_active_version"


def test_a_canary_is_widened_and_promoted_in_one_step_each(world: World) -> None:
    alice, old, tried = world.actor("alice"), version(world, "active"), version(world, "approved")
    for share in (0.05, 0.2):
        assert VERBS["canary"](actor=alice, version=tried, share=share).canary_share == share
    assert [e.after["share"] for e in Event.objects.filter(action="policyversion.canary_set").order_by("id")] == [
        0.05,
        0.2,
    ]
    promoted = VERBS["activate"](actor=alice, version=tried)
    old.refresh_from_db()
    assert (promoted.status, promoted.canary_share, old.status) == ("active", None, "retired")


def test_another_version_in_force_ends_a_canary(world: World) -> None:
    tried, other = version(world, "canary", 2), version(world, "approved", 3)
    VERBS["activate"](actor=world.actor("alice"), version=other)
    tried.refresh_from_db()
    assert (tried.status, tried.canary_share) == ("approved", None)


def test_a_second_press_of_roll_back_does_not_undo_the_first(world: World) -> None:
    alice, new = world.actor("alice"), version(world, "approved")
    VERBS["activate"](actor=alice, version=new)
    assert rollback_policy(actor=alice, policy=world.policy, from_version=2).number == 1
    with pytest.raises(Conflict) as refusal:
        rollback_policy(actor=alice, policy=world.policy, from_version=2)
    assert refusal.value.code == "not_in_force"
    event = Event.objects.get(action="policy.rolled_back")
    assert (event.before, event.after, event.actor_label) == ({"version": 2}, {"version": 1}, "alice")


def test_a_policy_may_want_a_replay_before_approval(world: World, ann: Actor) -> None:
    type(world.policy).objects.filter(pk=world.policy.pk).update(replay_first=True)
    draft = propose_version(actor=world.actor("alice"), policy=world.policy, document=policy_document())
    with pytest.raises(Conflict) as refusal:
        approve_version(actor=ann, version=draft)
    assert refusal.value.code == "replay_required"
    note_replayed(actor=system_actor(world.workspace.pk, "replay"), version=draft)
    assert Event.objects.filter(action="policyversion.replayed", object_id=str(draft.pk)).exists()
    assert approve_version(actor=ann, version=draft).status == "approved"


def test_what_was_in_force_at_any_past_time(world: World) -> None:
    alice, tried = world.actor("alice"), version(world, "approved")
    before = now()
    VERBS["canary"](actor=alice, version=tried, share=0.1, reason="careful")
    beside = now()
    VERBS["activate"](actor=alice, version=tried, reason="good")
    after = now()
    rollback_policy(actor=alice, policy=world.policy, reason="bad after all")
    times = (before - timedelta(days=1), before, beside, after, now())
    standing = [[(v.number, v.status, v.canary_share) for v in in_force_then(world.policy, at)] for at in times]
    assert standing == [
        [],
        [(1, "active", None)],
        [(1, "active", None), (2, "canary", 0.1)],
        [(2, "active", None)],
        [(1, "active", None)],
    ]
    told = [(i.number, i.status, i.reason, i.until is None) for i in intervals_of(world.policy)]
    assert told == [
        (1, "active", "bad after all", True),
        (2, "active", "good", False),
        (2, "canary", "careful", False),
        (1, "active", "", False),
    ]
    seams = intervals_of(world.policy)
    assert seams[1].until == seams[0].since and seams[2].until == seams[1].since == seams[3].until
