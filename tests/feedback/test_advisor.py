"""The advisor creates a draft with its reasons and a plan whose steps open as the figures come in."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import Event
from feedback.models import TrainingLabel
from hitl.accounts.models import Membership
from hitl.core.clock import now
from reviews.models import Case
from routing.models import Policy, PolicyVersion
from tests.api.support import get, post, problem
from tests.factories import World

PAGE = "/policies/loan/advisor"
FORM = {
    "irreversible": "no",
    "per_day": "5000",
    "error_cost": "50",
    "reviewable": "10",
    "labels": "0",
    "risk": "low",
}
BODY: dict[str, Any] = {"irreversible": False, "per_day": 5000, "error_cost": 50, "reviewable_share": 0.1}


def label_cases(world: World, n: int) -> None:
    """n cases whose right answer is known."""
    made = [
        Case(
            workspace=world.workspace,
            task_type=world.task_type,
            owner_id=world.client.pk,
            status="decided",
            risk="low",
            priority=0.0,
            content_hash=b"",
            created_at=now(),
        )
        for _ in range(n)
    ]
    Case.objects.bulk_create(made)
    TrainingLabel.objects.bulk_create(
        TrainingLabel(
            case=case,
            workspace=world.workspace,
            task_type=world.task_type,
            label="approve",
            unaided_label="approve",
            weight=1.0,
            source="outcome",
            updated_at=now(),
        )
        for case in made
    )


def put_in_force(number: int, days_ago: float = 0) -> None:
    PolicyVersion.objects.filter(status="active").update(status="retired", retired_at=now())
    at = now() - timedelta(days=days_ago)
    PolicyVersion.objects.filter(number=number).update(status="active", activated_at=at)


def states(world: World) -> list[str]:
    return [step["state"] for step in get(world, "alice", "policies/loan/plan").json()["steps"]]


def test_advice_is_given_without_storing_anything(world: World) -> None:
    html = world.browser("alice").post(PAGE, FORM | {"do": "advise"}).content.decode()
    assert "5,000 cases a day are too many" in html and "Create this draft" in html
    assert PolicyVersion.objects.count() == 1 and Policy.objects.get().plan is None
    answer = post(world, "alice", "policies/loan/advice", BODY)
    assert answer.status_code == 200 and answer.json()["draft"] is None
    assert answer.json()["choices"][0]["pattern"] == "confidence_routing"


def test_creating_makes_a_draft_with_the_reasons_and_stores_the_plan(world: World) -> None:
    answer = world.browser("alice").post(PAGE, FORM | {"do": "create"})
    assert answer["location"] == "/policies/loan/versions/2"
    draft = PolicyVersion.objects.get(number=2)
    assert draft.status == "draft" and draft.document["rollout"] and "too many to review" in draft.note
    plan = Policy.objects.get().plan
    assert plan is not None and plan["answers"]["per_day"] == 5000 and plan["steps"][0]["version"] == 2
    assert Event.objects.filter(action="policy.plan_changed", object_id=world.policy.pk).exists()
    assert "The plan" in world.browser("erin").get(PAGE).content.decode()


def test_steps_open_with_the_figures_and_become_drafts_of_what_is_in_force(world: World) -> None:
    assert post(world, "alice", "policies/loan/advice", BODY | {"create": True}).status_code == 201
    assert states(world) == ["proposed", "locked", "locked", "locked"]
    put_in_force(2)
    assert states(world)[0] == "in_force"
    problem(post(world, "alice", "policies/loan/plan/steps/2"), 422, "step_locked")
    label_cases(world, 500)
    assert states(world) == ["in_force", "open", "locked", "locked"]
    html = world.browser("alice").get(PAGE).content.decode()
    assert "500 labels" in html and "Propose step 2 as a draft" in html and "Propose step 3" not in html
    assert world.browser("alice").post(f"{PAGE}/steps/2")["location"] == "/policies/loan/versions/3"
    draft = PolicyVersion.objects.get(number=3)
    assert draft.document["rollout"] is False and draft.document["sampling"]["audit_rate"] == 0.25
    assert [c["version"] for c in draft.document["calibrations"]] == [1], "the newest fitted map"
    put_in_force(3, days_ago=31)
    assert states(world) == ["locked", "in_force", "open", "locked"] or states(world)[1:3] == ["in_force", "open"]
    assert post(world, "alice", "policies/loan/plan/steps/3").status_code == 201
    entries = PolicyVersion.objects.get(number=4).document["thresholds"]["entries"]
    assert {"risk": "high", "threshold": 0.995}.items() <= entries[0].items()


def test_who_may_ask_and_who_may_not(world: World) -> None:
    Membership.objects.filter(user=world.users["dave"]).update(role="expert")
    assert world.browser("dave").post(PAGE, FORM | {"do": "create"}).status_code == 302
    for name in ("bob", "erin"):
        assert world.browser(name).post(PAGE, FORM | {"do": "create"}).status_code == 403
        assert post(world, name, "policies/loan/advice", BODY).status_code == 403
    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("per_day", "-1"), ("error_cost", "nan"), ("reviewable", "101"), ("risk", "huge"), ("labels", "")],
)
def test_wrong_answers_are_marked_at_their_question(world: World, field: str, value: str) -> None:
    answer = world.browser("alice").post(PAGE, FORM | {field: value, "do": "create"})
    assert answer.status_code == 422 and b"errorlist" in answer.content
    assert PolicyVersion.objects.count() == 1


@pytest.mark.parametrize("change", [{"per_day": -1}, {"reviewable_share": 2}, {"risk": "huge"}, {"error_cost": "x"}])
def test_wrong_bodies_are_refused_with_a_pointer(world: World, change: dict[str, Any]) -> None:
    found = problem(post(world, "alice", "policies/loan/advice", BODY | change), 400, "invalid_input")
    assert found["errors"][0]["pointer"] == f"/{next(iter(change))}"


def test_there_is_no_plan_before_the_advisor_was_asked(world: World) -> None:
    assert get(world, "alice", "policies/loan/plan").status_code == 404
    assert post(world, "alice", "policies/loan/plan/steps/2").status_code == 404
    assert "There is no plan yet" in world.browser("erin").get(PAGE).content.decode()


def test_the_page_has_a_budget(world: World, django_assert_max_num_queries: object) -> None:
    post(world, "alice", "policies/loan/advice", BODY | {"create": True})
    browser = world.browser("alice")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        browser.get(PAGE)
