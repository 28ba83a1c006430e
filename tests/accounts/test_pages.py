import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client as Browser

from hitl.accounts.models import ApiKey, Membership, User, Workspace
from hitl.accounts.selectors import holder_of_key
from hitl.core.permissions import Role
from tests.accounts.test_people import person_as
from tests.factories import World, make_world


def member(world: World, name: str) -> Membership:
    return Membership.objects.get(workspace=world.workspace, user=world.users[name])


def signed_in(world: World, role: Role) -> Browser:
    browser = Browser()
    user = User.objects.get(pk=person_as(world, role).user_id)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def secret_on(response: Any) -> str:
    found = re.search(r'<code id="secret">([^<]+)</code>', response.content.decode())
    assert found
    return found[1]


def test_the_root_leads_to_the_work_or_the_login(world: World) -> None:
    assert Browser().get("/")["location"] == "/login"
    assert world.browser("bob").get("/")["location"] == "/work"


@pytest.mark.parametrize("path", ["/people", "/settings"])
def test_nobody_is_sent_to_the_login_and_back(db: None, path: str) -> None:
    assert Browser().get(path)["location"] == f"/login?next={path}"
    assert Browser().post(path)["location"] == "/login?next=/work"


@pytest.mark.parametrize(("role", "status"), [(r, 200 if r in ("supervisor", "operator") else 403) for r in Role])
def test_who_sees_the_people_page(world: World, role: Role, status: int) -> None:
    assert signed_in(world, role).get("/people").status_code == status


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_settings_and_the_stop_button_only_who_may_press_it(world: World, role: Role) -> None:
    browser = signed_in(world, role)
    page = browser.get("/settings")
    allowed = role in (Role.SUPERVISOR, Role.OPERATOR)
    assert page.status_code == 200
    assert ("Stop the machine" in text_of(page)) is allowed
    pressed = browser.post("/settings/machine", {"reason": "drill", "stop": "1"})
    assert pressed.status_code == (302 if allowed else 403)


def test_a_former_member_is_refused_everywhere(world: World) -> None:
    browser = world.browser("bob")
    Membership.objects.filter(user=world.users["bob"]).update(active=False)
    assert browser.get("/settings").status_code == 403


def test_inviting_on_the_page_sends_the_link(world: World) -> None:
    form = {"email": "frank@example.org", "name": "Frank", "role": "reviewer"}
    page = world.browser("alice").post("/people", form, follow=True)
    assert "on its way to frank@example.org" in text_of(page)
    assert "frank" in text_of(page)
    assert "http://testserver/password/reset/key/" in mail.outbox[0].body


def test_a_wrong_invitation_shows_what_is_wrong_and_a_refused_one_why(world: World) -> None:
    browser = world.browser("alice")
    assert "valid email" in text_of(browser.post("/people", {"email": "frank", "role": "reviewer"}))
    refused = browser.post("/people", {"email": "bob@example.org", "role": "reviewer"}, follow=True)
    assert "is a member already" in text_of(refused)


def test_an_operator_is_not_offered_to_make_supervisors(world: World) -> None:
    browser = signed_in(world, Role.OPERATOR)
    assert 'value="supervisor"' not in text_of(browser.get("/people"))
    form = {"email": "frank@example.org", "role": "supervisor"}
    assert "not one of the available choices" in text_of(browser.post("/people", form))
    path = f"/people/{member(world, 'bob').pk}/role"
    assert "Only a supervisor" in text_of(browser.post(path, {"role": "supervisor"}, follow=True))
    assert member(world, "bob").role == "reviewer"


def test_the_buttons_of_a_row(world: World) -> None:
    browser, bob = world.browser("alice"), member(world, "bob")
    assert "bob is now auditor" in text_of(browser.post(f"/people/{bob.pk}/role", {"role": "auditor"}, follow=True))
    assert "on its way" in text_of(browser.post(f"/people/{bob.pk}/reset", follow=True))
    assert "no longer active here" in text_of(browser.post(f"/people/{bob.pk}/deactivate", follow=True))
    assert not member(world, "bob").active
    assert browser.post(f"/people/{bob.pk}/role", {"role": "king"}).status_code == 400
    last = browser.post(f"/people/{member(world, 'alice').pk}/deactivate", follow=True)
    assert "last active supervisor" in text_of(last)


