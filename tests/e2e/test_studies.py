"""A threshold study in a real browser: asked for on the form, read on its page; both themes, narrow, axe-clean."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from feedback.actions.labels import rebuild_labels
from tests.e2e.conftest import Tab
from tests.factories import World
from tests.feedback.history import observe_world


def picture(tab: Tab, name: str) -> None:
    """Kept where HITL_SHOTS names a folder, to be looked at."""
    if folder := os.environ.get("HITL_SHOTS"):
        tab.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("theme", "width"), [("light", 1360), ("dark", 320)])
def test_a_study_is_asked_for_and_answers_with_frontier_costs_and_labels(
    town: World, tab: Callable[..., Tab], theme: str, width: int
) -> None:
    observe_world(town, 2_400)
    observe_world(town, 1_400, seed=2, error=0.08, model_version="credit-2")
    rebuild_labels()
    alice = tab(theme, width)
    alice.sign_in(town, "alice")
    alice.go("/ops/studies/new?model_version=credit-1")
    alice.check("form")
    alice.page.fill("[name=review_cost]", "5")
    alice.page.fill("[name=error_cost]", "1")
    alice.page.select_option("[name=objective]", "least_cost")
    alice.page.get_by_role("button", name="Study", exact=True).click()
    expect(alice.page.get_by_text("Cheapest of all is")).to_be_visible()
    expect(alice.page.locator("svg.chart")).to_have_count(2)
    picture(alice, f"study-cost-{theme}-{width}")
    alice.check("least cost")
    alice.go("/ops/studies/new?segment=region%3DEU&objective=per_label")
    alice.page.get_by_role("button", name="Study", exact=True).click()
    expect(alice.page.get_by_role("heading", name="A threshold for each label")).to_be_visible()
    picture(alice, f"study-labels-{theme}-{width}")
    alice.check("per label")
    alice.go("/ops/studies/new?model_version=credit-2")
    alice.page.get_by_role("button", name="Study", exact=True).click()
    expect(alice.page.get_by_role("heading", name="Slices by themselves")).to_be_visible()
    picture(alice, f"study-not-{theme}-{width}")
    alice.check("not attainable")
    alice.go("/ops/studies")
    picture(alice, f"studies-{theme}-{width}")
    alice.check("list")
