"""Versions on trial at intake: a shadow changes nothing, a canary decides its share, held models decide nothing."""

import pytest

from reviews.models import Case, CaseContent
from routing.actions.models import move_model_version
from routing.actions.policies import start_canary, start_shadow, withdraw_version
from routing.engine.features import Features
from routing.engine.replay import replay_one
from routing.models import ModelVersion, PolicyVersion, RoutingDecision, ShadowDecision
from routing.selectors import in_force
from tests.api.test_query_budgets import JSON, count
from tests.factories import World, policy_document

STRICT = policy_document(thresholds={"default": None})


def approved(world: World, document: dict[str, object]) -> PolicyVersion:
    """An approved version that says this."""
    version = world.put_in_force(document)
    PolicyVersion.objects.filter(pk=version.pk).update(status="approved")
    PolicyVersion.objects.filter(policy=world.policy, number=1).update(status="active")
    return version


@pytest.fixture
def shadow(world: World) -> PolicyVersion:
    """A version in shadow that never automates."""
    return start_shadow(actor=world.actor("alice"), version=approved(world, STRICT))


def canary(world: World, share: float = 0.5) -> PolicyVersion:
    return start_canary(actor=world.actor("alice"), version=approved(world, STRICT), share=share)


def test_a_shadow_is_asked_and_never_followed(world: World, shadow: PolicyVersion) -> None:
    answers = [world.submit(world.sure_case_body()) for _ in range(20)]
    assert any(answer["status"] == "decided" for answer in answers)
    assert {answer["routing"]["policy_version"] for answer in answers} == {1}
    rows = ShadowDecision.objects.filter(policy_version=shadow)
    assert rows.count() == 20
    live = {str(row.case_id): row for row in RoutingDecision.objects.all()}
    for row in rows:
        assert (row.action, row.reviewed, row.label) == ("review", True, "approve")
        beside = live[str(row.case_id)]
        assert (row.live_action, row.draw, row.live_reviewed) == (
            beside.action,
            beside.draw,
            beside.sampled or beside.action == "review",
        )


def test_shadows_do_not_see_cases_that_have_no_effect(world: World, shadow: PolicyVersion) -> None:
    world.submit(world.sure_case_body(mode="shadow"))
    world.submit(world.sure_case_body(mode="annotate"))
    assert not ShadowDecision.objects.exists()


def test_a_shadow_that_cannot_be_read_keeps_no_case_out(world: World) -> None:
    broken = approved(world, {"rules": [{"name": "x", "when": "nonsense(", "then": "review"}]})
    start_shadow(actor=world.actor("alice"), version=broken)
    assert world.submit(world.sure_case_body())["status"] in ("decided", "pending")


def test_three_shadows_cost_one_statement_more(world: World) -> None:
    def cost() -> int:
        return count(lambda: world.api().post("/api/v1/cases", world.case_body(), content_type=JSON))

    world.submit()
    without = cost()
    for number in range(3):
        start_shadow(actor=world.actor("alice"), version=approved(world, policy_document()))
        assert PolicyVersion.objects.filter(status="shadow").count() == number + 1
    world.submit()
    assert cost() <= without + 1


def test_a_batch_writes_shadows_too(world: World, shadow: PolicyVersion) -> None:
    cases = [world.sure_case_body() for _ in range(5)]
    answer = world.api().post("/api/v1/cases/batch", {"cases": cases}, content_type=JSON)
    assert [item["status"] for item in answer.json()["results"]] == [201] * 5
    assert ShadowDecision.objects.count() == 5


def test_the_shadow_of_a_case_is_in_its_trace(world: World, shadow: PolicyVersion) -> None:
    case = world.submit(world.sure_case_body())
    trace = world.api().get(f"/api/v1/cases/{case['id']}/trace").json()
    (beside,) = trace["shadows"]
    assert (beside["policy_version"], beside["action"]) == (shadow.number, "review")
    assert len(trace["routings"]) == 1


