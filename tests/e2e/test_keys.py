"""Every key of the workbench, the palette, and shortcuts switched off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hitl.accounts.models import User
from reviews.models import Claim
from tests.e2e.conftest import Tab
from tests.e2e.shots import shot
from tests.e2e.test_states import LOOKS, begin, cases, reveal  # noqa: F401 - a fixture
from tests.factories import World

OpenTab = Callable[..., Tab]


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


def test_digits_choose_brackets_page_e_opens_and_question_mark_helps(cases: World, tab: OpenTab) -> None:  # noqa: F811
    page = begin(cases, tab).page
    for key in ("2", "1"):
        page.keyboard.press(key)
        expect(page.locator(f"[data-key-choice='{key}']")).to_be_checked()
    page.keyboard.press("]")
    first = focused(page)
    page.keyboard.press("]")
    second = focused(page)
    page.keyboard.press("[")
    assert focused(page) == first != second
    folded = page.locator("details[data-block]").first
    page.keyboard.press("e")
    expect(folded).to_have_attribute("open", "")
    page.keyboard.press("e")
    expect(folded).not_to_have_attribute("open", "")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.locator("[data-key-choice='1']")).to_be_checked()


def test_n_r_s_and_shift_e_open_their_fields_and_typing_is_left_alone(cases: World, tab: OpenTab) -> None:  # noqa: F811
    bob = begin(cases, tab)
    page = bob.page
    reveal(bob)
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("szxc?1")
    expect(page.locator("#note-text")).to_have_value("szxc?1")
    assert page.locator("[name=label]:checked").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("[name=reasoning]")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#skip-reason")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+E")
    expect(page.locator("#escalate-reason")).to_be_focused()
    page.keyboard.type("Is a second job enough?")
    page.get_by_role("button", name="Escalate this case").click()
    expect(page.get_by_text("Handed to the next tier.")).to_be_visible()
    assert Claim.objects.filter(user=cases.users["bob"], status="escalated").count() == 1


def test_j_k_move_slash_filters_and_g_goes_places(cases: World, tab: OpenTab) -> None:  # noqa: F811
    alice = tab()
    alice.sign_in(cases, "alice")
    page = alice.page
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/queues")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("j")
    second = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == first != second
    page.keyboard.press("Enter")
    page.wait_for_url("**/queues/*")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/ops")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/cases")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/work")
    alice.check("after all of them")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_palette_finds_commands_answers_and_pages(
    cases: World,  # noqa: F811
    tab: OpenTab,
    theme: str,
    width: int,
) -> None:
    bob = begin(cases, tab, theme, width)
    page = bob.page
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find a command or a page")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Skip")).to_be_visible()
    bob.check("palette")
    shot(bob, f"state-palette-{theme}" + ("" if width > 320 else "-320"))
    page.keyboard.type("rjct")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("Reject")
    assert field.get_attribute("aria-activedescendant") == "palette-option-0"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("[data-key-choice='2']")).to_be_checked()
    page.keyboard.press("Control+k")
    page.keyboard.type("zzzz")
    expect(page.locator(".palette-none")).to_be_visible()
    bob.check("nothing fits")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("queu")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queues")


def test_shortcuts_rest_when_they_are_switched_off(cases: World, tab: OpenTab) -> None:  # noqa: F811
    bob = begin(cases, tab)
    User.objects.filter(pk=cases.users["bob"].pk).update(keys_enabled=False)
    page = bob.page
    page.reload()
    for key in ("1", "?", "n", "Control+k", "s"):
        page.keyboard.press(key)
    assert page.locator("[name=label]:checked").count() == 0
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused(page) == "BODY"
    page.locator("[name=label]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#first-recorded")).to_be_visible()
    bob.check("without shortcuts")
