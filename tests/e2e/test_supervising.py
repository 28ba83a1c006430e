"""A supervisor works in the browser: approves a policy, stops the machine, finds a wrong decision and corrects it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from audit.models import Event
from hitl.core.actors import system_actor
from reviews.models import Decision
from routing.actions.policies import propose_version
from tests.e2e.conftest import Tab
from tests.factories import World, policy_document

OpenTab = Callable[..., Tab]


def test_a_proposed_policy_is_approved_and_put_in_force_and_new_cases_use_it(town: World, tab: OpenTab) -> None:
    document = policy_document(thresholds={"default": 0.6})
    propose_version(actor=system_actor(town.workspace.pk), policy=town.policy, document=document, note="lower")
    alice = tab()
    alice.sign_in(town, "alice")
    alice.go("/policies/loan/versions/2")
    alice.page.fill("[name=reason]", "the study convinces me")
    alice.page.get_by_role("button", name="Approve").click()
    expect(alice.page.get_by_role("button", name="Activate")).to_be_visible()
    alice.page.fill("[name=reason]", "from today")
    alice.page.get_by_role("button", name="Activate").click()
    expect(alice.page.get_by_text("in force").first).to_be_visible()
    alice.check("approved")
    assert town.submit(town.case_body())["routing"]["policy_version"] == 2
    assert {"policyversion.approved", "policyversion.activated"} <= set(
        Event.objects.filter(workspace_id=town.workspace.pk, actor_label=town.users["alice"].username).values_list(
            "action", flat=True
        )
    )


def test_the_stop_button_holds_for_the_next_request(town: World, tab: OpenTab) -> None:
    alice = tab()
    alice.sign_in(town, "alice")
    alice.go("/policies/loan")
    stop = alice.page.get_by_role("button", name="Stop the machine")
    alice.page.locator("form", has=stop).locator("[name=reason]").fill("the partner's model misbehaves")
    stop.click()
    expect(alice.page.get_by_role("button", name="Let the machine decide again")).to_be_visible()
    assert town.submit(town.sure_case_body())["status"] == "pending"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_wrong_decision_is_found_in_admin_and_corrected(town: World, tab: OpenTab, theme: str) -> None:
    cases = (town.submit(town.sure_case_body(external_id=f"sure-{number}")) for number in range(20))
    case = next(c for c in cases if c["status"] == "decided")  # one in twenty is drawn for review instead
    alice = tab(theme)
    alice.sign_in(town, "alice")
    alice.go("/admin/reviews/decision/")
    alice.page.get_by_role("link", name=case["external_id"]).first.click()
    alice.page.get_by_role("link", name="Wrong").click()
    alice.page.select_option("[name=label]", "reject")
    alice.page.fill("[name=note]", "income was misread")
    alice.check("audit form")
    alice.page.get_by_role("button", name="Record").click()
    expect(alice.page.get_by_text("The audit is recorded.")).to_be_visible()
    current = Decision.objects.get(case_id=case["id"], is_current=True)
    assert (current.label, current.owner) == ("reject", "auditor")
    alice.go(f"/cases/{case['id']}/trace")
    expect(alice.page.get_by_text("case corrected")).to_be_visible()
    alice.check("trace")


def test_admin_pages_are_accessible(town: World, tab: OpenTab) -> None:
    town.submit()
    alice = tab("dark")
    alice.sign_in(town, "alice")
    for path in ("/admin/", "/admin/reviews/case/", "/admin/routing/tier/", "/admin/routing/tasktype/add/"):
        alice.go(path)
        alice.check(path)