def test_a_canary_decides_its_share_and_the_deciding_version_is_pinned(world: World) -> None:
    tried = canary(world)
    answers = [world.submit(world.sure_case_body()) for _ in range(60)]
    by = [answer["routing"]["policy_version"] for answer in answers]
    assert set(by) == {1, tried.number} and 15 < by.count(tried.number) < 45
    for answer in answers:
        row = RoutingDecision.objects.select_related("policy_version").get(case_id=answer["id"])
        assert row.policy_version is not None
        case = Case.objects.get(pk=answer["id"])
        assert case.policy_version == row.policy_version.number == answer["routing"]["policy_version"]
        assert row.version_probability == 0.5
        assert row.selection_probability == pytest.approx(0.5 * 1.0 + 0.5 * 0.05)
        assert answer["routing"]["selection_probability"] == row.version_selection
        if case.policy_version == tried.number:
            assert (row.action, row.version_selection) == ("review", 1.0)
            assert row.action_propensity == pytest.approx(0.5 + 0.5 * 0.05)
        else:
            assert row.version_selection == 0.05


def test_a_subject_stays_with_one_version(world: World) -> None:
    canary(world)
    for subject in ("customer-1", "customer-2", "customer-3", "customer-4"):
        by = {world.submit(world.case_body(subject=subject))["routing"]["policy_version"] for _ in range(4)}
        assert len(by) == 1


def test_a_withdrawn_canary_decides_nothing_any_more(world: World) -> None:
    tried = canary(world)
    withdraw_version(actor=world.actor("alice"), version=tried)
    assert {world.submit()["routing"]["policy_version"] for _ in range(8)} == {1}
    assert set(RoutingDecision.objects.values_list("version_probability", "version_selection")) == {(1.0, None)}


def test_the_stop_button_stops_the_canary_too(world: World) -> None:
    start_canary(actor=world.actor("alice"), version=approved(world, policy_document()), share=0.5)
    type(world.task_type).objects.update(machine_stopped=True)
    assert {world.submit(world.sure_case_body())["status"] for _ in range(6)} == {"pending"}


def test_stored_cases_replay_to_the_routes_they_had(world: World) -> None:
    """Parity over the database: live, shadow and replay of one document give one route."""
    twin = start_shadow(actor=world.actor("alice"), version=approved(world, policy_document()))
    for confidence in (0.5, 0.85, 0.91, 0.99):
        for _ in range(5):
            prediction = {"label": "approve", "confidence": confidence, "model_version": "credit-1"}
            world.submit(world.case_body(prediction=prediction))
    force = in_force(world.workspace.pk, "loan")
    assert force is not None
    for row in RoutingDecision.objects.all():
        content = CaseContent.objects.get(case_id=row.case_id)
        features = Features.from_json(row.features | {"input": content.input})
        again = replay_one(features, force.snapshot, str(row.case_id))
        beside = ShadowDecision.objects.get(case_id=row.case_id, policy_version=twin)
        for name in ("action", "zone", "tier", "sampled", "threshold", "selection_probability", "action_propensity"):
            assert getattr(row, name) == getattr(beside, name) == getattr(again, name), name


@pytest.mark.parametrize("status", ["shadow", "withdrawn"])
def test_a_held_model_is_routed_and_a_person_decides(world: World, status: str) -> None:
    world.submit(world.sure_case_body())
    model = ModelVersion.objects.get(name="credit-1")
    move_model_version(actor=world.actor("alice"), model=model, status=status, reason="drifting")
    answers = [world.submit(world.sure_case_body()) for _ in range(5)]
    assert {answer["status"] for answer in answers} == {"pending"}
    held = [step for step in answers[0]["routing"]["trace"] if step["step"] == "model_version"]
    assert (held[0]["outcome"], held[0]["detail"]["would"]) == (status, "automate")
    move_model_version(actor=world.actor("alice"), model=model, status="accepted", reason="well again")
    assert any(world.submit(world.sure_case_body())["status"] == "decided" for _ in range(6))
