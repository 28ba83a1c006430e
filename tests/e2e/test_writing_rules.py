"""An expert writes a rule by keyboard: completed, corrected at its place, tried, tested and proposed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from hitl.accounts.models import Membership
from routing.models import PolicyVersion
from tests.e2e.conftest import Tab
from tests.factories import World, policy_document

OpenTab = Callable[..., Tab]
# The browser gives the focus to what was added (autofocus) with the next frame; nobody types before they see it.
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_rule_is_written_by_keyboard_and_proposed(town: World, tab: OpenTab, theme: str) -> None:
    Membership.objects.filter(user=town.users["dave"]).update(role="expert")
    town.put_in_force(policy_document(rules=[{"name": "first", "when": "true", "then": "review"}]))
    dave = tab(theme)
    dave.sign_in(town, "dave")
    dave.go("/policies/loan/rules")
    page = dave.page
    page.get_by_role("button", name="Add a rule").click()
    expect(page.locator(".htmx-added, .htmx-settling")).to_have_count(0)  # a person does not type within its 20 ms
    expect(page.locator("#id_rules-1-name")).to_be_focused()
    page.evaluate(FRAMES)
    page.keyboard.type("big amounts")
    page.keyboard.press("Tab")
    expect(page.locator("#id_rules-1-when")).to_be_focused()
    page.keyboard.type("context.am")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator('.suggestions [aria-selected="true"]')).to_contain_text("context.amount")
    dave.check("suggestions open")
    page.keyboard.press("Enter")
    page.keyboard.type("t > 10000.0")
    expect(page.locator("#rules-1-check mark")).to_have_text("amountt")
    dave.check("an error at its place")
    page.locator("#id_rules-1-when").fill("context.amount > 10000.0")
    page.keyboard.press("Tab")
    expect(page.locator("#rules-1-check")).to_contain_text("Amount at stake")
    page.locator("#rules-1").get_by_role("button", name="Add a test").click()
    expect(page.locator("#id_rules-1-tests-0-name")).to_be_focused()
    page.evaluate(FRAMES)
    page.keyboard.type("a house")
    page.locator("#id_rules-1-tests-0-case").fill('{"context": {"amount": 500000}}')
    page.get_by_role("button", name="Move up: big amounts").click()
    expect(page.locator("#rules-0")).to_be_focused()
    expect(page.locator("#id_rules-0-name")).to_have_value("big amounts")
    page.get_by_role("button", name="Check everything").click()
    expect(page.get_by_text("the one test passes")).to_be_visible()
    dave.check("checked")
    page.locator("#id_note").fill("houses need a person")
    page.get_by_role("button", name="Propose as a draft").click()
    expect(page.get_by_text("another supervisor must approve")).to_be_visible()
    proposed = PolicyVersion.objects.get(policy=town.policy, number=3)
    assert [rule["name"] for rule in proposed.document["rules"]] == ["big amounts", "first"]


def test_a_rule_is_tried_on_past_cases_and_one_is_kept_as_a_test(town: World, tab: OpenTab) -> None:
    rule = {"name": "big", "when": "context.amount > 1000.0", "then": "review"}
    town.put_in_force(policy_document(rules=[rule]))
    town.submit(town.sure_case_body(external_id="a-house", context={"amount": 500000}))
    alice = tab(width=320)
    alice.sign_in(town, "alice")
    alice.go("/policies/loan/rules")
    alice.page.get_by_role("button", name="Try it on past cases big").click()
    expect(alice.page.get_by_text("True of 1 of the newest 1 cases")).to_be_visible()
    alice.check("tried")
    alice.page.get_by_role("button", name="Keep as a test").click()
    expect(alice.page.locator("#id_rules-0-tests-0-name")).to_have_value("a-house")
    alice.check("kept")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_advisor_leads_from_questions_to_a_draft_and_a_plan(town: World, tab: OpenTab, theme: str) -> None:
    alice = tab(theme)
    alice.sign_in(town, "alice")
    alice.go("/policies/loan/advisor")
    for name, value in {"per_day": "5000", "error_cost": "500", "reviewable": "25"}.items():
        alice.page.fill(f"[name={name}]", value)
    alice.page.get_by_role("button", name="Advise me").click()
    expect(alice.page.get_by_text("5,000 cases a day are too many")).to_be_visible()
    alice.check("advised")
    alice.page.get_by_role("button", name="Create this draft").click()
    expect(alice.page.get_by_text("You proposed this version")).to_be_visible()
    alice.go("/policies/loan/advisor")
    expect(alice.page.get_by_role("heading", name="The plan")).to_be_visible()
    alice.page.set_viewport_size({"width": 320, "height": 820})
    alice.check("planned, at 320")
