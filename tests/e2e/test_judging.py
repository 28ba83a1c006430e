"""A reviewer works by keyboard: judge first, see, record, undo; nothing is lost when the lease is."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from hitl.core.clock import now
from reviews.models import Claim, Decision, Judgement
from tests.e2e.conftest import Tab
from tests.factories import World

OpenTab = Callable[..., Tab]


@pytest.fixture
def cases(town: World) -> World:
    town.queue.reveal_share = 1.0
    town.queue.save()
    for number in range(4):
        town.submit(town.case_body(external_id=f"app-{number}", subject="customer-7"))
    return town


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 320])
def test_a_case_is_judged_first_then_recorded_by_keyboard_alone(
    cases: World, tab: OpenTab, theme: str, width: int
) -> None:
    bob = tab(theme, width)
    bob.sign_in(cases, "bob")
    expect(bob.page.get_by_role("heading", name="Your work")).to_be_visible()
    bob.check("work")
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("Machine output sealed")).to_be_visible()
    assert "Machine suggests" not in bob.page.content()
    bob.check("sealed")
    bob.page.keyboard.press("2")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_text("Machine suggests: Approve")).to_be_visible()
    assert bob.page.locator("[name=label]:checked").count() == 0
    bob.check("revealed")
    first = bob.page.url
    bob.page.keyboard.press("2")
    bob.page.keyboard.press("Enter")
    bob.page.wait_for_url(lambda url: url != first)
    expect(bob.page.get_by_text("Machine output sealed")).to_be_visible()
    bob.check("next case with undo")
    bob.page.keyboard.press("z")
    bob.page.wait_for_url(first)
    expect(bob.page.get_by_role("button", name=re.compile("Record decision"))).to_be_visible()
    bob.check("undone")
    judged = Judgement.objects.get(stage="final", user=cases.users["bob"])
    assert judged.undone_at is not None
    assert not Decision.objects.filter(case=judged.case, is_current=True).exists()


def test_a_lost_lease_keeps_the_draft_and_can_be_taken_back(cases: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(cases, "bob")
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("Machine output sealed")).to_be_visible()
    bob.page.keyboard.press("1")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_text("Machine suggests")).to_be_visible()
    bob.page.fill("[name=reasoning]", "income is not documented")
    Claim.objects.filter(user=cases.users["bob"], status="open").update(expires_at=now() - timedelta(seconds=1))
    bob.page.locator("[name=reasoning]").blur()
    bob.page.keyboard.press("2")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_text("You no longer hold this case")).to_be_visible()
    expect(bob.page.get_by_text("income is not documented")).to_be_visible()
    bob.check("lost")


def test_skip_takes_the_case_away_and_says_so(cases: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(cases, "bob")
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("Machine output sealed")).to_be_visible()
    bob.page.keyboard.press("s")
    bob.page.fill("#skip-reason", "I know the applicant")
    bob.page.get_by_role("button", name="Skip this case").click()
    expect(bob.page.get_by_text("Skipped; you will not get this case again.")).to_be_visible()
    bob.check("skipped")


def test_an_empty_queue_says_when_the_next_is_due(town: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(town, "bob")
    bob.check("empty")
    bob.page.keyboard.press("?")
    expect(bob.page.get_by_role("dialog")).to_be_visible()
    bob.check("help")
