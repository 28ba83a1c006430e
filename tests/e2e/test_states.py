"""Every state of the workbench in a browser: both themes, wide and 320 px, axe clean, nothing lost in any of them."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, expect

from hitl.core.clock import now
from reviews.actions.expiry import expire_claims
from reviews.models import Claim, Interactions, Judgement, Note
from tests.api.support import claim, judge, open_queue, verb
from tests.e2e.conftest import WIDTHS, Tab
from tests.e2e.shots import shot
from tests.factories import PASSWORD, World

OpenTab = Callable[..., Tab]
LOOKS = [(theme, width) for theme in ("light", "dark") for width in WIDTHS]
every_look = pytest.mark.parametrize(("theme", "width"), LOOKS)
SEALED = "Machine output sealed"


@pytest.fixture
def cases(town: World) -> Iterator[World]:
    """A queue that shows the machine's answer afterwards, with evidence worth opening."""
    town.queue.reveal_share = 1.0
    town.queue.save()
    town.task_type.presentation = [
        {"pointer": "/income", "kind": "number", "title": "Income"},
        {"pointer": "/purpose", "kind": "text", "title": "Purpose"},
    ]
    town.task_type.save()
    for number in range(5):
        town.submit(town.case_body(external_id=f"app-{number}", subject="customer-7", key_evidence=["/income"]))
    yield town


def begin(world: World, tab: OpenTab, theme: str = "light", width: int = 1360, name: str = "bob") -> Tab:
    """Signed in, with the first case claimed by key."""
    person = tab(theme, width)
    person.sign_in(world, name)
    person.page.keyboard.press("c")
    expect(person.page.get_by_text(SEALED)).to_be_visible()
    return person


def reveal(person: Tab, key: str = "2") -> None:
    person.page.keyboard.press(key)
    person.page.keyboard.press("Enter")
    expect(person.page.locator("#first-recorded")).to_be_visible()


def notice(person: Tab, name: str) -> Locator:
    return person.page.locator(f"[data-alert={name}]")


def name_of(state: str, theme: str, width: int) -> str:
    return f"state-{state}-{theme}" + ("" if width > 320 else "-320")


def held(world: World, name: str = "bob") -> Claim:
    return Claim.objects.filter(user=world.users[name], status="open", prefetched=False).latest("claimed_at")


@every_look
def test_sealed_then_the_seal_is_lifted_and_the_next_case_comes_with_an_undo(
    cases: World, tab: OpenTab, theme: str, width: int
) -> None:
    bob = begin(cases, tab, theme, width)
    bob.check("sealed")
    shot(bob, name_of("sealed", theme, width))
    reveal(bob)
    expect(bob.page.locator("#live")).to_contain_text("First judgement recorded")
    assert bob.page.locator("[name=label]:checked, [name=label]:focus").count() == 0
    bob.check("lifted")
    shot(bob, name_of("lifted", theme, width))
    first = bob.page.url
    bob.page.keyboard.press("1")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_text(SEALED)).to_be_visible()
    assert bob.page.url != first
    expect(bob.page.locator("#undo [data-seconds]")).to_have_text(re.compile("^[4-8]$"))
    expect(bob.page.locator(".toast-time")).to_be_visible()
    bob.page.emulate_media(reduced_motion="reduce")
    expect(bob.page.locator(".toast-time")).to_be_hidden()
    expect(bob.page.locator("#undo [data-seconds]")).to_be_visible()
    bob.check("undo")
    shot(bob, name_of("undo", theme, width))
    bob.page.keyboard.press("z")
    bob.page.wait_for_url(first)
    assert Judgement.objects.get(stage="final", user=cases.users["bob"]).undone_at is not None


@every_look
def test_no_machine_output_says_so(town: World, tab: OpenTab, theme: str, width: int) -> None:
    open_queue(town)
    town.submit({k: v for k, v in town.case_body().items() if k != "prediction"})
    bob = tab(theme, width)
    bob.sign_in(town, "bob")
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("No machine output for this case.")).to_be_visible()
    bob.check("no machine output")
    shot(bob, name_of("no-machine", theme, width))


