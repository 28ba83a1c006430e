"""Models that may be asked: named by supervisors, through REST, page, admin and file; the secret never comes back."""

from typing import Any

import pytest
from django.core.management import call_command

from audit.models import Event
from routing.models import ModelEndpoint
from tests.api.support import get, post, problem
from tests.factories import World

BODY = {"slug": "gpt", "kind": "judge", "url": "http://127.0.0.1:9/v1/chat/completions", "secret": "sk-very-secret"}
SECRET = b"sk-very-secret"


def made(world: World, **changes: Any) -> dict[str, Any]:
    response = post(world, "alice", "model-endpoints", BODY | changes)
    assert response.status_code == 201, response.content
    return response.json()


def test_an_endpoint_is_named_changed_and_removed(world: World) -> None:
    assert made(world)["has_secret"] is True
    api = world.api("alice")
    change = {"timeout_s": 5, "active": False}
    changed = api.patch("/api/v1/model-endpoints/gpt", change, content_type="application/json").json()
    assert (changed["timeout_s"], changed["active"], changed["has_secret"]) == (5.0, False, True)
    assert get(world, "alice", "model-endpoints").json()["results"] == [changed]
    assert api.delete("/api/v1/model-endpoints/gpt").status_code == 204
    assert get(world, "alice", "model-endpoints/gpt").status_code == 404


def test_the_secret_is_written_and_never_read(world: World) -> None:
    made(world)
    assert ModelEndpoint.objects.get().secret.encode() == SECRET
    for path in ("model-endpoints", "model-endpoints/gpt", "audit/events"):
        assert SECRET not in get(world, "alice", path).content
    browser = world.browser("alice")
    for path in ("/settings/models", "/settings/models/gpt", "/audit"):
        assert SECRET not in browser.get(path).content
    world.users["alice"].is_staff = True
    key = ModelEndpoint.objects.get().pk
    assert SECRET not in browser.get(f"/admin/routing/modelendpoint/{key}/change/").content
    assert not hasattr(ModelEndpoint.history.first(), "secret")


def test_a_new_secret_is_an_event_that_does_not_tell_it(world: World) -> None:
    made(world)
    world.api("alice").patch("/api/v1/model-endpoints/gpt", {"secret": "other"}, content_type="application/json")
    event = Event.objects.get(action="modelendpoint.changed")
    assert list(event.after or {}) == ["secret"]
    assert str((event.after or {})["secret"]).startswith("sha256:")


WRONG: dict[str, dict[str, Any]] = {
    "/url": {"url": "ftp://example.org/x"},
    "/auth_header": {"auth_header": "Host"},
    "/mapping": {"kind": "adapter", "mapping": {"request": {"x": "{{secret.path}}"}}},
}


@pytest.mark.parametrize("pointer", WRONG)
def test_what_could_not_work_is_refused_at_its_place(world: World, pointer: str) -> None:
    body = problem(post(world, "alice", "model-endpoints", BODY | WRONG[pointer]), 422, "invalid_values")
    assert body["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "https://127.0.0.1/x", "http://example.org/x"])
def test_private_and_plain_addresses_need_the_operators_word(world: World, settings: Any, url: str) -> None:
    settings.HITL_MODEL_ALLOW_PRIVATE = False
    problem(post(world, "alice", "model-endpoints", BODY | {"url": url}), 422, "invalid_values")


def test_a_name_is_taken_once(world: World) -> None:
    made(world)
    assert post(world, "alice", "model-endpoints", BODY).status_code == 422


def test_the_page_keeps_the_secret_that_is_left_empty(world: World) -> None:
    browser = world.browser("alice")
    sent = {**BODY, "auth_header": "Authorization", "timeout_s": "20", "mapping": "{}", "active": "on"}
    assert browser.post("/settings/models", sent).status_code == 302
    assert browser.post("/settings/models/gpt", sent | {"secret": "", "timeout_s": "3"}).status_code == 302
    row = ModelEndpoint.objects.get()
    assert (row.secret.encode(), row.timeout_s) == (SECRET, 3.0)
    refused = browser.post("/settings/models/gpt", sent | {"url": "nonsense"})
    assert (refused.status_code, b"absolute address" in refused.content) == (422, True)


def test_the_configuration_file_names_the_variable_that_holds_the_secret(
    world: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hitl.yaml"
    path.write_text(
        "workspace: {slug: acme}\n"
        "model_endpoints:\n"
        "  - {slug: gpt, kind: judge, url: 'http://127.0.0.1:9/v1', secret_env: JUDGE_KEY}\n"
    )
    monkeypatch.setenv("JUDGE_KEY", "sk-from-outside")
    call_command("apply_config", str(path))
    assert ModelEndpoint.objects.get().secret == "sk-from-outside"


def test_the_cascade_report_says_what_each_layer_did(world: World) -> None:
    from tests.api.support import use_policy

    layer = {"kind": "banned_terms", "name": "words", "terms": ["casino"]}
    use_policy(world, cascade={"layers": [layer]})
    world.submit(world.sure_case_body())
    world.submit(world.sure_case_body(input={"income": 1, "purpose": "casino"}))
    report = get(world, "alice", "cascade-report?days=1&task_type=loan").json()
    (row,) = report["results"]
    assert (row["layer"], row["runs"], row["passed"], row["failed"], row["errors"]) == ("words", 2, 1, 1, 0)
    assert (row["mean_cost"], row["attempts"]) == (0.0, 1.0)
    assert b"words" in world.browser("alice").get("/ops/cascade").content
    problem(get(world, "alice", "cascade-report?days=0"), 400, "invalid_input")


def test_a_policy_that_names_a_model_nobody_could_ask_is_refused(world: World) -> None:
    from tests.factories import policy_document

    judge = {"kind": "judge", "name": "j", "endpoint": "gpt", "model": "m", "prompt": "?"}
    wanted = policy_document(cascade={"layers": [judge]}, adapters=[{"name": "a", "endpoint": "gpt"}])
    made(world)
    body = problem(post(world, "alice", "policies/loan/versions", {"document": wanted}), 422, "policy_does_not_compile")
    assert [error["pointer"] for error in body["errors"]] == ["/document/adapters/0/endpoint"]
