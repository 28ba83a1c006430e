"""Two people judge a case blind, a third adjudicates: in a real browser, by keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from reviews.models import Case, Decision
from tests.e2e.conftest import Tab
from tests.factories import World

OpenTab = Callable[..., Tab]


@pytest.fixture
def double(town: World) -> World:
    town.queue.scheme = {"kind": "blind_double", "adjudication_queue": "loans-expert"}
    town.queue.reveal_share = 1.0
    town.queue.save()
    town.submit(town.case_body(external_id="app-1"))
    return town


def judge(tab: Tab, key: str, note: str) -> None:
    """First judgement, then the final word with a note; both by keyboard."""
    tab.page.keyboard.press(key)
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("button", name=re.compile("Record decision"))).to_be_visible()
    tab.page.keyboard.press(key)
    tab.page.fill("[name=reasoning]", note)
    tab.page.get_by_role("button", name=re.compile("Record decision")).click()
    tab.page.wait_for_url(lambda url: url.endswith("/work"))


def test_blind_double_and_adjudication(double: World, tab: OpenTab) -> None:
    tabs = {name: tab(theme) for name, theme in (("bob", "light"), ("carol", "dark"), ("dave", "light"))}
    for name, opened in tabs.items():
        opened.sign_in(double, name)
    for name, key, note in (("bob", "1", "income is proven"), ("carol", "2", "too many loans")):
        opened = tabs[name]
        opened.page.keyboard.press("c")
        expect(opened.page.locator("[data-scheme-step]")).to_contain_text("Blind review")
        assert "income is proven" not in opened.page.content()
        opened.check(f"blind review of {name}")
        judge(opened, key, note)
    dave = tabs["dave"]
    dave.go("/work")
    dave.page.keyboard.press("c")
    expect(dave.page.locator("[data-scheme-step]")).to_contain_text("Adjudication")
    assert "too many loans" not in dave.page.content(), "not before the adjudicator has judged"
    dave.page.keyboard.press("2")
    dave.page.keyboard.press("Enter")
    expect(dave.page.get_by_role("heading", name="What they said")).to_be_visible()
    expect(dave.page.get_by_text("too many loans")).to_be_visible()
    expect(dave.page.get_by_text("income is proven")).to_be_visible()
    dave.check("adjudication")
    dave.page.keyboard.press("2")
    dave.page.keyboard.press("Enter")
    dave.page.wait_for_url(lambda url: url.endswith("/work"))
    case = Case.objects.get(workspace=double.workspace)
    assert Decision.objects.get(case=case, is_current=True).owner == "adjudicator"
    dave.go(f"/cases/{case.pk}")
    expect(dave.page.get_by_role("heading", name="Who judged it")).to_be_visible()
    dave.check("the panel afterwards")
    alice = tab("dark", 320)
    alice.sign_in(double, "alice")
    alice.go("/ops/conflicts")
    expect(alice.page.get_by_role("heading", name="Conflicts")).to_be_visible()
    alice.check("conflicts")
