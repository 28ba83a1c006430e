"""A reviewer who chose German judges a case; the main pages hold German's long words at every width."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from hitl.accounts.models import User
from reviews.models import Judgement
from tests.e2e.conftest import WIDTHS, Tab
from tests.e2e.test_pages import PAGES, replay_pages, try_beside
from tests.factories import World

OpenTab = Callable[..., Tab]


def speaks_german(town: World, name: str) -> None:
    User.objects.filter(pk=town.users[name].pk).update(language="de")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_reviewer_judges_a_case_in_german(town: World, tab: OpenTab, width: int) -> None:
    town.queue.reveal_share = 1.0
    town.queue.save()
    for _ in range(2):
        town.submit()
    speaks_german(town, "bob")
    bob = tab(width=width)
    bob.sign_in(town, "bob")
    expect(bob.page.locator("html")).to_have_attribute("lang", "de")
    expect(bob.page.get_by_role("heading", name="Ihre Arbeit")).to_be_visible()
    bob.check("work")
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text(re.compile("versiegelt", re.IGNORECASE)).first).to_be_visible()
    bob.check("sealed")
    bob.page.keyboard.press("1")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_text("Vorschlag der Maschine: Approve")).to_be_visible()
    bob.check("revealed")
    first = bob.page.url
    bob.page.keyboard.press("1")
    bob.page.keyboard.press("Enter")
    bob.page.wait_for_url(lambda url: url != first)
    bob.check("next case with undo")
    assert Judgement.objects.filter(user=town.users["bob"], stage="final").count() == 1


def test_a_language_chosen_in_the_settings_holds_at_once(town: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(town, "bob")
    bob.go("/settings")
    bob.page.select_option("[name=language]", "de")
    bob.page.get_by_role("button", name="Save").click()
    expect(bob.page.get_by_text("Gespeichert.")).to_be_visible()
    expect(bob.page.locator("html")).to_have_attribute("lang", "de")
    bob.page.keyboard.press("Control+k")
    bob.page.fill("#palette-input", "Warteschlangen")
    expect(bob.page.locator("#palette-list [role=option]").first).to_contain_text("Warteschlangen")


@pytest.mark.parametrize("name", list(PAGES))
def test_german_pages_are_accessible_and_fit_the_window(town: World, tab: OpenTab, name: str) -> None:
    try_beside(town)
    case = town.submit()
    speaks_german(town, name)
    person = tab(width=320)
    person.sign_in(town, name)
    more = [f"/cases/{case['id']}", f"/cases/{case['id']}/trace", *replay_pages(town)] if name == "alice" else []
    for path in [*PAGES[name], *more]:
        person.go(path)
        if path == "/nowhere":
            person.said.clear()  # Chromium itself reports every 404
        person.check(f"{path} in German at 320")
