"""The admin: who enters, whose rows, evidence untouched, and every change through an action."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from guardian.shortcuts import get_user_perms

from audit.models import Event
from hitl.accounts.models import User
from hitl.core.admin import EvidenceAdmin, WorkspaceAdmin
from reviews.models import Case, Queue, Reviewer
from routing.models import Calibration, Policy, PolicyVersion, TaskType, Tier
from tests.factories import World, make_world, policy_document

ADMINS = list(admin.site._registry.items())
IDS = [m._meta.label_lower for m, _ in ADMINS]


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def strangers(world: World) -> World:
    return make_world("other")


def test_every_admin_of_the_site_is_ours() -> None:
    assert len(ADMINS) > 15
    assert all(isinstance(a, WorkspaceAdmin) for _, a in ADMINS)


@pytest.mark.parametrize(("name", "status"), {"alice": 200, "erin": 200, "bob": 403, "dave": 403}.items())
def test_who_enters(world: World, name: str, status: int) -> None:
    assert world.browser(name).get("/admin/", follow=True).status_code == status


def test_a_superuser_without_membership_sees_nothing(world: World) -> None:
    root = User.objects.create_superuser("root", "root@example.org", "correct horse battery")
    world.users["root"] = root
    for path in ("/admin/", "/admin/routing/tier/"):
        assert world.browser("root").get(path, follow=True).status_code == 403


@pytest.mark.parametrize(("model", "model_admin"), ADMINS, ids=IDS)
def test_lists_and_rows_are_the_workspaces_only(world: World, strangers: World, model: Any, model_admin: Any) -> None:
    theirs = model._default_manager.filter(**{model_admin.workspace_lookup: strangers.workspace.pk}).first()
    browser = world.browser("alice")
    page = browser.get(url(model, "changelist"))
    assert page.status_code == 200
    assert "style=" not in page.content.decode() and "<style" not in page.content.decode()
    if theirs is None:
        return
    assert str(theirs.pk) not in page.content.decode()
    assert browser.get(url(model, "change", theirs.pk), follow=True).redirect_chain, (
        "another workspace's row is missing"
    )
    assert browser.get(url(model, "history", theirs.pk)).status_code == 404


@pytest.mark.parametrize(("model", "model_admin"), ADMINS, ids=IDS)
def test_searching_anything_answers(world: World, model: Any, model_admin: Any) -> None:
    for term in ("x", "00000000-0000-7000-8000-000000000000", "' OR 1=1"):
        assert world.browser("erin").get(url(model, "changelist"), {"q": term}).status_code == 200


@pytest.mark.parametrize(
    ("model", "model_admin"),
    [(m, a) for m, a in ADMINS if isinstance(a, EvidenceAdmin)],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_evidence_is_read_only_even_for_supervisors(world: World, model: Any, model_admin: Any) -> None:
    browser = world.browser("alice")
    assert browser.get(url(model, "add")).status_code == 403
    row = model._default_manager.filter(**{model_admin.workspace_lookup: world.workspace.pk}).first()
    if row is None:
        return
    html = browser.get(url(model, "change", row.pk)).content.decode()
    assert 'name="_save"' not in html and "whsec_" not in html and "secret" not in html
    assert browser.post(url(model, "change", row.pk), {}).status_code == 403
    assert browser.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


TIER = {
    "slug": "third",
    "title": "Third",
    "rank": "7",
    "max_complexity": "1",
    "expertise": "",
    "sla_s": "60",
    "blind_sample_rate": "0.02",
    "reason": "we grew",
}


def test_a_tier_is_added_changed_and_deleted_through_actions_with_its_reason(world: World) -> None:
    browser = world.browser("alice")
    browser.post(url(Tier, "add"), TIER)
    tier = Tier.objects.get(slug="third")
    assert tier.workspace_id == world.workspace.pk
    past = tier.history.latest()
    assert (past.history_user, past.history_change_reason) == (world.users["alice"], "we grew")
    browser.post(url(Tier, "change", tier.pk), TIER | {"sla_s": "90", "reason": "slower"})
    event = Event.objects.get(action="tier.changed")
    assert (event.before, event.after, event.reason) == ({"sla_s": 60}, {"sla_s": 90}, "slower")
    browser.post(url(Tier, "delete", tier.pk), {"post": "yes", "reason": "gone"})
    assert Event.objects.get(action="tier.deleted").reason == "gone"
    assert not Tier.objects.filter(slug="third").exists()


def test_a_due_time_that_no_calendar_holds_is_refused_beside_the_field(world: World) -> None:
    html = world.browser("alice").post(url(Tier, "add"), TIER | {"sla_s": "1e12"}).content.decode()
    assert "less than or equal to 2000000000" in html
    assert not Tier.objects.filter(slug="third").exists()


def test_a_name_taken_is_told_beside_the_field(world: World) -> None:
    answer = world.browser("alice").post(url(Tier, "add"), TIER | {"slug": "expert"})
    assert answer.status_code == 200 and "errornote" in answer.content.decode()
    assert Event.objects.count() == 0


@pytest.mark.parametrize("model", [TaskType, Tier, Policy, Queue, Reviewer])
def test_an_auditor_reads_and_changes_nothing(world: World, model: Any) -> None:
    browser, row = world.browser("erin"), model.objects.filter(workspace=world.workspace).first()
    page = browser.get(url(model, "change", row.pk))
    assert page.status_code == 200 and b'name="_save"' not in page.content
    assert browser.get(url(model, "history", row.pk)).status_code == 200
    assert browser.post(url(model, "change", row.pk), {"title": "x"}).status_code == 403
    assert browser.get(url(model, "add")).status_code == 403
    assert browser.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_choices_come_from_the_workspace_and_others_are_refused(world: World, strangers: World) -> None:
    browser = world.browser("alice")
    html = browser.get(url(Queue, "add")).content.decode()
    assert str(world.tiers["expert"].pk) in html and str(strangers.tiers["expert"].pk) not in html
    body = {
        "slug": "q",
        "title": "Q",
        "tier": str(strangers.tiers["expert"].pk),
        "reveal_share": "1",
        "max_open_claims": "3",
        "lease_s": "600",
        "near_due_share": "0.1",
        "learning_capacity": "100",
    }
    assert browser.post(url(Queue, "add"), body).status_code == 200
    assert not Queue.objects.filter(slug="q").exists()
    people = browser.get(url(Reviewer, "add")).content.decode()
    assert ">bob<" in people and ">bob-other<" not in people


def test_a_reviewers_own_queues_are_saved_with_history(world: World) -> None:
    bob = Reviewer.objects.get(user=world.users["bob"])
    body = {
        "user": str(bob.user_id),
        "tier": str(bob.tier_id),
        "queues": [str(world.expert_queue.pk)],
        "available": "on",
        "expertise": "",
        "subject_ids": "",
        "reason": "moved",
    }
    world.browser("alice").post(url(Reviewer, "change", bob.pk), body)
    assert [q.slug for q in bob.queues.all()] == ["loans-expert"]
    assert Event.objects.get(action="reviewer.changed").reason == "moved"


def test_history_shows_who_and_why_and_reverting_is_a_recorded_change(world: World) -> None:
    browser, tier = world.browser("alice"), world.tiers["expert"]
    body = TIER | {"slug": "expert", "rank": "2", "sla_s": "60"}
    browser.post(url(Tier, "change", tier.pk), body)
    html = browser.get(url(Tier, "history", tier.pk)).content.decode()
    assert "we grew" in html and "alice" in html and "style=" not in html
    first = tier.history.earliest()
    page = reverse("admin:routing_tier_simple_history", args=[tier.pk, first.pk])
    assert browser.get(page).status_code == 200
    assert world.browser("erin").post(page, body).status_code == 403
    browser.post(page, body | {"sla_s": "86400", "reason": "back"})
    assert Event.objects.filter(action="tier.changed", reason="back").exists()


def test_anothers_history_is_missing(world: World, strangers: World) -> None:
    tier = strangers.tiers["expert"]
    page = reverse("admin:routing_tier_simple_history", args=[tier.pk, tier.history.earliest().pk])
    assert world.browser("alice").get(page).status_code == 404
    mine = reverse("admin:routing_tier_simple_history", args=[world.tiers["expert"].pk, tier.history.earliest().pk])
    assert world.browser("alice").get(mine).status_code == 404


def test_a_draft_is_added_and_its_document_is_then_fixed(world: World) -> None:
    browser = world.browser("alice")
    body = {"policy": str(world.policy.pk), "document": '{"thresholds": {"default": 7}}', "note": "n", "reason": ""}
    assert "/thresholds/default" in browser.post(url(PolicyVersion, "add"), body).content.decode()
    assert PolicyVersion.objects.count() == 1
    browser.post(url(PolicyVersion, "add"), body | {"document": '{"thresholds": {"default": 0.9}}'})
    version = PolicyVersion.objects.get(number=2)
    assert version.proposed_by == world.users["alice"]
    assert browser.post(url(PolicyVersion, "change", version.pk), body).status_code == 403
    assert browser.get(url(PolicyVersion, "change", version.pk)).status_code == 200


def test_permissions_on_a_row_are_given_by_an_action_to_members_only(world: World, strangers: World) -> None:
    browser, carol = world.browser("alice"), world.users["carol"]
    manage = url(Queue, "permissions", world.expert_queue.pk)
    html = browser.get(manage).content.decode()
    assert "dave" in html and "bob-other" not in html and "style" not in re.sub(r"stylesheet", "", html)
    page = f"{manage}user-manage/{carol.pk}/"
    browser.post(page, {"permissions": ["claim_queue", "view_queue"], "reason": "helps"})
    assert set(get_user_perms(carol, world.expert_queue)) == {"claim_queue", "view_queue"}
    assert Event.objects.get(action="permissions.changed").reason == "helps"
    browser.post(page, {"permissions": ["delete_queue"]})
    assert "delete_queue" not in get_user_perms(carol, world.expert_queue)
    assert browser.get(f"{manage}user-manage/{strangers.users['bob'].pk}/").status_code == 404
    assert browser.get(f"{manage}user-manage/nonsense/").status_code == 404
    assert browser.get(url(Queue, "permissions", strangers.queue.pk)).status_code == 404
    assert world.browser("erin").get(manage).status_code == 403


def test_case_lists_cost_the_same_whatever_their_length(world: World, django_assert_max_num_queries: object) -> None:
    for number in range(3):
        world.submit(world.case_body(external_id=f"e{number}"))
    browser = world.browser("alice")
    browser.get(url(Case, "changelist"))
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        page = browser.get(url(Case, "changelist"))
    assert page.content.decode().count("data-label") == 0 and page.context["cl"].result_count == 3
    assert browser.get(url(Case, "changelist"), {"q": "e1"}).context["cl"].result_count == 1
    case = Case.objects.first()
    assert case is not None
    assert browser.get(url(Case, "change", case.pk)).status_code == 200
    assert browser.get(url(Case, "history", case.pk)).status_code == 200
    assert browser.get(url(Case, "permissions", case.pk)).status_code == 200


def test_calibrations_and_documents_are_shown_not_edited(world: World) -> None:
    row = Calibration.objects.filter(workspace=world.workspace).first()
    assert row is not None
    assert world.browser("erin").get(url(Calibration, "change", row.pk)).status_code == 200
    assert policy_document()["thresholds"]