@every_look
def test_empty_says_so_and_when_the_next_is_due(town: World, tab: OpenTab, theme: str, width: int) -> None:
    town.submit()
    claim(town, "carol")
    bob = tab(theme, width)
    bob.sign_in(town, "bob")
    expect(bob.page.get_by_role("heading", name="Nothing is waiting for you")).to_be_visible()
    expect(bob.page.get_by_text("The next case is due in 23 hours")).to_be_visible()
    bob.check("empty")
    shot(bob, name_of("empty", theme, width))
    bob.page.keyboard.press("c")
    expect(bob.page.get_by_text("Nothing waits for you at the moment.")).to_be_visible()


@every_look
def test_an_expiring_lease_warns_and_one_key_extends_it(cases: World, tab: OpenTab, theme: str, width: int) -> None:
    bob = begin(cases, tab, theme, width)
    soon = now() + timedelta(seconds=90)
    Claim.objects.filter(pk=held(cases).pk).update(expires_at=soon)
    bob.page.reload()
    expect(notice(bob, "late")).to_be_visible()
    bob.check("expiring")
    shot(bob, name_of("expiring", theme, width))
    bob.page.keyboard.press("x")
    expect(notice(bob, "late")).to_be_hidden()
    assert held(cases).expires_at > soon + timedelta(minutes=5)


@every_look
def test_a_lost_lease_keeps_the_draft_and_one_click_takes_the_case_back(
    cases: World, tab: OpenTab, theme: str, width: int
) -> None:
    bob = begin(cases, tab, theme, width)
    reveal(bob)
    bob.page.fill("[name=reasoning]", "income is not documented")
    bob.page.locator("[name=reasoning]").blur()
    Claim.objects.filter(user=cases.users["bob"], status="open").update(expires_at=now() - timedelta(seconds=1))
    bob.page.keyboard.press("1")
    expire_claims()
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("heading", name="You no longer hold this case")).to_be_focused()
    expect(bob.page.get_by_text("Nobody has taken the case.")).to_be_visible()
    expect(bob.page.get_by_text("income is not documented")).to_be_visible()
    bob.check("lost")
    shot(bob, name_of("lost", theme, width))
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("button", name="Record decision")).to_be_visible()
    expect(bob.page.locator("[name=reasoning]")).to_have_value("income is not documented")
    expect(bob.page.locator("[name=label]").first).to_be_checked()


@every_look
def test_a_conflict_shows_their_decision_beside_my_draft(cases: World, tab: OpenTab, theme: str, width: int) -> None:
    bob = begin(cases, tab, theme, width)
    reveal(bob)
    case_id = str(held(cases).review.case_id)
    Claim.objects.filter(user=cases.users["bob"], status="open").update(expires_at=now() - timedelta(seconds=1))
    expire_claims()
    while (lease := claim(cases, "carol"))["case"]["id"] != case_id:
        verb(cases, "carol", lease, "skip")
    judge(cases, "carol", lease, "reject")
    bob.page.keyboard.press("1")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("heading", name="Somebody else has decided this case")).to_be_visible()
    theirs, mine = bob.page.get_by_label("Their decision"), bob.page.get_by_label("Your draft")
    expect(theirs).to_contain_text("Reject")
    expect(theirs).to_contain_text(cases.users["carol"].username)
    expect(mine).to_contain_text("Approve")
    bob.check("conflict")
    shot(bob, name_of("conflict", theme, width))


@every_look
def test_offline_keeps_the_choice_sends_nothing_and_waits_for_the_persons_own_act(
    cases: World, tab: OpenTab, theme: str, width: int
) -> None:
    bob = begin(cases, tab, theme, width)
    bob.page.keyboard.press("2")
    bob.page.context.set_offline(True)
    expect(notice(bob, "offline")).to_be_visible()
    bob.page.keyboard.press("Enter")
    expect(bob.page.locator("[name=label]").nth(1)).to_be_checked()
    bob.check("offline", but="ERR_INTERNET_DISCONNECTED")  # of what was just on its way
    shot(bob, name_of("offline", theme, width))
    bob.page.context.set_offline(False)
    expect(notice(bob, "online")).to_be_visible()
    expect(bob.page.locator("[name=label]").nth(1)).to_be_checked()
    assert not Judgement.objects.filter(user=cases.users["bob"]).exists()
    bob.check("online again", but="ERR_INTERNET_DISCONNECTED")
    bob.page.keyboard.press("Enter")
    expect(bob.page.locator("#first-recorded")).to_be_visible()


