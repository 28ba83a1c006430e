"""A version on trial compared with what was in force: shadow by counts, canary by shares with intervals."""

from typing import Any

import pytest

from audit.models import Event
from feedback.models import TrainingLabel
from feedback.stats.bounds import Interval
from feedback.stats.difference import Proportion, difference, proportion
from hitl.core.clock import now
from routing.actions.policies import start_canary, start_shadow, withdraw_version
from routing.models import ModelVersion, PolicyVersion, RoutingDecision, ShadowDecision
from tests.api.test_query_budgets import JSON, count
from tests.api.test_shadow_and_canary import STRICT, approved
from tests.factories import World, make_world, policy_document
from tests.feedback.past import draft, replay, submit_past

COMPARISON = "/api/v1/policies/loan/versions/2/comparison"


@pytest.fixture
def shadow(world: World) -> PolicyVersion:
    """A version in shadow that never automates, and twelve cases that the live one mostly automates."""
    version = start_shadow(actor=world.actor("alice"), version=approved(world, STRICT))
    for _ in range(12):
        world.submit(world.sure_case_body())
    return version


def read(world: World, path: str, name: str = "alice") -> dict[str, Any]:
    answer = world.api(name).get(path)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_shadow_is_counted_by_action_label_risk_and_tier(world: World, shadow: PolicyVersion) -> None:
    automated = RoutingDecision.objects.filter(action="automate").count()
    assert automated
    found = read(world, COMPARISON)
    assert found["canary"] is None
    told = found["shadow"]
    assert (told["n"], told["differ"], told["capped"]) == (12, automated, False)
    assert {(c["live"], c["shadow"]): c["n"] for c in told["matrix"]}["automate", "review"] == automated
    assert [(s["name"], s["n"], s["shadow_reviewed"]) for s in told["by_label"]] == [("approve", 12, 12)]
    assert [s["name"] for s in told["by_risk"]] == ["low"]
    assert sum(s["shadow_reviewed"] for s in told["load"]) == 12
    assert sum(s["live_reviewed"] for s in told["load"]) == 12 - automated


def test_differing_cases_come_in_keyset_pages_and_by_cell(world: World, shadow: PolicyVersion) -> None:
    expected = ShadowDecision.objects.exclude(live_action="review").count()
    seen: list[str] = []
    path = f"{COMPARISON}/cases?limit=5"
    while path:
        page = read(world, path)
        seen += [row["case"] for row in page["results"]]
        path = f"{COMPARISON}/cases?limit=5&cursor={page['next']}" if page["next"] else ""
    assert len(seen) == len(set(seen)) == expected
    assert len(read(world, f"{COMPARISON}/cases?live=automate&shadow=review&limit=200")["results"]) == expected
    assert read(world, f"{COMPARISON}/cases?live=gate")["results"] == []
    assert world.api("alice").get(f"{COMPARISON}/cases?live=nonsense").status_code == 400


def test_a_case_that_is_sealed_to_its_reader_is_not_listed(world: World) -> None:
    """Alice may claim from a judge-first queue: what a shadow would have done betrays the machine."""
    from guardian.shortcuts import assign_perm

    permissive = approved(world, policy_document(thresholds={"default": 0.6}))
    start_shadow(actor=world.actor("alice"), version=permissive)
    for _ in range(4):
        world.submit(world.case_body())
    assert len(read(world, f"{COMPARISON}/cases", "erin")["results"]) >= 1
    assign_perm("claim_queue", world.users["alice"], world.queue)
    assert world.queue.judge_first
    assert read(world, f"{COMPARISON}/cases")["results"] == []


def test_comparing_costs_the_same_for_few_and_many(world: World, shadow: PolicyVersion) -> None:
    for name, path, budget in (
        ("alice", COMPARISON, 8),
        ("alice", f"{COMPARISON}/cases", 8),
        ("alice", "/api/v1/model-versions", 5),
        ("alice", "/api/v1/policies/loan/versions?in_force_at=2030-01-01T00:00:00Z", 7),
        ("alice", "/api/v1/policies/loan/difference?from=1&to=2", 8),
    ):
        api = world.api(name)
        few = count(lambda api=api, path=path: api.get(path))  # type: ignore[misc]
        for _ in range(5):
            world.submit(world.sure_case_body())
        assert count(lambda api=api, path=path: api.get(path)) <= few <= budget, path  # type: ignore[misc]


def test_pages_of_trials_cost_a_bounded_number_of_queries(world: World, shadow: PolicyVersion) -> None:
    browser = world.browser("alice")
    for path, budget in (
        ("/policies/loan/versions/2/comparison", 22),
        ("/policies/loan/history", 14),
        ("/policies/loan/difference", 16),
        ("/policies/loan/versions/2", 22),
        ("/models", 12),
    ):
        browser.get(path)
        assert count(lambda path=path: browser.get(path)) <= budget, path  # type: ignore[misc]


