"""Whoever may stop the machine finds the buttons, and they count with the next request (mission B15)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hitl.accounts.models import Membership, User
from hitl.core.permissions import Role
from routing.models import TaskType
from tests.factories import PASSWORD, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> World:
    world = make_world()
    world.users["oscar"] = User.objects.create_user("oscar", "oscar@example.org", PASSWORD)
    Membership.objects.create(workspace=world.workspace, user=world.users["oscar"], role=Role.OPERATOR)
    world.put_in_force(
        {
            "thresholds": {"default": 0.9},
            "sampling": {"exploration_rate": 0.01},
            "calibrations": [{"model_version": "credit-1", "confidence_source": "probability", "version": 1}],
        }
    )
    return world


def batch(world: World) -> set[str]:
    body = {"cases": [world.sure_case_body() for _ in range(20)]}
    answer = world.api().post("/api/v1/cases/batch", body, content_type="application/json")
    return {item["case"]["status"] for item in answer.json()["results"]}


def test_an_operator_finds_the_page_and_the_button_of_each_task_type(town: World) -> None:
    page = town.browser("oscar").get("/stop")
    assert page.status_code == 200
    assert b'action="/stop/loan"' in page.content
    assert b'href="/stop"' in page.content  # in the navigation


@pytest.mark.parametrize("address", ["/stop", "/stop/loan"])
def test_a_stop_counts_for_the_next_case_and_the_next_batch(town: World, address: str) -> None:
    browser = town.browser("oscar")
    assert "decided" in batch(town)
    assert browser.post(address, {"stop": "1", "reason": "the model drifts"}).status_code == 302
    assert batch(town) == {"pending"}
    assert town.submit(town.sure_case_body())["status"] == "pending"
    assert browser.post(address, {"reason": "fixed"}).status_code == 302
    assert "decided" in batch(town)


def test_the_stop_of_one_task_type_stops_no_other(town: World) -> None:
    TaskType.objects.create(workspace=town.workspace, slug="other", title="Other", labels=town.task_type.labels)
    town.browser("oscar").post("/stop/other", {"stop": "1", "reason": "drill"})
    assert "decided" in batch(town)
    assert TaskType.objects.get(slug="other").machine_stopped


@pytest.mark.parametrize("name", ["bob", "erin"])
def test_who_may_not_stop_sees_no_button(town: World, name: str) -> None:
    browser = town.browser(name)
    assert browser.get("/stop").status_code == 403
    assert b'href="/stop"' not in browser.get("/cases").content


def test_the_stop_of_another_workspace_is_missing(town: World) -> None:
    stranger = make_world("globex")
    TaskType.objects.filter(pk=stranger.task_type.pk).update(slug="theirs")
    assert town.browser("alice").post("/stop/theirs", {"stop": "1", "reason": "x"}).status_code == 404


@pytest.mark.parametrize("path, budget", [("/stop", 10), ("/policies/loan/presets", 8)])
def test_the_pages_cost_the_same_whatever_there_is(town: World, path: str, budget: int) -> None:
    browser = town.browser("alice")
    browser.get(path)

    def count() -> int:
        with CaptureQueriesContext(connection) as made:
            assert browser.get(path).status_code == 200
        return len(made)

    few = count()
    for number in range(10):
        TaskType.objects.create(
            workspace=town.workspace, slug=f"t{number}", title=f"T{number}", labels=town.task_type.labels
        )
    assert count() == few <= budget
