"""One command makes a draft of a preset, and the page does the same (mission B18)."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reviews.models import Queue
from routing.models import PolicyVersion, Tier
from routing.presets import ORDER
from tests.factories import World, make_world, policy_document

pytestmark = pytest.mark.django_db


def load(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("load_preset", *arguments, stdout=out)
    return out.getvalue().splitlines()


def newest(world: World) -> PolicyVersion:
    version = world.policy.versions.order_by("-number").first()
    assert version is not None
    return version


@pytest.mark.parametrize("name", ORDER)
def test_every_preset_loads_and_loading_again_changes_nothing(name: str) -> None:
    Queue.objects.filter(workspace=make_world().workspace).update(lease_s=60)
    assert load(name, "--task-type", "loan") != ["Nothing to change."]
    assert load(name, "--task-type", "loan") == ["Nothing to change."]


def test_the_draft_starts_from_the_version_in_force_and_nothing_is_in_force_yet() -> None:
    world = make_world()
    load("domain-finance", "--task-type", "loan")
    draft = newest(world)
    assert (draft.number, draft.status, draft.note) == (2, "draft", "preset domain-finance")
    assert draft.document["thresholds"]["default"] == 0.99
    named = [{"slices": []} | calibration for calibration in policy_document()["calibrations"]]
    assert draft.document["calibrations"] == named


def test_tiers_and_leases_come_with_their_presets() -> None:
    world = make_world()
    said = load("tiers", "--task-type", "loan")
    assert "tier tier-2: created" in said
    tiers = {t.slug: (t.rank, t.sla_s) for t in Tier.objects.filter(workspace=world.workspace)}
    assert tiers == {"automated": (0, 0.1), "tier-1": (1, 3600), "tier-2": (2, 86400), "expert": (3, 604800)}
    Queue.objects.filter(pk=world.queue.pk).update(lease_s=60)
    load("claims", "--task-type", "loan")
    world.queue.refresh_from_db()
    assert world.queue.lease_s == 600


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("nonsense", "--task-type", "loan"), "There is no preset 'nonsense'"),
        (("zones",), "--task-type"),
        (("zones", "--task-type", "nothing"), "There is no task type 'nothing'"),
        (("zones", "--task-type", "loan", "--workspace", "nowhere"), "There is no workspace 'nowhere'"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, ...], said: str) -> None:
    make_world()
    with pytest.raises(CommandError, match=said):
        load(*arguments)


def test_without_a_name_all_are_described() -> None:
    assert [line.partition(":")[0] for line in load()] == [*ORDER]


def test_where_there_are_several_workspaces_one_must_be_named() -> None:
    make_world()
    make_world("globex")
    with pytest.raises(CommandError, match="--workspace"):
        load("zones", "--task-type", "loan")
    load("zones", "--task-type", "loan", "--workspace", "globex")
    assert PolicyVersion.objects.get(status="draft").workspace.slug == "globex"


def test_a_supervisor_makes_a_draft_from_a_preset_on_the_page() -> None:
    world = make_world()
    browser = world.browser("alice")
    assert b"Three zones" in browser.get("/policies/loan/presets").content
    answer = browser.post("/policies/loan/presets", {"preset": "zones"})
    assert (answer.status_code, answer["location"]) == (302, "/policies/loan/versions/2")
    assert newest(world).document["zones"]["provisional"]["default"] == 0.6
    assert newest(world).proposed_by == world.users["alice"]


@pytest.mark.parametrize("preset", ["nonsense", ""])
def test_the_page_refuses_what_is_no_preset(preset: str) -> None:
    world = make_world()
    answer = world.browser("alice").post("/policies/loan/presets", {"preset": preset})
    assert answer.status_code == 422
    assert world.policy.versions.count() == 1


def test_the_page_says_what_a_preset_needs_first() -> None:
    world = make_world()
    Tier.objects.filter(slug="expert").update(slug="wizard")
    answer = world.browser("alice").post("/policies/loan/presets", {"preset": "multi-signal"})
    assert answer.status_code == 422
    assert b"There is no tier" in answer.content
