"""The pages anybody may ask for: login, closed sign-up, password reset; none of them breaks or lets in."""

from django.test import Client as Browser

from hitl.accounts.models import User
from tests.access.routes import all_routes
from tests.factories import PASSWORD, World

PREFIXES = ("/login", "/logout", "/signup", "/inactive", "/reauthenticate", "/password/")


def test_none_of_them_breaks_for_nobody(world: World) -> None:
    for route in (r for r in all_routes() if r.path.startswith(PREFIXES)):
        path = route.fill({"uidb36": "0", "key": "none"})
        for method in route.methods:
            response = getattr(Browser(), method.lower())(path)
            assert response.status_code in (200, 302), (method, path)


def test_nobody_can_sign_up_by_themselves(world: World) -> None:
    before = User.objects.count()
    form = {"email": "m@example.org", "username": "mallory", "password1": PASSWORD, "password2": PASSWORD}
    Browser().post("/signup", form)
    assert User.objects.count() == before


def test_the_login_lets_in_by_password_only(world: World) -> None:
    browser = Browser()
    browser.post("/login", {"login": "bob", "password": "wrong"})
    assert browser.get("/work").status_code == 302
    browser.post("/login", {"login": "bob", "password": PASSWORD})
    assert browser.get("/work").status_code == 200
    browser.post("/logout")
    assert browser.get("/work").status_code == 302


def test_a_page_asks_for_login_and_comes_back(world: World) -> None:
    response = Browser().get("/queues/loans")
    assert (response.status_code, response["Location"]) == (302, "/login?next=/queues/loans")


def test_a_page_changes_nothing_without_the_csrf_token(world: World) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(world.users["bob"], backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post("/work/claim").status_code == 403
    assert browser.post("/api/v1/reviews/claim", "{}", content_type="application/json").status_code == 403
