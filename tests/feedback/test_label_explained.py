"""A label's factors, evidence and versions; weights of a task type's own; majority beside Dawid–Skene."""

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from feedback.actions.crowds import compare_crowd, compare_crowds
from feedback.actions.labels import rebuild_labels
from feedback.models import CrowdLabel, CrowdRun, LabelVersion, TrainingLabel
from hitl.accounts.models import Membership, User
from hitl.core.clock import now
from hitl.core.permissions import Role, Scope
from reviews.models import Case, GuidelineVersion, Panel, Report
from routing.models import TaskType
from tests.factories import World, make_key, make_world
from tests.feedback.history import add_cases, judge, observe


def explained(world: World, case: Case, name: str = "erin") -> dict[str, Any]:
    answer = world.api(name).get(f"/api/v1/cases/{case.pk}/label")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def decided(case: Case) -> Case:
    Case.objects.filter(pk=case.pk).update(status="decided")
    return case


def test_every_factor_is_told_with_its_reason_and_the_weight_is_their_product(world: World) -> None:
    [case] = add_cases(world, [0.95], selection_probability=0.5)
    judge(world, case, "bob", "reject", first="reject")
    rebuild_labels()

    found = explained(world, decided(case))

    assert (found["label"], found["source"]) == ("reject", "reviewers")
    factors = {factor["name"]: factor["value"] for factor in found["factors"]}
    assert factors["override"] == 2.0 and factors["selection"] == 2.0
    product = 1.0
    for value in factors.values():
        product *= value
    assert found["weight"] == pytest.approx(product)
    assert all(factor["why"] for factor in found["factors"])


def test_an_outcome_is_joined_to_the_versions_it_speaks_of(world: World) -> None:
    [case] = add_cases(world, [0.95])
    version = GuidelineVersion.objects.create(
        workspace=world.workspace,
        task_type=world.task_type,
        number=3,
        title="Loans",
        text="",
        note="",
        created_at=now(),
    )
    judge(world, case, "bob", "approve", guideline=version)
    observe(world, [(case, "reject")])
    rebuild_labels()

    evidence = explained(world, decided(case))["evidence"]

    assert evidence["signals"][0]["source"] == "outcome"
    assert (evidence["model_version"], evidence["model_label"]) == ("credit-1", "approve")
    assert (evidence["policy"], evidence["policy_version"]) == ("loan", 1)
    assert evidence["judgements"][0]["guideline_version"] == 3


def test_a_users_report_is_shown_and_weighs_nothing(world: World) -> None:
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "approve")
    rebuild_labels()
    weight = TrainingLabel.objects.get(case=case).weight
    Report.objects.create(
        workspace=world.workspace, task_type=world.task_type, case=case, category="spam", text="Ann did it",
        submitted_by="customer-7", created_at=now(),
    )  # fmt: skip
    rebuild_labels()

    found = explained(world, decided(case))

    [report] = found["evidence"]["reports"]
    assert (report["category"], report["origin"][:7], "text" in report) == ("spam", "origin-", False)
    assert TrainingLabel.objects.get(case=case).weight == weight


def test_every_change_is_kept_as_a_version(world: World) -> None:
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "approve")
    rebuild_labels()
    judge(world, case, "carol", "approve")
    rebuild_labels()

    versions = explained(world, decided(case))["versions"]

    assert [(v["weight"], v["withdrawn"]) for v in versions] == [(1.5, False), (1.0, False)]
    assert versions[0]["number"] > versions[1]["number"]


def test_a_case_nobody_spoke_of_has_no_label(world: World) -> None:
    [case] = add_cases(world, [0.8])
    found = explained(world, decided(case))
    assert (found["label"], found["source"], found["factors"], found["versions"]) == (None, None, [], [])


def test_it_is_missing_where_the_case_is_sealed_and_for_outsiders(world: World) -> None:
    stranger = make_world("globex")
    case = Case.objects.get(pk=world.submit()["id"])
    address = f"/api/v1/cases/{case.pk}/label"
    assert stranger.api("alice").get(address).status_code == 404
    assert world.api("bob").get(address).status_code == 403


def test_weights_of_the_task_type_count_and_are_kept_with_the_label(world: World) -> None:
    weights = {"single": 0.5, "half_life_days": None, "observation_probability": 0.25}
    TaskType.objects.filter(pk=world.task_type.pk).update(recalibration={"weights": weights})
    one, other = add_cases(world, [0.8, 0.8])
    judge(world, one, "bob", "approve")
    observe(world, [(other, "approve")])
    rebuild_labels()

    assert TrainingLabel.objects.get(case=one).weight == 0.5
    assert TrainingLabel.objects.get(case=other).weight == 2.0 / 0.25
    found = explained(world, decided(one))
    assert found["rules"] == weights
    assert {f["name"]: f["value"] for f in found["factors"]}["age"] == 1.0


def test_mistyped_weights_leave_the_defaults_in_force(world: World) -> None:
    TaskType.objects.filter(pk=world.task_type.pk).update(recalibration={"weights": {"single": "heavy"}})
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "approve")
    rebuild_labels()
    assert TrainingLabel.objects.get(case=case).weight == 1.0


