"""A case goes from hand to hand, by the pages alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from reviews.models import ReviewTask
from tests.e2e.conftest import Tab
from tests.factories import World


@pytest.mark.parametrize(("theme", "width"), [("light", 1360), ("dark", 320)])
def test_a_case_is_handed_on_answered_put_off_and_assigned(
    town: World, tab: Callable[..., Tab], theme: str, width: int
) -> None:
    town.submit(town.case_body(external_id="h-1", subject="neighbour"))
    bob, carol, alice = (tab(theme, width) for _ in range(3))
    for one, name in ((bob, "bob"), (carol, "carol"), (alice, "alice")):
        one.sign_in(town, name)
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("in the order of its queue")).to_be_visible()
    bob.check("why it stands there")
    bob.page.keyboard.press("h")
    expect(bob.page.get_by_role("heading", name="Hand this case on")).to_be_visible()
    bob.check("hand on")
    bob.page.get_by_label("To", exact=True).select_option(town.users["carol"].get_username())
    bob.page.get_by_label("A note for whoever gets it").fill("you know the form")
    bob.page.get_by_role("button", name="Hand it on").click()
    bob.page.wait_for_url("**/work")

    carol.page.keyboard.press("c")
    expect(carol.page.get_by_text("you know the form")).to_be_visible()
    carol.check("a note from earlier hands")
    carol.page.keyboard.press("h")
    expect(carol.page.get_by_role("heading", name="Hand back")).to_be_visible()
    carol.page.get_by_label("For", exact=True).select_option("60")
    carol.page.get_by_label("What is it waiting for?").fill("papers")
    carol.page.get_by_role("button", name="Put it off").click()
    carol.page.wait_for_url("**/work")
    assert ReviewTask.objects.get(case__workspace=town.workspace).status == "snoozed"

    alice.go("/queues/loans/reviews?show=snoozed")
    expect(alice.page.get_by_text("It is put off")).to_be_visible()
    alice.check("rows of a queue")
    alice.page.get_by_role("link", name="Assign Loan").click()
    alice.page.get_by_label("To", exact=True).select_option(town.users["bob"].get_username())
    alice.check("assign")
    alice.page.get_by_role("button", name="Assign").click()
    alice.page.wait_for_url("**/reviews")
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("It comes first: it was given to you.")).to_be_visible()
    bob.page.keyboard.press("h")
    bob.page.get_by_role("button", name="Let others judge it").click()
    bob.page.wait_for_url("**/work")
    assert ReviewTask.objects.get(case__workspace=town.workspace).status == "waiting"


@pytest.mark.parametrize(("theme", "width"), [("light", 1360), ("dark", 320)])
def test_hours_staff_filters_and_several_at_once(town: World, tab: Callable[..., Tab], theme: str, width: int) -> None:
    type(town.queue).objects.filter(pk=town.queue.pk).update(judge_first=False, allow_pick=True)
    for number in range(2):
        town.submit(town.case_body(external_id=f"b-{number}"))
    bob, alice = tab(theme, width), tab(theme, width)
    bob.sign_in(town, "bob")
    alice.sign_in(town, "alice")
    bob.go("/hours")
    bob.check("own hours")
    alice.go("/ops/staff")
    alice.check("staff")
    alice.page.get_by_role("link", name=town.users["bob"].get_username(), exact=True).click()
    alice.page.wait_for_url("**/ops/staff/*")
    alice.check("hours and rotation")
    bob.go("/cases?q=b-1")
    if not bob.page.get_by_label("Name this view").is_visible():
        bob.page.get_by_text("Your filters").click()
    bob.page.get_by_label("Name this view").fill("One")
    bob.page.get_by_role("button", name="Save it").click()
    expect(bob.page.get_by_role("link", name="One", exact=True)).to_be_visible()
    bob.check("saved filter")
    bob.go("/queues/loans/bulk")
    bob.page.keyboard.press("j")
    bob.page.keyboard.press("x")
    bob.page.keyboard.press("j")
    bob.page.keyboard.press("x")
    assert bob.page.locator("[name=review]:checked").count() == 2
    bob.check("several at once")
    bob.page.get_by_label("The answer for all of them").select_option("approve")
    bob.page.get_by_label("Type how many you chose, to confirm").fill("2")
    bob.page.get_by_role("button", name="Decide them").click()
    expect(bob.page.get_by_text("2 of 2 decided.")).to_be_visible()
