"""REST of task types, policies, versions and calibrations: who sees and does what."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from hitl.accounts.models import ApiKey, Membership, User
from hitl.core.permissions import Scope
from routing.models import Policy, TaskType
from tests.factories import World, make_key, make_world, policy_document

API = "/api/v1"
TASK_TYPE = {
    "slug": "spam",
    "title": "Spam",
    "labels": [{"value": "spam", "title": "Spam"}, {"value": "ham", "title": "Ham"}],
}
READ = {
    "/task-types/loan": {
        "partner": 200,
        "alice": 200,
        "bob": 200,
        "dave": 200,
        "erin": 200,
        "zed": 404,
        "mallory": 404,
    },
    "/policies": {"partner": 200, "alice": 200, "bob": 403, "erin": 200},
    "/policies/loan": {"partner": 200, "alice": 200, "bob": 403, "erin": 200, "mallory": 404},
    "/policies/loan/versions": {"partner": 200, "alice": 200, "bob": 403, "erin": 200, "mallory": 404},
    "/policies/loan/versions/1": {"partner": 200, "alice": 200, "bob": 403, "erin": 200, "mallory": 404},
    "/policies/loan/versions/99999999999999999999": {"alice": 404},
    "/calibrations": {"partner": 200, "alice": 200, "bob": 403, "erin": 200},
    "/audit/events": {"partner": 200, "alice": 200, "bob": 403, "erin": 200},
}


@pytest.fixture
def everyone(world: World) -> World:
    """Zed reviews nothing; Mallory supervises another workspace, where nothing is called “loan”."""
    zed = User.objects.create_user("zed", "zed@example.org")
    Membership.objects.create(workspace=world.workspace, user=zed, role="reviewer")
    world.users["zed"], world.keys["zed"] = zed, make_key(world, user=zed, scopes=list(Scope))
    other = make_world("other")
    TaskType.objects.filter(workspace=other.workspace).update(slug="theirs")
    Policy.objects.filter(workspace=other.workspace).update(slug="theirs")
    world.keys["mallory"] = other.keys["alice"]
    return world


@pytest.mark.parametrize(("path", "name", "status"), [(p, n, s) for p, row in READ.items() for n, s in row.items()])
def test_who_reads_what(everyone: World, path: str, name: str, status: int) -> None:
    response = everyone.api(name).get(API + path)
    assert response.status_code == status, response.content


def test_lists_hold_the_workspaces_rows_only(everyone: World) -> None:
    for path in ("/task-types", "/policies", "/calibrations"):
        mine = everyone.api("alice").get(API + path).json()["results"]
        theirs = everyone.api("mallory").get(API + path).json()["results"]
        assert len(mine) == len(theirs) == 1 and mine != theirs


def test_a_reviewer_sees_task_types_by_grant_group_or_queue_only(everyone: World) -> None:
    hidden = TaskType.objects.create(workspace=everyone.workspace, **TASK_TYPE)

    def seen(name: str) -> set[str]:
        return {t["slug"] for t in everyone.api(name).get(f"{API}/task-types").json()["results"]}

    assert (seen("zed"), seen("bob"), seen("alice")) == (set(), {"loan"}, {"loan", "spam"})
    assign_perm("view_tasktype", everyone.users["zed"], hidden)
    group = Group.objects.create(name="g")
    everyone.users["bob"].groups.add(group)
    assign_perm("view_tasktype", group, hidden)
    assert (seen("zed"), seen("bob")) == ({"spam"}, {"loan", "spam"})


def test_being_a_superuser_changes_nothing(everyone: World) -> None:
    User.objects.filter(username="zed").update(is_superuser=True, is_staff=True)
    assert everyone.api("zed").get(f"{API}/task-types/loan").status_code == 404
    assert everyone.api("zed").get(f"{API}/policies").status_code == 403


def test_a_key_limited_to_task_types_sees_no_other(everyone: World) -> None:
    TaskType.objects.create(workspace=everyone.workspace, **TASK_TYPE)
    ApiKey.objects.filter(client=everyone.client).update(task_type_ids=[TaskType.objects.get(slug="spam").pk])
    api = everyone.api("partner")
    assert [t["slug"] for t in api.get(f"{API}/task-types").json()["results"]] == ["spam"]
    assert api.get(f"{API}/policies/loan").status_code == 404
    assert api.get(f"{API}/audit/events").status_code == 403


def test_a_task_type_is_created_with_its_policy(world: World) -> None:
    response = world.api("alice").post(f"{API}/task-types", TASK_TYPE, content_type="application/json")
    assert response.status_code == 201, response.content
    assert world.api("alice").get(f"{API}/policies/spam").json()["active_version"] is None
    again = world.api("alice").post(f"{API}/task-types", TASK_TYPE, content_type="application/json")
    assert again.status_code == 422


@pytest.mark.parametrize("name", ["bob", "erin"])
def test_who_may_not_create(world: World, name: str) -> None:
    response = world.api(name).post(f"{API}/task-types", TASK_TYPE, content_type="application/json")
    assert response.status_code == 403 and TaskType.objects.count() == 1


BAD: dict[str, tuple[dict[str, Any], int]] = {
    "one label": ({"labels": TASK_TYPE["labels"][:1]}, 400),
    "unknown field": ({"colour": "red"}, 400),
    "bad slug": ({"slug": "a b"}, 400),
    "twice a label": ({"labels": TASK_TYPE["labels"] * 2}, 422),
    "bad schema": ({"input_schema": {"type": "nonsense"}}, 422),
    "schema from elsewhere": ({"input_schema": {"$ref": "file:///etc/hostname"}}, 422),
    "unknown safest label": ({"safest_label": "x"}, 422),
    "a sensitive field that names nothing": ({"sensitive_pointers": ["/person/name", "ssn"]}, 422),
    "a sensitive field after a blank": ({"sensitive_pointers": [" /ssn"]}, 422),
    "a sensitive field as a path of another kind": ({"sensitive_pointers": ["$.ssn"]}, 422),
    "a sensitive field with half an escape": ({"sensitive_pointers": ["/a~2b"]}, 422),
}


@pytest.mark.parametrize(("change", "status"), BAD.values(), ids=BAD)
def test_bad_task_types_are_refused(world: World, change: dict[str, Any], status: int) -> None:
    response = world.api("alice").post(f"{API}/task-types", TASK_TYPE | change, content_type="application/json")
    assert response.status_code == status and response.json()["errors"], response.content
    assert TaskType.objects.count() == 1


def test_a_version_from_draft_to_force_over_rest(world: World) -> None:
    versions = f"{API}/policies/loan/versions"
    draft = world.api("partner").post(versions, {"document": policy_document()}, content_type="application/json")
    assert (draft.status_code, draft.json()["number"], draft.json()["proposed_by"]) == (201, 2, None)
    for verb, status in (("approve", "approved"), ("activate", "active"), ("retire", "retired")):
        refused = world.api("partner").post(f"{versions}/2/{verb}", {}, content_type="application/json")
        assert refused.status_code == 403
        moved = world.api("alice").post(f"{versions}/2/{verb}", {"reason": "x"}, content_type="application/json")
        assert (moved.status_code, moved.json()["status"]) == (200, status)
    assert world.api("alice").post(f"{versions}/2/approve", {}, content_type="application/json").status_code == 409
    assert world.api("alice").post(f"{versions}/2/explode", {}, content_type="application/json").status_code == 404


def test_a_document_that_does_not_compile_is_422_with_pointer_and_place(world: World) -> None:
    document = policy_document(rules=[{"name": "x", "when": "context.amont > 1.0", "then": "review"}])
    response = world.api("alice").post(
        f"{API}/policies/loan/versions", {"document": document}, content_type="application/json"
    )
    assert response.status_code == 422
    (problem,) = response.json()["errors"]
    assert problem["pointer"] == "/document/rules/0/when" and problem["detail"].startswith("Line 1, column")


def test_lists_cost_the_same_whatever_their_length(world: World) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            world.api("alice").get(f"{API}/policies")
            world.api("bob").get(f"{API}/task-types")
        return len(captured)

    queries()
    before = queries()
    for number in range(5):
        kind = TaskType.objects.create(workspace=world.workspace, **TASK_TYPE | {"slug": f"t{number}"})
        Policy.objects.create(workspace=world.workspace, task_type=kind, slug=f"t{number}", title="T")
    assert queries() == before