def test_a_canary_is_compared_with_the_version_in_force(world: World) -> None:
    tried = start_canary(actor=world.actor("alice"), version=approved(world, STRICT), share=0.5)
    for _ in range(30):
        world.submit(world.sure_case_body())
    withdraw_version(actor=world.actor("alice"), version=tried)
    world.submit(world.sure_case_body())
    found = read(world, COMPARISON)["canary"]
    assert (found["share"], found["active_version"]) == (0.5, 1)
    assert found["canary_cases"] + found["active_cases"] == 30
    measures = {measure["name"]: measure for measure in found["measures"]}
    automated = measures["automated"]
    assert automated["canary"]["share"] == 0.0 and automated["active"]["share"] > 0.5
    assert automated["low"] <= automated["difference"] <= automated["high"] < 0
    assert measures["error"]["difference"] is None


def test_the_error_counts_what_the_machine_may_decide_and_whose_truth_is_known(world: World) -> None:
    start_canary(actor=world.actor("alice"), version=approved(world, policy_document()), share=0.5)
    for number in range(40):
        case = world.submit(world.sure_case_body())
        TrainingLabel.objects.create(
            case_id=case["id"], workspace=world.workspace, task_type=world.task_type, label="approve", weight=1,
            source="outcome", unaided_label="reject" if number % 4 == 0 else "approve", updated_at=now(),
        )  # fmt: skip
    measures = {measure["name"]: measure for measure in read(world, COMPARISON)["canary"]["measures"]}
    arms = [measures["error"][arm] for arm in ("canary", "active")]
    assert sum(arm["share"] * arm["n"] for arm in arms) == pytest.approx(10)
    assert all(arm["low"] < arm["share"] < arm["high"] for arm in arms if arm["share"])


def test_the_difference_of_two_proportions_is_newcombes() -> None:
    """Newcombe 1998, table II, case (a): 56/70 - 48/80, method 10 gives 0.0524 to 0.3339."""
    first = proportion([(i < 56, 1.0) for i in range(70)])
    second = proportion([(i < 48, 1.0) for i in range(80)])
    found = difference(first, second)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_without_observations_nothing_is_claimed() -> None:
    nothing = proportion([])
    assert nothing == Proportion(None, 0.0, Interval(0.0, 1.0))
    assert difference(nothing, nothing).value is None


def test_weights_shrink_the_effective_size() -> None:
    assert proportion([(True, 1.0), (False, 3.0)]).n == pytest.approx(16 / 10)


def test_the_pages_show_matrix_and_canary_and_link_to_each_case(world: World, shadow: PolicyVersion) -> None:
    html = world.browser("erin").get("/policies/loan/versions/2/comparison").content.decode()
    assert "would have been routed otherwise" in html and "/trace" in html
    empty = world.browser("erin").get("/policies/loan/versions/1/comparison").content.decode()
    assert "Nothing to compare yet" in empty


def test_a_stranger_finds_no_trial(world: World, shadow: PolicyVersion) -> None:
    other = make_world("other")
    type(world.policy).objects.filter(workspace=other.workspace).update(slug="theirs")
    for path in (COMPARISON, f"{COMPARISON}/cases"):
        assert other.api("alice").get(path).status_code == 404


def test_model_versions_are_listed_with_their_cases_and_moved_with_an_event(world: World) -> None:
    for _ in range(3):
        world.submit()
    browser = world.browser("alice")
    assert "credit-1" in browser.get("/models").content.decode()
    model = ModelVersion.objects.get(name="credit-1")
    browser.post(f"/models/{model.pk}/status", {"status": "withdrawn", "reason": "drift"})
    model.refresh_from_db()
    assert model.status == "withdrawn"
    event = Event.objects.get(action="modelversion.withdrawn")
    assert (event.reason, event.before, event.actor_label) == ("drift", {"status": "accepted"}, "alice")
    answer = world.api("alice").post(
        f"/api/v1/model-versions/{model.pk}/status", {"status": "withdrawn"}, content_type=JSON
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_status")
    listed = read(world, "/api/v1/model-versions?task_type=loan")["results"]
    assert [(row["name"], row["status"]) for row in listed] == [("credit-1", "withdrawn")]
    assert read(world, "/api/v1/model-versions?task_type=none")["results"] == []


def test_a_finished_replay_is_what_replay_first_wants(world: World) -> None:
    submit_past(world, 5)
    version = draft(world, thresholds={"default": 0.6})
    assert version.replayed_at is None
    replay(world, version)
    version.refresh_from_db()
    assert version.replayed_at is not None
