"""Tests beside rules guard approval; experts propose and others approve."""

from typing import Any

import pytest

from hitl.accounts.models import Membership
from hitl.core.actors import system_actor
from hitl.core.errors import Forbidden, Refused
from routing.actions.policies import activate_initial_version, approve_version, propose_version
from routing.models import Policy, PolicyVersion, TaskType
from tests.factories import World, policy_document


def ruled(expect: bool) -> dict[str, Any]:
    test = {"name": "a big one", "case": {"context": {"amount": 5000}}, "expect": expect}
    rule = {"name": "big", "when": "context.amount > 1000.0", "then": "review", "tests": [test]}
    return policy_document(rules=[rule])


@pytest.fixture
def expert(world: World) -> World:
    """Dave knows loans and is allowed to propose rules."""
    Membership.objects.filter(user=world.users["dave"]).update(role="expert")
    return world


def test_a_failing_test_lets_a_draft_be_stored_but_not_approved(expert: World) -> None:
    draft = propose_version(actor=expert.actor("dave"), policy=expert.policy, document=ruled(expect=False))
    with pytest.raises(Refused) as refused:
        approve_version(actor=expert.actor("alice"), version=draft)
    assert refused.value.code == "rule_tests_fail"
    assert refused.value.errors[0].pointer == "/document/rules/0/tests/0"
    assert "a big one" in refused.value.errors[0].detail and "it is true" in refused.value.errors[0].detail
    assert PolicyVersion.objects.get(pk=draft.pk).status == "draft"


def test_nor_does_the_operators_command_put_it_in_force(world: World) -> None:
    labels = world.task_type.labels
    fresh = TaskType.objects.create(workspace=world.workspace, slug="fresh", title="Fresh", labels=labels)
    policy = Policy.objects.create(workspace=world.workspace, task_type=fresh, slug="fresh", title="Fresh")
    system = system_actor(world.workspace.pk)
    draft = propose_version(actor=system, policy=policy, document=ruled(expect=False) | {"calibrations": []})
    with pytest.raises(Refused):
        activate_initial_version(actor=system, version=draft, reason="first")


def test_what_an_expert_proposes_another_person_approves(expert: World) -> None:
    draft = propose_version(actor=expert.actor("dave"), policy=expert.policy, document=ruled(expect=True))
    with pytest.raises(Forbidden):
        approve_version(actor=expert.actor("dave"), version=draft)
    approve_version(actor=expert.actor("alice"), version=draft)
    assert PolicyVersion.objects.get(pk=draft.pk).status == "approved"


def test_a_reviewer_and_an_auditor_may_not_propose(expert: World) -> None:
    for name in ("bob", "erin"):
        with pytest.raises(Forbidden):
            propose_version(actor=expert.actor(name), policy=expert.policy, document=policy_document())


def test_an_expert_reads_policies_and_proposes_over_rest_but_approves_nothing(expert: World) -> None:
    api = expert.api("dave")
    assert api.get("/api/v1/policies").status_code == 200
    body = {"document": ruled(expect=True), "note": "from an expert"}
    assert api.post("/api/v1/policies/loan/versions", body, content_type="application/json").status_code == 201
    verb = "/api/v1/policies/loan/versions/2/approve"
    assert api.post(verb, {}, content_type="application/json").status_code == 403
    assert api.post("/api/v1/task-types", {}, content_type="application/json").status_code in (400, 403)
