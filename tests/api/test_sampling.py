"""Some automated cases are always looked at, with known probability (mission B11, E4)."""

from audit.models import OutboxMessage
from reviews.models import ReviewTask
from routing.models import RoutingDecision
from tests.api.support import claim, get, judge, sample_all, submit_until, use_policy
from tests.factories import World


def high_risk(world: World) -> None:
    world.task_type.static_risk = "high"
    world.task_type.save()


def test_an_audit_is_opened_exactly_where_the_draw_says_so(world: World) -> None:
    high_risk(world)
    use_policy(world, sampling={"exploration_rate": 0.5, "audit_rate": 0.5})
    seen = set()
    for _ in range(24):
        case = world.submit(world.sure_case_body())
        row = RoutingDecision.objects.get(case_id=case["id"])
        reviews = ReviewTask.objects.filter(case_id=case["id"], kind="audit").count()
        assert (case["status"], row.action) == ("decided", "automate_and_audit")
        assert reviews == int(row.sampled) == int(row.draw < 0.5)
        assert (case["review"] is not None) is row.sampled
        assert case["routing"]["selection_probability"] == 0.5
        seen.add(row.sampled)
    assert seen == {True, False}


def test_exploration_sends_a_share_of_sure_cases_to_people_first(world: World) -> None:
    use_policy(world, sampling={"exploration_rate": 0.5, "audit_rate": 0.5})
    drawn = submit_until(world, "review", world.sure_case_body())
    spared = submit_until(world, "automate", world.sure_case_body())
    assert (drawn["status"], drawn["routing"]["zone"]) == ("pending", "auto")
    assert (spared["status"], spared["review"]) == ("decided", None)
    for case in (drawn, spared):
        assert case["routing"]["selection_probability"] == 0.5
        assert case["routing"]["action_propensity"] == 0.5


def test_every_route_has_a_propensity_above_zero(world: World) -> None:
    for body in (world.case_body(), world.sure_case_body(), world.case_body(mode="shadow")):
        world.submit(body)
    world.submit(world.case_body(proposed_action={"type": "x", "reversible": False}))
    for row in RoutingDecision.objects.all():
        assert 0.0 < row.selection_probability <= 1.0
        assert 0.0 < row.action_propensity <= 1.0
        assert 0.0 <= row.draw < 1.0


def test_an_audit_that_agrees_leaves_the_decision_alone(world: World) -> None:
    high_risk(world)
    sample_all(world)
    made = world.submit(world.sure_case_body())
    found = judge(world, "bob", claim(world, "bob"), "approve")
    assert found["decision"] == made["decision"]
    assert found["review"] is None
    assert not OutboxMessage.objects.filter(case_id=made["id"], type="case.corrected").exists()


def test_an_audit_that_disagrees_corrects_and_says_so(world: World) -> None:
    high_risk(world)
    sample_all(world)
    made = world.submit(world.sure_case_body())
    found = judge(world, "bob", claim(world, "bob"), "reject")
    assert (found["status"], found["decision"]["label"], found["decision"]["owner"]) == (
        "decided",
        "reject",
        "reviewer",
    )
    assert OutboxMessage.objects.filter(case_id=made["id"], type="case.corrected").count() == 1
    trace = get(world, "alice", f"cases/{made['id']}/trace").json()
    assert [(d["label"], d["current"]) for d in trace["decisions"]] == [("approve", False), ("reject", True)]
    assert trace["decisions"][1]["supersedes"] == trace["decisions"][0]["id"]
