"""From judgements to a pinned model that sends cases to people (mission B17)."""

import random
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from feedback.actions.disagreement import train_disagreement
from feedback.actions.disagreement_sweeps import train_all, train_triggered
from feedback.actions.labels import rebuild_labels
from feedback.disagreement_data import judged_predictions
from feedback.models import DisagreementRun
from reviews.models import Case
from routing.actions.policies import activate_version, approve_version
from routing.models import DisagreementModel, PolicyVersion, RoutingDecision
from tests.api.support import get, post
from tests.factories import World
from tests.feedback.history import add_cases, judge


def judged_world(world: World, n: int = 260, *, seed: int = 1, noise: float = 0.04, effect: float = 0.9) -> list[Case]:
    """Reviewers overrule what concerns new users, and hardly anything else."""
    rng = random.Random(seed)
    cases = add_cases(world, [rng.uniform(0.5, 1.0) for _ in range(n)])
    for case in cases:
        new = rng.random() < 0.4
        routing = RoutingDecision.objects.get(case_id=case.pk)
        RoutingDecision.objects.filter(pk=routing.pk).update(features=routing.features | {"is_new_user": new})
        label = "reject" if rng.random() < (effect if new else noise) else "approve"
        judge(world, case, "bob", label, first=label)
    rebuild_labels()
    return cases


def train(world: World) -> DisagreementRun:
    run = train_disagreement(task_type=world.task_type, trigger="by_hand")
    assert run is not None
    return run


def put_in_force(world: World, threshold: float = 0.3) -> None:
    version = PolicyVersion.objects.get(status="draft")
    assert version.document["disagreement"] == {"model": 1, "threshold": threshold}
    approve_version(actor=world.actor("alice"), version=version)
    activate_version(actor=world.actor("alice"), version=version)


def sure(world: World, *, new: bool) -> dict[str, Any]:
    return world.sure_case_body(context={"is_new_user": new})


def test_judgements_become_an_immutable_model_and_a_draft_that_pins_it(world: World) -> None:
    judged_world(world)

    run = train(world)

    assert run.result == "proposed", run.detail
    model = DisagreementModel.objects.get()
    assert (model.version, model.n) == (1, 260)
    assert model.metrics["auc_low"] > 0.7
    assert any("new user" in region["name"] and region["more"] for region in model.metrics["regions"])
    assert run.policy_version_id == PolicyVersion.objects.get(status="draft").pk
    assert Event.objects.filter(action="disagreement.fitted").exists()
    with pytest.raises(DatabaseError), transaction.atomic():
        DisagreementModel.objects.update(n=1)


def test_a_confident_case_that_people_would_overrule_goes_to_them_and_the_trace_says_why(world: World) -> None:
    judged_world(world)
    train(world)
    put_in_force(world)

    doubted = world.submit(sure(world, new=True))
    assert doubted["routing"]["action"] == "review"
    step = next(s for s in doubted["routing"]["trace"] if "predicted_disagreement" in str(s))
    assert "0.3" in str(step)
    kept = [world.submit(sure(world, new=False)) for _ in range(3)]
    assert any(case["routing"]["action"] == "automate" for case in kept)


def test_the_threshold_is_the_policys(world: World) -> None:
    judged_world(world)
    train(world)
    document = PolicyVersion.objects.get(status="draft").document
    world.put_in_force(document | {"disagreement": {"model": 1, "threshold": 1.0}})

    found = [world.submit(sure(world, new=True)) for _ in range(4)]

    assert any(case["routing"]["action"] == "automate" for case in found)


def test_a_model_that_does_not_exist_is_refused_in_its_place(world: World) -> None:
    document = PolicyVersion.objects.get().document | {"disagreement": {"model": 7}}
    answer = post(world, "alice", "policies/loan/versions", {"document": document})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/document/disagreement/model"


def test_the_same_judgements_propose_nothing_twice(world: World) -> None:
    judged_world(world)
    train(world)
    assert train(world).result == "unchanged"
    assert DisagreementModel.objects.count() == 1


def test_too_few_judgements_and_pure_chance_propose_nothing(world: World) -> None:
    judged_world(world, 30)
    assert train(world).result == "not_enough_data"
    judged_world(world, 260, seed=2, noise=0.3, effect=0.3)
    assert train(world).result == "no_better"
    assert not DisagreementModel.objects.exists()


def test_a_run_starts_on_a_hundred_new_judgements_or_at_night(world: World) -> None:
    judged_world(world, 99)
    assert train_triggered() == 0
    assert train_all() == 1
    assert train_all() == 0
    judged_world(world, 100, seed=3)
    assert train_triggered() == 1
    assert DisagreementRun.objects.filter(trigger="new_judgements").count() == 1


def test_the_page_shows_the_figures_with_intervals_and_where_it_happens(world: World) -> None:
    judged_world(world)
    train(world)

    page = world.browser("erin").get("/ops/disagreement").content.decode()

    assert "AUC 0." in page
    assert "95 % interval" in page
    assert "Where people overrule the machine" in page
    assert "not in force" in page
    put_in_force(world)
    assert ">in force<" in world.browser("erin").get("/ops/disagreement").content.decode()


def test_the_api_lists_models_with_figures_and_regions_in_few_queries(world: World) -> None:
    judged_world(world)
    train(world)
    get(world, "alice", "disagreement-models")

    with CaptureQueriesContext(connection) as asked:
        answer = get(world, "alice", "disagreement-models?task_type=loan").json()

    (model,) = answer["results"]
    assert (model["version"], model["active"], model["task_type"]) == (1, False, "loan")
    assert 0.5 < model["auc_low"] <= model["auc"] <= model["auc_high"] <= 1.0
    assert model["regions"][0]["share"] >= model["regions"][-1]["share"]
    assert "trees" not in model
    assert len(asked) <= 8
    assert get(world, "alice", "disagreement-models?task_type=other").json()["results"] == []


@pytest.mark.parametrize("kind", ["appeal", "report"])
def test_contested_decisions_are_no_sample_of_what_people_overrule(world: World, kind: str) -> None:
    contested, both = add_cases(world, [0.9, 0.9], selection_probability=0.1, zone="auto_audit")
    judge(world, contested, "bob", "reject", first="reject", kind=kind)
    judge(world, both, "bob", "approve", first="approve", kind="audit")
    judge(world, both, "carol", "reject", first="reject", kind=kind)
    rebuild_labels()

    [found] = judged_predictions(world.task_type)

    assert (found.key, found.overruled, found.weight, found.random) == (str(both.pk), False, pytest.approx(10.0), True)
