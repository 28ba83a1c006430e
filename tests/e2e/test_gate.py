"""A reviewer rejects an irreversible action with feedback, and sees it again beside the next proposal."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reviews.models import Approval
from tests.api.support import open_queue, use_policy
from tests.e2e.conftest import Tab
from tests.factories import World

ACTION = {"type": "disburse", "parameters": {"amount": 5000, "account": "DE1"}, "reversible": False}


def shot(tab: Tab, name: str) -> None:
    """A picture for whoever works on the look: HITL_SHOTS names the folder."""
    if folder := os.environ.get("HITL_SHOTS"):
        tab.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("theme", "width"), [("light", 1360), ("dark", 1360), ("light", 320), ("dark", 320)])
def test_a_rejection_carries_feedback_that_the_next_proposal_shows(
    town: World, tab: Callable[..., Tab], theme: str, width: int
) -> None:
    open_queue(town)
    town.expert_queue.judge_first = False
    town.expert_queue.save()
    town.submit(town.sure_case_body(proposed_action=ACTION, external_id="p-1"))
    dave = tab(theme, width)
    dave.sign_in(town, "dave")
    dave.page.keyboard.press("c")
    expect(dave.page.get_by_role("heading", name="Proposed action: disburse")).to_be_visible()
    assert dave.page.locator("[name=approval]:checked").count() == 0
    dave.page.get_by_label("Reject", exact=False).last.check()
    dave.page.get_by_text("Feedback on the action").click()
    dave.check("asked for approval")
    shot(dave, f"gate-{theme}-{width}")
    dave.page.get_by_label("Parameters wrong").check()
    dave.page.get_by_label("Remark on “account”").fill("closed in May")
    dave.page.locator("[name=label]").nth(1).check()
    dave.page.get_by_role("button", name="Record decision").click()
    dave.page.wait_for_url("**/work")
    assert Approval.objects.filter(case__workspace=town.workspace).get().codes == ["parameters_wrong"]
    town.submit(town.sure_case_body(proposed_action=ACTION, external_id="p-2", resubmits="p-1"))
    dave.page.keyboard.press("c")
    expect(dave.page.get_by_text("1 earlier proposal")).to_be_visible()
    expect(dave.page.get_by_text("closed in May")).to_be_visible()
    dave.check("with the chain")
    shot(dave, f"chain-{theme}-{width}")


@pytest.mark.parametrize(("theme", "width"), [("light", 1360), ("dark", 320)])
def test_what_validation_did_and_the_models_that_may_be_asked(
    town: World, tab: Callable[..., Tab], theme: str, width: int
) -> None:
    use_policy(town, cascade={"layers": [{"kind": "banned_terms", "name": "words", "terms": ["casino"]}]})
    town.submit(town.sure_case_body())
    alice = tab(theme, width)
    alice.sign_in(town, "alice")
    alice.go("/ops/cascade")
    expect(alice.page.get_by_role("rowheader", name="words")).to_be_visible()
    alice.check("validation report")
    shot(alice, f"cascade-{theme}-{width}")
    alice.go("/settings/models")
    alice.page.get_by_label("Name", exact=True).fill("gpt")
    alice.page.get_by_label("Address").fill("ftp://example.org/x")
    alice.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_text("Give an absolute address")).to_be_visible()
    alice.said.clear()  # Chromium itself reports every 4xx
    alice.check("refused model")
    alice.page.get_by_label("Address").fill("http://127.0.0.1:9/v1/chat/completions")
    alice.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_role("link", name="gpt")).to_be_visible()
    alice.check("models")
    shot(alice, f"models-{theme}-{width}")
