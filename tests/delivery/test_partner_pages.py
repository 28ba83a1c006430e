from typing import Any

import pytest
from django.test import Client as Browser

from hitl.accounts.models import ApiKey, Client
from hitl.accounts.selectors import holder_of_key
from hitl.core.permissions import Role, Scope
from hitl.delivery.actions.sending import send_due
from hitl.delivery.models import WebhookEndpoint
from tests.accounts.test_pages import secret_on, signed_in, text_of
from tests.delivery.receiver import Receiver
from tests.factories import World, make_world


def partner(world: World) -> str:
    return f"/partners/{world.client.pk}"


@pytest.mark.parametrize(("role", "status"), [(r, 200 if r in ("supervisor", "operator") else 403) for r in Role])
def test_who_sees_the_partners_pages(world: World, role: Role, status: int) -> None:
    browser = signed_in(world, role)
    assert browser.get("/partners").status_code == status
    assert browser.get(partner(world)).status_code == status


def test_nobody_is_sent_to_the_login(world: World) -> None:
    assert Browser().get("/partners")["location"] == "/login?next=/partners"


def test_a_client_is_created_and_shows_a_quick_start(world: World) -> None:
    browser = world.browser("alice")
    page = browser.post("/partners", {"name": "shop"}, follow=True)
    assert page.redirect_chain[0][0] == f"/partners/{Client.objects.get(name='shop').pk}"
    assert "curl http://testserver/api/v1/cases" in text_of(page)
    assert "name already" in text_of(browser.post("/partners", {"name": "shop"}, follow=True))
    assert "This field is required" in text_of(browser.post("/partners", {"name": ""}))


def test_a_key_is_made_rotated_and_revoked(world: World) -> None:
    browser = world.browser("alice")
    kind = str(world.task_type.pk)
    form = {"name": "server", "scopes": ["cases:write", "cases:read"], "task_types": [kind]}
    made = browser.post(f"{partner(world)}/keys", form)
    assert made["cache-control"] == "no-store"
    first = holder_of_key(secret_on(made))
    assert first is not None
    assert first.actor.task_type_ids == {world.task_type.pk}
    second = holder_of_key(secret_on(browser.post(f"{partner(world)}/keys/{first.actor.key_id}/rotate")))
    assert second is not None
    assert "1 task type only" in text_of(browser.get(partner(world)))
    browser.post(f"{partner(world)}/keys/{first.actor.key_id}/revoke")
    assert holder_of_key(secret_on(made)) is None
    again = browser.post(f"{partner(world)}/keys/{first.actor.key_id}/rotate", follow=True)
    assert "has ended" in text_of(again)


def test_a_wrong_key_form_says_what_is_wrong(world: World) -> None:
    page = world.browser("alice").post(f"{partner(world)}/keys", {"name": ""})
    assert text_of(page).count("This field is required") == 2


def test_webhooks_are_added_tested_replayed_and_revoked(world: World, receiver: Receiver) -> None:
    browser = world.browser("alice")
    made = browser.post(f"{partner(world)}/webhooks", {"url": receiver.url, "event_types": ["case.decided"]})
    endpoint = WebhookEndpoint.objects.get()
    assert secret_on(made) == endpoint.secret
    assert endpoint.client == world.client
    assert "on its way" in text_of(browser.post(f"/partners/webhooks/{endpoint.pk}/test", follow=True))
    send_due()
    page = text_of(browser.get(partner(world)))
    assert "webhook.test" in page
    assert "HTTP 204" in page
    assert endpoint.secret not in page
    delivery = endpoint.deliveries.get()
    browser.post(f"/partners/webhooks/{endpoint.pk}/deliveries/{delivery.pk}/replay")
    send_due()
    assert len(receiver.received) == 2
    browser.post(f"/partners/webhooks/{endpoint.pk}/revoke")
    assert receiver.url not in text_of(browser.get(partner(world)))


def test_the_workspaces_own_webhooks_are_on_the_list(world: World) -> None:
    browser = world.browser("alice")
    browser.post("/partners/webhooks", {"url": "https://example.org/all"})
    assert "https://example.org/all" in text_of(browser.get("/partners"))
    assert "https://example.org/all" not in text_of(browser.get(partner(world)))
    refused = browser.post("/partners/webhooks", {"url": "http://169.254.169.254/"}, follow=True)
    assert "private, local or reserved" in text_of(refused)


def test_a_deactivated_client_offers_nothing_more(world: World) -> None:
    browser = world.browser("alice")
    page = text_of(browser.post(f"{partner(world)}/deactivate", follow=True))
    assert "no longer active" in page
    assert "Make a key" not in page


def test_an_operator_is_offered_integration_scopes_only(world: World) -> None:
    page = text_of(signed_in(world, Role.OPERATOR).get(partner(world)))
    assert "cases:write" in page
    assert 'value="policies:write"' not in page


def test_strangers_find_nothing(world: World) -> None:
    browser = make_world("other").browser("alice")
    api = world.api()
    hook = api.post("/api/v1/webhooks", {"url": "https://example.org/"}, content_type="application/json").json()["id"]
    sent = api.post(f"/api/v1/webhooks/{hook}/test").json()["id"]
    key = ApiKey.objects.get(client=world.client).pk
    form: dict[str, Any] = {"name": "x", "scopes": [Scope.CASES_READ.value], "url": "https://example.org/"}
    assert browser.get(partner(world)).status_code == 404
    for path in (
        f"{partner(world)}/deactivate",
        f"{partner(world)}/keys",
        f"{partner(world)}/keys/{key}/rotate",
        f"{partner(world)}/keys/{key}/revoke",
        f"{partner(world)}/webhooks",
        f"/partners/webhooks/{hook}/test",
        f"/partners/webhooks/{hook}/revoke",
        f"/partners/webhooks/{hook}/deliveries/{sent}/replay",
    ):
        assert browser.post(path, form).status_code == 404, path
    assert partner(world) not in text_of(browser.get("/partners"))
    assert ApiKey.objects.get(pk=key).revoked_at is None