def test_labels_from_before_versions_get_one_and_keep_their_age(world: World) -> None:
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "approve")
    rebuild_labels()
    LabelVersion.objects.all().delete()
    TrainingLabel.objects.update(evidence=None, labelled_at=None, rules=None)
    before = TrainingLabel.objects.get().updated_at

    rebuild_labels(everything=True)

    assert TrainingLabel.objects.get().updated_at == before
    assert LabelVersion.objects.get().updated_at == before


def a_crowd(world: World, cases: int, *, seed: int = 1) -> dict[str, str]:
    """The truth of cases that two good people (95 % right) and three who mostly guess (58 %) all judged."""
    rng = random.Random(seed)
    for name in ("dora", "emil"):
        world.users[name] = User.objects.create_user(name)
    people = {"dora": 0.95, "emil": 0.95, "bob": 0.58, "carol": 0.58, "dave": 0.58}
    truths = {}
    for case in add_cases(world, [0.8] * cases):
        truth, wrong = rng.choice([("approve", "reject"), ("reject", "approve")])
        truths[str(case.pk)] = truth
        for name, right in people.items():
            judge(world, case, name, truth if rng.random() < right else wrong)
    return truths


def test_majority_and_dawid_skene_stand_side_by_side_and_their_differences_are_named(world: World) -> None:
    truths = a_crowd(world, 60)
    assert compare_crowds() == 1

    run = CrowdRun.objects.get()
    assert (run.items, run.raters, run.votes, run.compared) == (60, 5, 300, 60)
    labels = list(CrowdLabel.objects.all())
    estimated = sum(row.label == truths[str(row.case_id)] for row in labels)
    assert estimated > sum(row.majority == truths[str(row.case_id)] for row in labels)
    [section] = world.api("erin").get("/api/v1/labels/comparison").json()["results"]
    assert section["agreement"] == run.agreeing / 60 and section["low"] < section["agreement"] < section["high"]
    assert len(section["differences"]) == 60 - run.agreeing > 0
    differing = section["differences"][0]
    crowd = explained(world, decided(Case.objects.get(pk=differing["case"])))["crowd"]
    assert crowd["differs"] and crowd["majority"] == differing["majority"] != crowd["label"]
    assert crowd["posterior"][crowd["label"]] == differing["probability"]
    assert sum(crowd["posterior"].values()) == pytest.approx(1.0)


def test_nothing_new_fits_nothing_again(world: World) -> None:
    a_crowd(world, 12)
    assert compare_crowd(world.task_type)
    assert not compare_crowd(world.task_type)
    assert CrowdRun.objects.count() == 1


def test_too_few_people_are_told_in_words(world: World) -> None:
    for case in add_cases(world, [0.8] * 12):
        judge(world, case, "bob", "approve")
    compare_crowds()
    [section] = world.api("erin").get("/api/v1/labels/comparison").json()["results"]
    assert section["agreement"] is None and section["reason"].startswith("not enough data")
    assert not CrowdLabel.objects.exists()


def test_explaining_a_label_costs_the_same_however_many_spoke(world: World) -> None:
    def queries(case: Case) -> int:
        rebuild_labels()
        decided(case)
        explained(world, case)  # what is remembered between requests
        with CaptureQueriesContext(connection) as captured:
            explained(world, case)
        return len(captured)

    one, many = add_cases(world, [0.8, 0.8])
    judge(world, one, "bob", "approve")
    for name in ("bob", "carol", "dave"):
        judge(world, many, name, "approve")
    assert queries(one) == queries(many)


def test_the_pages_show_both(world: World) -> None:
    case = Case.objects.get(pk=next(iter(a_crowd(world, 12))))
    rebuild_labels()
    compare_crowds()
    page = world.browser("erin").get(f"/cases/{decided(case).pk}/label").content.decode()
    assert "Every factor of the weight" in page and "Majority and Dawid–Skene" in page
    assert "Both give the same label in" in world.browser("erin").get("/ops/labels").content.decode()


def test_what_a_sitting_panel_said_is_not_told_to_who_may_sit_on_it(world: World) -> None:
    a_crowd(world, 60)
    compare_crowds()
    world.queue.judge_first = False
    world.queue.save()
    assign_perm("view_queue", world.users["bob"], world.queue)
    Membership.objects.filter(user=world.users["bob"]).update(role=Role.SUPERVISOR)
    path = "/api/v1/labels/comparison"

    def told(name: str) -> list[str]:
        [section] = world.api(name).get(path).json()["results"]
        return [row["case"] for row in section["differences"]]

    world.keys["bob"] = make_key(world, user=world.users["bob"], scopes=list(Scope))
    first, *others = told("bob")
    Panel.objects.create(
        workspace=world.workspace, case_id=first, queue=world.queue, scheme={"kind": "blind_double"}, opened_at=now()
    )
    assert first not in told("bob") and set(others) <= set(told("bob"))
    assert first in told("erin"), "an auditor claims from no queue"
