"""What hitl changes by itself stays inside bounds that two people approved."""

from typing import Any

import pytest

from audit.models import Event
from hitl.core.actors import Actor, system_actor
from routing.actions.automatic import apply_within_bounds
from routing.actions.policies import propose_version
from routing.engine.bounds import outside_bounds
from routing.engine.document import decode_document
from routing.models import PolicyVersion
from tests.factories import World, policy_document

BOUNDS = {"lowest_threshold": 0.85, "highest_threshold": 0.97}
NEVER = {"label": "reject", "threshold": None}
BASE = policy_document(automatic=BOUNDS, thresholds={"default": 0.9, "entries": [NEVER]})


def changed(**thresholds: Any) -> dict[str, Any]:
    return BASE | {"thresholds": BASE["thresholds"] | thresholds}


INSIDE = {
    "another threshold": changed(default=0.95),
    "fewer automated": changed(default=None),
    "an entry for a model, with the label's": changed(
        entries=[NEVER, {"model_version": "m", "threshold": 0.86}, NEVER | {"model_version": "m"}]
    ),
    "no calibration": BASE | {"calibrations": []},
}
OUTSIDE = {
    "too low": changed(default=0.8),
    "too high": changed(default=0.98),
    "automates what never was": changed(entries=[]),
    "opens a label by a later entry of one model": changed(entries=[NEVER, {"model_version": "m", "threshold": 0.9}]),
    "other bounds": BASE | {"automatic": BOUNDS | {"lowest_threshold": 0.5}},
    "a rule": BASE | {"rules": [{"name": "x", "when": "true", "then": "review"}]},
    "another audit rate": BASE | {"sampling": {"audit_rate": 0.1}},
}


@pytest.mark.parametrize("document", INSIDE.values(), ids=INSIDE)
def test_inside(document: dict[str, Any]) -> None:
    assert outside_bounds(decode_document(BASE), decode_document(document)) is None


@pytest.mark.parametrize("document", OUTSIDE.values(), ids=OUTSIDE)
def test_outside(document: dict[str, Any]) -> None:
    assert outside_bounds(decode_document(BASE), decode_document(document))


def test_without_bounds_nothing_is_inside() -> None:
    assert outside_bounds(decode_document({}), decode_document({}))


def in_force(world: World, **people: Any) -> PolicyVersion:
    PolicyVersion.objects.filter(status="active").update(status="retired")
    version = world.put_in_force(BASE)
    PolicyVersion.objects.filter(pk=version.pk).update(status="retired")
    return PolicyVersion.objects.create(
        workspace=world.workspace, policy=world.policy, number=9, status="active", document=BASE,
        created_at=version.created_at, activated_at=version.created_at, **people,
    )  # fmt: skip


def propose(world: World, actor: Actor, default: float) -> PolicyVersion:
    return propose_version(actor=actor, policy=world.policy, document=changed(default=default))


def test_a_change_inside_takes_effect_and_the_next_builds_on_the_same_licence(world: World) -> None:
    licence = in_force(world, proposed_by=world.users["alice"], approved_by=world.users["bob"])
    machine = system_actor(world.workspace.pk, "recalibration")
    for default in (0.93, 0.95):
        version = propose(world, machine, default)
        assert apply_within_bounds(actor=machine, version=version) is None
        version.refresh_from_db()
        assert (version.status, version.licensed_by_id, version.approved_by_id) == ("active", licence.pk, None)
    reasons = Event.objects.filter(action="policyversion.activated").values_list("reason", "actor_kind")
    assert set(reasons) == {("inside the bounds of version 9", "system")}
    outside = propose(world, machine, 0.5)
    assert "A person must approve it" in str(apply_within_bounds(actor=machine, version=outside))
    outside.refresh_from_db()
    assert outside.status == "draft"


@pytest.mark.parametrize("people", [("alice", None), (None, "alice"), ("alice", "alice"), (None, None)])
def test_bounds_that_two_people_did_not_approve_allow_nothing(world: World, people: tuple[str | None, ...]) -> None:
    proposed, approved = (world.users[name] if name else None for name in people)
    in_force(world, proposed_by=proposed, approved_by=approved)
    machine = system_actor(world.workspace.pk, "recalibration")
    version = propose(world, machine, 0.93)
    assert "two people have not approved" in str(apply_within_bounds(actor=machine, version=version))
    assert PolicyVersion.objects.get(status="active").number == 9
