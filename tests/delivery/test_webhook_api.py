import uuid
from typing import Any

import pytest
from django.test import Client as Browser

from audit.models import Event
from hitl.accounts.models import ApiKey, Client, Membership, User
from hitl.core.permissions import Role, Scope
from hitl.delivery.actions.endpoints import MAX_ENDPOINTS
from hitl.delivery.actions.sending import send_due
from hitl.delivery.models import WebhookEndpoint
from tests.delivery.receiver import Receiver
from tests.factories import World, make_key, make_world

URL = "https://partner.example.org/hook"


def add(api: Browser, **body: Any) -> Any:
    return api.post("/api/v1/webhooks", {"url": URL} | body, content_type="application/json")


def test_a_partner_registers_lists_and_revokes_its_endpoints(world: World) -> None:
    api = world.api()
    made = add(api, event_types=["case.decided"])
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["secret"].startswith("whsec_")
    assert (body["client"], body["event_types"], body["active"]) == ("bank", ["case.decided"], True)
    listed = api.get("/api/v1/webhooks").json()
    assert [e["id"] for e in listed["results"]] == [body["id"]]
    assert "secret" not in listed["results"][0]
    assert api.delete(f"/api/v1/webhooks/{body['id']}").status_code == 204
    assert api.delete(f"/api/v1/webhooks/{body['id']}").status_code == 404
    assert api.get("/api/v1/webhooks").json() == {"results": [], "next": None}


def test_the_secret_never_enters_the_evidence(world: World) -> None:
    secret = add(world.api()).json()["secret"]
    event = Event.objects.get(action="webhook.registered")
    assert secret not in str(event.__dict__)


def test_test_deliveries_and_replay(world: World, receiver: Receiver) -> None:
    api = world.api()
    base = f"/api/v1/webhooks/{add(api, url=receiver.url).json()['id']}"
    tested = api.post(f"{base}/test")
    assert tested.status_code == 202
    assert tested.json()["status"] == "waiting"
    send_due()
    (delivery,) = api.get(f"{base}/deliveries").json()["results"]
    assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("delivered", 1, 204)
    assert delivery["message_id"] == receiver.received[0].headers["webhook-id"]
    again = api.post(f"{base}/deliveries/{delivery['id']}/replay")
    assert again.status_code == 202
    send_due()
    assert len(receiver.received) == 2


def test_deliveries_come_in_pages(world: World) -> None:
    api = world.api()
    base = f"/api/v1/webhooks/{add(api).json()['id']}"
    for _ in range(3):
        api.post(f"{base}/test")
    first = api.get(f"{base}/deliveries?limit=2").json()
    second = api.get(f"{base}/deliveries?limit=2&cursor={first['next']}").json()
    assert (len(first["results"]), len(second["results"]), second["next"]) == (2, 1, None)


@pytest.mark.parametrize("who", ["rival", "stranger", "stranger's supervisor"])
def test_outsiders_cannot_tell_an_endpoint_from_a_missing_one(world: World, who: str) -> None:
    other = make_world("other")
    rival = Client.objects.create(workspace=world.workspace, name="rival")
    world.keys["rival"] = make_key(world, client=rival, scopes=list(Scope))
    api = {"rival": world.api("rival"), "stranger": other.api(), "stranger's supervisor": other.api("alice")}[who]
    endpoint = add(world.api()).json()["id"]
    delivery = world.api().post(f"/api/v1/webhooks/{endpoint}/test").json()["id"]
    for method, path in [
        ("delete", "/api/v1/webhooks/{}"),
        ("post", "/api/v1/webhooks/{}/test"),
        ("get", "/api/v1/webhooks/{}/deliveries"),
        ("post", "/api/v1/webhooks/{}/deliveries/" + delivery + "/replay"),
    ]:
        hidden = getattr(api, method)(path.format(endpoint))
        missing = getattr(api, method)(path.format(uuid.uuid4()))
        assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert api.get("/api/v1/webhooks").json()["results"] == []


