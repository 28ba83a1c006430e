"""An appeal in a browser: judged first, then both sides, then answered; the veil by key."""

from collections.abc import Callable

from playwright.sync_api import expect

from reviews.actions.appeals import file_appeal
from reviews.content_tags import forget_cares
from reviews.models import Appeal, ContentCare
from tests.api.support import claim, judge
from tests.e2e.conftest import Tab
from tests.factories import World

OpenTab = Callable[..., Tab]


def test_an_appeal_is_judged_before_anything_is_told_and_then_answered(town: World, tab: OpenTab) -> None:
    ContentCare.objects.create(
        task_type=town.task_type, workspace=town.workspace, tags=[{"tag": "grim", "always": True}]
    )
    forget_cares()
    case = town.submit(town.case_body(external_id="app-1"))
    judge(town, "bob", claim(town, "bob"), "reject", reasoning="income not shown")
    file_appeal(actor=town.actor("partner"), case_id=case["id"], reason="I do earn that.", submitted_by="customer-7")
    dave = tab("light", 1360)
    dave.sign_in(town, "dave")
    dave.page.keyboard.press("c")
    expect(dave.page.get_by_text("Machine output sealed")).to_be_visible()
    assert "I do earn that." not in dave.page.content()
    assert "income not shown" not in dave.page.content()
    side = dave.page.locator("[data-veil-side]")
    expect(side).to_have_class("evidence-side veil-blur")
    dave.page.keyboard.press("v")
    expect(side).to_have_class("evidence-side")
    dave.page.keyboard.press("1")
    dave.page.keyboard.press("Enter")
    expect(dave.page.get_by_role("heading", name="This is an appeal")).to_be_visible()
    expect(dave.page.get_by_text("I do earn that.")).to_be_visible()
    expect(dave.page.get_by_text("income not shown").first).to_be_visible()
    judged = dave.page.url
    dave.page.keyboard.press("1")
    dave.page.keyboard.press("Enter")
    dave.page.wait_for_url(lambda url: url != judged)
    assert Appeal.objects.get(case_id=case["id"]).outcome == "overturned"