@every_look
def test_a_session_that_ended_is_renewed_over_the_page_and_the_draft_survives(
    cases: World, tab: OpenTab, theme: str, width: int
) -> None:
    bob = begin(cases, tab, theme, width)
    reveal(bob)
    bob.page.fill("[name=reasoning]", "income is not documented")
    bob.page.locator("[name=reasoning]").blur()
    bob.page.keyboard.press("1")
    where = bob.page.url
    Session.objects.all().delete()
    bob.page.keyboard.press("Enter")
    dialog = bob.page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_be_visible()
    bob.said.clear()  # Chromium itself reports every 4xx
    bob.check("session ended")
    shot(bob, name_of("session", theme, width))
    dialog.locator("[name=login]").fill(cases.users["bob"].username)
    dialog.locator("[name=password]").fill("wrong")
    bob.page.keyboard.press("Enter")
    expect(dialog.get_by_text("not correct")).to_be_visible()
    dialog.locator("[name=login]").fill(cases.users["bob"].username)
    dialog.locator("[name=password]").fill(PASSWORD)
    bob.page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert bob.page.url == where
    expect(bob.page.locator("[name=reasoning]")).to_have_value("income is not documented")
    expect(bob.page.locator("[name=label]").first).to_be_checked()
    assert not Judgement.objects.filter(user=cases.users["bob"], stage="final").exists()
    bob.page.keyboard.press("Enter")
    bob.page.wait_for_url(lambda url: url != where)
    assert Judgement.objects.filter(user=cases.users["bob"], stage="final").count() == 1


@every_look
def test_notes_by_key_n_and_details_on_demand_are_part_of_the_course(
    cases: World, tab: OpenTab, theme: str, width: int
) -> None:
    bob = begin(cases, tab, theme, width)
    purpose = bob.page.locator(".evidence-side details[data-block]").first
    expect(purpose).not_to_have_attribute("open", "")
    bob.page.keyboard.press("e")
    expect(purpose).to_have_attribute("open", "")
    bob.page.keyboard.press("n")
    expect(bob.page.locator("#note-text")).to_be_focused()
    bob.page.keyboard.type("2 payslips are missing")
    assert not bob.page.locator("[name=label]:checked").count(), "no shortcut while typing"
    bob.page.get_by_role("button", name="Add note").click()
    expect(bob.page.locator(".note-list")).to_contain_text("2 payslips are missing")
    expect(bob.page.locator("#note-text")).to_have_value("")
    bob.check("noted")
    shot(bob, name_of("notes", theme, width))
    bob.page.keyboard.press("Escape")
    reveal(bob)
    bob.page.keyboard.press("1")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_text(SEALED)).to_be_visible()
    note = Note.objects.get(user=cases.users["bob"])
    wanted = {"shown", "evidence_opened", "note_started", "choice_changed", "sent", "revealed"}
    kinds: list[str] = []
    for _ in range(80):  # it is reported beside the judgement, not before it
        kinds = [event["kind"] for row in Interactions.objects.filter(case_id=note.case_id) for event in row.events]
        if wanted <= set(kinds):
            break
        bob.page.wait_for_timeout(100)
    assert wanted <= set(kinds)
    assert (kinds[0], kinds.count("shown"), kinds.count("choice_changed")) == ("shown", 1, 2)
    alice = tab(theme, width)
    alice.sign_in(cases, "alice")
    alice.go(f"/cases/{note.case_id}/interactions")
    expect(alice.page.get_by_role("cell", name="Opened evidence").first).to_be_visible()
    alice.check("course")
    shot(alice, name_of("course", theme, width))