def test_a_delivery_of_another_endpoint_is_missing(world: World) -> None:
    api = world.api()
    one, two = add(api).json()["id"], add(api).json()["id"]
    delivery = api.post(f"/api/v1/webhooks/{one}/test").json()["id"]
    assert api.post(f"/api/v1/webhooks/{two}/deliveries/{delivery}/replay").status_code == 404


def test_a_supervisor_sees_the_workspaces_endpoints_and_registers_for_all(world: World) -> None:
    add(world.api())
    made = add(world.api("alice"))
    assert made.json()["client"] is None
    assert len(world.api("alice").get("/api/v1/webhooks").json()["results"]) == 2
    assert len(world.api().get("/api/v1/webhooks").json()["results"]) == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.SUPERVISOR, 201),
        (Role.OPERATOR, 201),
        (Role.REVIEWER, 403),
        (Role.AUDITOR, 403),
        (Role.ENGINEER, 403),
    ],
)
def test_people_need_the_role(world: World, role: Role, status: int) -> None:
    user = User.objects.create_user("somebody", "s@example.org", "x")
    Membership.objects.create(workspace=world.workspace, user=user, role=role)
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert add(browser).status_code == status
    assert browser.get("/api/v1/webhooks").status_code == (200 if status == 201 else 403)


def test_a_narrow_key_is_refused_even_a_supervisors(world: World) -> None:
    for owner in ({"client": world.client}, {"user": world.users["alice"]}):
        world.keys["narrow"] = make_key(world, scopes=[Scope.CASES_READ], **owner)
        answer = add(world.api("narrow"))
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_required")


def test_a_key_limited_to_task_types_is_refused(world: World) -> None:
    ApiKey.objects.filter(client=world.client).update(task_type_ids=[world.task_type.pk])
    assert add(world.api()).status_code == 403


def test_nobody_is_401(world: World) -> None:
    assert add(Browser()).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"url": "ftp://example.org/x"}, 422, "bad_url", "/url"),
        ({"url": "example.org/hook"}, 422, "bad_url", "/url"),
        ({"url": "https://user:pw@example.org/"}, 422, "bad_url", "/url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, 422, "bad_url", "/url"),
        ({"url": "http://[64:ff9b::7f00:1]/"}, 422, "bad_url", "/url"),
        ({"url": "https://exa mple.org/"}, 422, "bad_url", "/url"),
        ({"url": "https://example.org:99999999/"}, 422, "bad_url", "/url"),
        ({"event_types": ["case.decided", "case.eaten"]}, 422, "unknown_event_type", "/event_types/1"),
        ({"url": 7}, 400, "invalid_input", "/url"),
        ({"url": "https://e.org/" + "x" * 500}, 400, "invalid_input", "/url"),
        ({"secret": "mine"}, 400, "invalid_input", "/secret"),
    ],
)
def test_bad_input_names_the_place(world: World, body: Any, status: int, code: str, pointer: str) -> None:
    answer = add(world.api(), **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not WebhookEndpoint.objects.exists()


def test_in_production_only_https_and_no_private_address(world: World, settings: Any) -> None:
    settings.HITL_WEBHOOK_ALLOW_PRIVATE = False
    assert add(world.api(), url="http://example.org/").status_code == 422
    assert add(world.api(), url="https://10.0.0.1/").status_code == 422
    assert add(world.api(), url="https://example.org/").status_code == 201


def test_there_is_a_limit_of_endpoints(world: World) -> None:
    for _ in range(MAX_ENDPOINTS):
        assert add(world.api()).status_code == 201
    answer = add(world.api())
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")


def test_a_disabled_endpoint_refuses_test_and_replay(world: World) -> None:
    api = world.api()
    base = f"/api/v1/webhooks/{add(api).json()['id']}"
    delivery = api.post(f"{base}/test").json()["id"]
    WebhookEndpoint.objects.update(active=False)
    for path in (f"{base}/test", f"{base}/deliveries/{delivery}/replay"):
        answer = api.post(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_inactive")
