"""In which language pages speak: the reader's choice, else the browser's wish; the API always English."""

from typing import Any

import pytest
from django.test import Client as Browser

from audit.models import Event
from tests.factories import World

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


def language_of(response: Any) -> str:
    said = str(response.headers["Content-Language"])
    assert f'<html lang="{said}"' in response.content.decode()
    return said


def choose(browser: Browser, language: str) -> Any:
    return browser.post("/settings", {"theme": "system", "language": language, "keys_enabled": "on"})


@pytest.mark.parametrize(
    ("wish", "found"), [(GERMAN["accept-language"], "de"), ("fr", "en"), ("en-GB", "en"), ("", "en")]
)
def test_strangers_get_the_language_their_browser_asks_for(db: None, wish: str, found: str) -> None:
    page = Browser().get("/login", headers={"accept-language": wish})
    assert language_of(page) == found
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page.headers["Vary"].split(",")}


def test_what_a_person_chose_outweighs_every_browser_until_they_leave_it_to_the_browser(world: World) -> None:
    bob = world.browser("bob")
    assert language_of(bob.get("/work")) == "en"
    assert choose(bob, "de").status_code == 302
    assert language_of(bob.get("/work")) == "de"
    assert language_of(world.browser("bob").get("/work", headers={"accept-language": "en"})) == "de"
    assert language_of(world.browser("carol").get("/work")) == "en"
    choose(bob, "en")
    assert language_of(bob.get("/work", headers=GERMAN)) == "en"
    choose(bob, "")
    assert language_of(bob.get("/work", headers=GERMAN)) == "de"
    assert [e.after["language"] for e in Event.objects.filter(action="preferences.changed").order_by("id")] == [
        "de",
        "en",
        "",
    ]


def test_a_language_there_is_not_is_refused_in_the_form(world: World) -> None:
    bob = world.browser("bob")
    assert choose(bob, "fr").status_code == 200
    world.users["bob"].refresh_from_db()
    assert world.users["bob"].language == ""


@pytest.mark.parametrize("path", ["/api/v1/cases", "/api/v1/cases?limit=no", "/api/v1/nowhere", "/api/v1/schema"])
def test_the_api_answers_everybody_alike(world: World, path: str) -> None:
    world.submit()
    choose(world.browser("bob"), "de")
    for caller in (world.browser("bob"), world.api("bob"), Browser()):
        plain, german = caller.get(path), caller.get(path, headers=GERMAN)
        assert (german.status_code, german.content) == (plain.status_code, plain.content)
        assert "Accept-Language" not in german.headers.get("Vary", "")


def test_a_german_page_leaves_nothing_behind_for_the_next_request_of_its_thread(world: World) -> None:
    body = {"theme": "no such field"}
    before = world.api("bob").post("/api/v1/cases", body, content_type="application/json")
    assert language_of(Browser().get("/login", headers=GERMAN)) == "de"
    assert world.api("bob").post("/api/v1/cases", body, content_type="application/json").content == before.content
