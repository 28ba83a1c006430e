"""The visibility page and the panel beside a case in a real browser: both themes, narrow, axe-clean."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from feedback.actions.precedents import sweep_precedents
from hitl.core.clock import now, rfc3339
from reviews.actions.visibility import Shares, set_visibility_policy
from tests.api.support import claim, judge, post
from tests.e2e.conftest import Tab
from tests.factories import World

OpenTab = Callable[..., Tab]


def judged(world: World, n: int, **body: object) -> None:
    """Bob judges; the partner reports what it turned out to be."""
    for number in range(n):
        case = world.submit(world.case_body(external_id=f"e-{number}", **body))
        judge(world, "bob", claim(world, "bob"), "approve" if number % 4 else "reject")
        said = {"label": "approve", "observed_at": rfc3339(now())}
        assert post(world, "partner", f"cases/{case['id']}/outcomes", said).status_code == 201


def picture(tab: Tab, name: str) -> None:
    """Kept where HITL_SHOTS names a folder, to be looked at."""
    if folder := os.environ.get("HITL_SHOTS"):
        tab.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 320])
def test_the_page_says_in_words_and_pictures_whether_showing_helps(
    town: World, tab: OpenTab, theme: str, width: int
) -> None:
    set_visibility_policy(
        actor=town.actor("alice"), queue=town.queue, shares=Shares(0.0, 0.5, 0.5), in_force_after=timedelta(0)
    )
    judged(town, 90)
    alice = tab(theme, width)
    alice.sign_in(town, "alice")
    alice.go("/ops/visibility?queue=loans")
    expect(alice.page.get_by_text("changed accuracy by")).to_be_visible()
    expect(alice.page.locator("svg.chart")).to_have_count(2)
    picture(alice, f"visibility-{theme}-{width}")
    alice.check("figures")
    alice.page.fill("[name=after]", "60")
    alice.page.fill("[name=never]", "40")
    alice.page.get_by_role("button", name="Set the arms").click()
    expect(alice.page.get_by_text("The arms are set")).to_be_visible()
    alice.check("set")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_similar_cases_open_sealed_and_again_in_full_after_the_first_judgement(
    town: World, tab: OpenTab, theme: str
) -> None:
    town.queue.reveal_share = 1.0
    town.queue.save()
    judged(town, 3, subject="customer-7")
    town.submit(town.case_body(subject="customer-7"))
    bob = tab(theme)
    bob.sign_in(town, "bob")
    lease = claim(town, "bob")
    sweep_precedents()
    bob.go(f"/cases/{lease['case']['id']}")
    panel = bob.page.locator("#copilot")
    panel.locator("summary").click()
    expect(panel.get_by_text("once the machine's answer may be seen")).to_be_visible()
    expect(panel.get_by_text("outcome sealed").first).to_be_visible()
    bob.check("sealed panel")
    bob.page.locator("input[name=label][value=approve]").check()
    bob.page.get_by_role("button", name="Record first judgement").click()
    expect(bob.page.get_by_text("Machine suggests")).to_be_visible()
    expect(panel).not_to_have_attribute("open", "")
    panel.locator("summary").click()
    expect(panel.get_by_text("% alike").first).to_be_visible()
    expect(panel.get_by_text("of 3 similar cases").first).to_be_visible()
    picture(bob, f"copilot-{theme}")
    bob.check("full panel")
