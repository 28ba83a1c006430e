"""Every decision form and kind of evidence in a browser, by the example configuration: both themes, wide and narrow."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from guardian.shortcuts import assign_perm
from playwright.sync_api import expect

from reviews.config.apply import apply_configuration
from reviews.config.structs import Configuration
from reviews.models import Claim, Judgement, Queue, Reviewer
from tests.api.support import post
from tests.e2e.conftest import Tab
from tests.factories import World

OpenTab = Callable[..., Tab]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CASES = {case["task_type"]: case for case in json.loads((EXAMPLES / "evidence-and-forms.cases.json").read_text())}
LOOKS = [("light", 1280), ("dark", 320), ("dark", 1280), ("light", 320)]


@pytest.fixture
def forms(town: World) -> World:
    """The example configuration in force; Bob works in all its queues."""
    config = msgspec.convert(yaml.safe_load((EXAMPLES / "evidence-and-forms.yaml").read_text()), Configuration)
    apply_configuration(actor=town.actor("alice"), config=config)
    for queue in Queue.objects.filter(workspace=town.workspace, slug__in=CASES):
        assign_perm("claim_queue", town.users["bob"], queue)
        assign_perm("view_queue", town.users["bob"], queue)
        Reviewer.objects.get(user=town.users["bob"]).queues.add(queue)
    return town


def hold(world: World, slug: str, **changes: Any) -> str:
    """Submit the example case and let Bob claim it; returns its page."""
    return held(world, slug, world.submit(CASES[slug] | changes))


def held(world: World, queue: str, case: dict[str, Any]) -> str:
    """The page of a case now claimed by Bob: by this call, unless an open page of his took it ahead before."""
    post(world, "bob", "reviews/claim", {"queue": queue})
    assert Claim.objects.filter(user=world.users["bob"], status="open", review__case_id=case["id"]).exists()
    return f"/cases/{case['id']}"


def shoot(tab: Tab, name: str) -> None:
    """Keep a picture where HITL_SHOTS names a folder."""
    if folder := os.environ.get("HITL_SHOTS"):
        tab.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def press(tab: Tab, *keys: str) -> None:
    for key in keys:
        tab.page.keyboard.press(key)


@pytest.mark.parametrize("slug", sorted(CASES))
@pytest.mark.parametrize("theme, width", LOOKS[:2])
def test_each_form_and_its_evidence_is_clean(forms: World, tab: OpenTab, slug: str, theme: str, width: int) -> None:
    bob = tab(theme, width)
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, slug))
    expect(bob.page.get_by_text("Machine output sealed")).to_be_visible()
    assert bob.page.locator(".machine-mark, .regions .machine").count() == 0
    assert bob.page.locator(".judge input:checked").count() == 0
    shoot(bob, f"{slug}-sealed-{theme}-{width}")
    bob.check(f"{slug} sealed")
    press(bob, "1", "Enter")
    expect(bob.page.get_by_text("Machine suggests")).to_be_visible()
    bob.page.evaluate("document.querySelectorAll('.judge details').forEach(fold => { fold.open = true; })")
    shoot(bob, f"{slug}-revealed-{theme}-{width}")
    bob.check(f"{slug} revealed")


def test_the_amount_belongs_to_its_label_and_is_stored_as_a_difference(forms: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, "invoice-amount"))
    expect(bob.page.locator("#amount")).to_be_hidden()
    press(bob, "2")
    expect(bob.page.locator("#amount")).to_be_visible()
    press(bob, "Enter")
    expect(bob.page.get_by_text("needs an amount")).to_be_visible()
    press(bob, "a")
    bob.page.keyboard.type("11640,00")
    press(bob, "Enter")
    expect(bob.page.get_by_text("Machine suggests")).to_be_visible()
    first = Judgement.objects.get(user=forms.users["bob"])
    assert first.adjustments["amount"] == {"from": 12840, "to": 11640, "against": "input", "unit": "EUR"}


def test_several_labels_are_chosen_by_keys_and_one_may_stand_alone(forms: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, "post-tags"))
    press(bob, "4", "1", "3", "2", "3", "Enter")
    expect(bob.page.get_by_text("Machine suggests: Spam, Scam")).to_be_visible()
    assert Judgement.objects.get(user=forms.users["bob"]).label == "spam|scam"
    assert bob.page.locator("mark.machine-mark").first.inner_text() == "Pay the fee of 2.99"


def test_an_edit_shows_and_stores_what_it_changes(forms: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, "reply-edit"))
    press(bob, "2", "a")
    text = bob.page.locator("#text-edit").input_value().replace("has ended", "still runs")
    bob.page.fill("#text-edit", text)
    expect(bob.page.locator("[data-changes] del").first).to_have_text("has")
    shoot(bob, "reply-edit-changes")
    press(bob, "Escape", "Enter")
    expect(bob.page.get_by_text("Machine suggests")).to_be_visible()
    changes = Judgement.objects.get(user=forms.users["bob"]).adjustments["text"]["changes"]
    assert [change["removed"] for change in changes] == ["has", "ended"]
    press(bob, "2")
    assert bob.page.locator("#text-edit").input_value() == text


def test_marks_in_text_and_image_become_the_rationale(forms: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, "post-tags"))
    bob.page.get_by_text("Mark by words").click()
    bob.page.get_by_label("Words of the text to mark").fill("customs 📦. Pay")
    press(bob, "Enter")
    expect(bob.page.locator("[data-marks] li")).to_have_count(1)
    bob.page.get_by_role("button", name="Mark Reports").click()
    expect(bob.page.locator("[data-marks] li")).to_have_count(2)
    shoot(bob, "marks-in-text")
    bob.check("marked text")
    bob.page.locator("h1").click()
    press(bob, "1", "Enter")
    expect(bob.page.get_by_text("Machine suggests")).to_be_visible()
    expect(bob.page.locator("[data-marks] li")).to_have_count(2)
    start = CASES["post-tags"]["input"]["text"].index("customs")
    assert Judgement.objects.get(user=forms.users["bob"]).rationale == {
        "spans": [{"pointer": "/text", "start": start, "end": start + len("customs 📦. Pay")}],
        "fields": ["/author/reports"],
    }


def test_an_image_is_zoomed_and_marked_by_mouse_and_by_numbers(forms: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, "photo-check"))
    photo = bob.page.locator("[data-picture='/photo']")
    photo.locator(".viewport").focus()
    press(bob, "+", "+", "-")
    expect(photo.locator("[data-zoom-said]")).to_have_text("150 %")
    photo.get_by_role("button", name="Whole").click()
    photo.get_by_text("Mark by numbers").click()
    photo.get_by_role("button", name="Mark", exact=True).click()
    photo.get_by_role("button", name="Mark a region").click()
    box = photo.locator(".sheet").bounding_box()
    assert box is not None
    bob.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    bob.page.mouse.down()
    bob.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.7)
    bob.page.mouse.up()
    expect(bob.page.locator("[data-marks] li")).to_have_count(2)
    bob.page.locator("h1").click()
    press(bob, "1", "Enter")
    expect(photo.locator(".regions .machine")).to_have_count(1)
    expect(photo.locator(".regions .own")).to_have_count(2)
    shoot(bob, "image-marked")
    bob.check("marked image")
    rationale = Judgement.objects.get(user=forms.users["bob"]).rationale
    assert rationale is not None
    by_numbers, by_mouse = rationale["regions"]
    assert by_numbers == {"pointer": "/photo", "x": 0.25, "y": 0.25, "w": 0.5, "h": 0.5}
    assert by_mouse["x"] == pytest.approx(0.6, abs=0.02) and by_mouse["h"] == pytest.approx(0.3, abs=0.02)


CONTROLS = """found => found.map(e => [e.name, e.type, e.value, e.required].join(":"))"""
COUNT = "sessionStorage.p = 0; addEventListener('keydown', () => { sessionStorage.p = +sessionStorage.p + 1; }, true)"


def effort(bob: Tab, choice: str) -> tuple[int, list[str]]:
    """Key presses from the revealed answer to the recorded decision, and every control that was on offer."""
    offered = ".judge :is(input:not([type=hidden]), select, textarea, button)"
    controls = bob.page.eval_on_selector_all(offered, CONTROLS)
    bob.page.evaluate(COUNT)
    here = bob.page.url
    press(bob, choice, "w", "8", "Enter")
    bob.page.wait_for_url(lambda url: url != here)
    return int(bob.page.evaluate("sessionStorage.p")), controls


def test_agreeing_and_overriding_cost_the_same(forms: World, tab: OpenTab) -> None:
    bob = tab()
    bob.sign_in(forms, "bob")
    efforts = []
    for place, choice in enumerate(("5", "4")):  # the machine says: refer to fraud, the fifth
        bob.go(hold(forms, "claim-check", external_id=f"CL-{place}"))
        press(bob, "4", "Enter")
        expect(bob.page.get_by_text("Machine suggests: Refer to fraud")).to_be_visible()
        efforts.append(effort(bob, choice))
    assert efforts[0] == efforts[1]
    assert efforts[0][0] == 4
    labels = Judgement.objects.filter(user=forms.users["bob"], stage="final").order_by("id")
    assert [j.label for j in labels] == ["fraud", "decline"]
    assert {(j.override_category, j.reason_required, j.reason_probability) for j in labels} == {("none", True, 1.0)}


def test_frequencies_are_in_words_only_where_they_are_calibrated(forms: World, tab: OpenTab) -> None:
    forms.queue.reveal_share = 1.0
    forms.queue.save()
    bob = tab()
    bob.sign_in(forms, "bob")
    bob.go(hold(forms, "claim-check"))
    press(bob, "4", "Enter")
    expect(bob.page.get_by_text("Uncalibrated")).to_be_visible()
    assert bob.page.locator(".machine-box meter").count() == 0
    bob.go(held(forms, "loans", forms.submit()))
    press(bob, "2", "Enter")
    expect(bob.page.get_by_text("Right in about 70 of 100 at this level")).to_be_visible()
    assert bob.page.locator(".top-answers .num").all_inner_texts() == ["70 of 100", "30 of 100"]
    bob.check("calibrated")