def test_strangers_find_nobody(world: World) -> None:
    browser = make_world("other").browser("alice")
    for verb in ("role", "deactivate", "reset"):
        assert browser.post(f"/people/{member(world, 'bob').pk}/{verb}", {"role": "auditor"}).status_code == 404
    assert "bob@example.org" not in text_of(browser.get("/people"))


def test_forms_need_the_csrf_token(world: World) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(world.users["alice"], backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post("/people", {"email": "frank@example.org", "role": "reviewer"}).status_code == 403
    assert mail.outbox == []


def test_preferences_are_kept_and_shown(world: World) -> None:
    browser = world.browser("bob")
    page = browser.post("/settings", {"theme": "dark"}, follow=True).content.decode()
    assert 'data-theme="dark"' in page
    assert 'data-keys="off"' in page
    assert "pink is not one of" in text_of(browser.post("/settings", {"theme": "pink"}))
    assert User.objects.get(pk=world.users["bob"].pk).theme == "dark"


def test_an_own_key_is_shown_once_and_works_until_revoked(world: World) -> None:
    browser = world.browser("bob")
    made = browser.post("/settings/keys", {"name": "my script", "scopes": ["reviews:write"]})
    secret = secret_on(made)
    assert made["cache-control"] == "no-store"
    holder = holder_of_key(secret)
    assert holder is not None
    page = text_of(browser.get("/settings"))
    assert "my script" in page
    assert secret not in page
    browser.post(f"/settings/keys/{holder.actor.key_id}/revoke")
    assert holder_of_key(secret) is None


def test_a_key_form_offers_only_the_own_scopes(world: World) -> None:
    browser = world.browser("bob")
    assert 'value="policies:write"' not in text_of(browser.get("/settings"))
    before = ApiKey.objects.count()
    refused = browser.post("/settings/keys", {"name": "x", "scopes": ["policies:write"]})
    assert "not one of the available choices" in text_of(refused)
    assert ApiKey.objects.count() == before


def test_nobody_revokes_anothers_key_here(world: World) -> None:
    key = ApiKey.objects.get(user=world.users["bob"])
    assert world.browser("carol").post(f"/settings/keys/{key.pk}/revoke").status_code == 404


def test_the_stop_button_on_the_page(world: World) -> None:
    browser = world.browser("alice")
    assert "This field is required" in text_of(browser.post("/settings/machine", {"stop": "1"}))
    stopped = browser.post("/settings/machine", {"stop": "1", "reason": "wrong answers"}, follow=True)
    assert "people decide every case" in text_of(stopped)
    assert Workspace.objects.get(pk=world.workspace.pk).machine_stopped
    browser.post("/settings/machine", {"reason": "fixed"})
    assert not Workspace.objects.get(pk=world.workspace.pk).machine_stopped


def test_login_logout_and_password_pages_work(world: World) -> None:
    browser = Browser()
    for path in ("/login", "/password/reset/", "/password/reset/done/", "/password/reset/key/done/", "/inactive"):
        assert browser.get(path).status_code == 200, path
    assert "by invitation" in text_of(browser.get("/signup"))
    wrong = browser.post("/login", {"login": "bob", "password": "wrong"})
    assert wrong.status_code == 200
    right = browser.post("/login", {"login": "bob@example.org", "password": "correct horse battery"})
    assert right["location"] == "/work"
    assert browser.get("/password/change/").status_code == 200
    assert browser.post("/logout")["location"] == "/login"
    assert browser.get("/settings").status_code == 302


def test_signing_up_is_closed(db: None) -> None:
    form = {"email": "eve@example.org", "username": "eve", "password1": "a long passphrase", "password2": "…"}
    Browser().post("/signup", form)
    assert not User.objects.filter(username="eve").exists()


def test_a_forgotten_password_is_reset_by_mail(world: World) -> None:
    Browser().post("/password/reset/", {"email": "bob@example.org"})
    assert "/password/reset/key/" in mail.outbox[0].body
    answer = Browser().post("/password/reset/", {"email": "nobody@example.org"})
    assert answer["location"] == "/password/reset/done/"  # the same for both
