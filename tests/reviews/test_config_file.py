"""The declarative file: what it creates, that it is idempotent, what it refuses and where."""

import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from audit.models import Event
from hitl.accounts.models import Membership, User, Workspace
from hitl.accounts.selectors import actor_of_user
from reviews.models import Queue, Reviewer
from routing.access import granted_ids
from routing.models import PolicyVersion, TaskType, Tier
from routing.selectors import in_force
from tests.factories import World, make_world

EXAMPLE = re.search(r"```yaml\n(.*?)```", (Path(__file__).parents[2] / "docs/configuration.md").read_text(), re.DOTALL)
assert EXAMPLE is not None
TEXT = EXAMPLE[1]


def apply(tmp_path: Path, text: str, *options: str) -> list[str]:
    path = tmp_path / "hitl.yaml"
    path.write_text(text)
    out = StringIO()
    call_command("apply_config", str(path), *options, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def people(db: None) -> None:
    for name in ("alice", "bob", "dave"):
        User.objects.create_user(name, f"{name}@example.org")


def test_the_documented_example_makes_a_workspace_that_decides(tmp_path: Path, people: None) -> None:
    apply(tmp_path, TEXT, "--create-workspace")

    workspace = Workspace.objects.get(slug="acme")
    found = in_force(workspace.pk, "loan")
    assert found is not None and found.stop_reason is None and found.snapshot.policy.version == 1
    assert set(Queue.objects.values_list("slug", flat=True)) == {"loans", "loans-expert"}
    assert Membership.objects.get(user__username="alice").role == "supervisor"
    dave = Reviewer.objects.get(user__username="dave")
    assert [q.slug for q in dave.queues.all()] == ["loans-expert"]
    actor = actor_of_user(dave.user)
    assert actor is not None
    assert len(granted_ids(actor, Queue, "view_queue")) == 2
    assert len(granted_ids(actor, Queue, "claim_queue")) == 1


def test_applying_it_again_changes_nothing(tmp_path: Path, people: None) -> None:
    apply(tmp_path, TEXT, "--create-workspace")
    events = Event.objects.count()

    assert apply(tmp_path, TEXT) == ["Nothing to change."]
    assert Event.objects.count() == events


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path, people: None) -> None:
    said = apply(tmp_path, TEXT, "--create-workspace", "--dry-run")
    assert not Workspace.objects.exists() and not Event.objects.exists()
    assert said[-1] == "Dry run: nothing was changed."
    assert said[:-1] == apply(tmp_path, TEXT, "--create-workspace")


def test_differences_are_printed_in_words_and_kept_as_history(tmp_path: Path, people: None) -> None:
    apply(tmp_path, TEXT, "--create-workspace")

    assert apply(tmp_path, TEXT.replace("sla_s: 86400", "sla_s: 3600")) == ["tier expert: sla_s 86400 → 3600"]
    assert Tier.history.filter(slug="expert").count() == 2
    assert Event.objects.filter(action="tier.changed").get().after == {"sla_s": 3600}


def test_the_first_version_is_activated_by_the_operator_and_says_so(tmp_path: Path, people: None) -> None:
    apply(tmp_path, TEXT, "--create-workspace")
    event = Event.objects.get(action="policyversion.activated")
    assert "operator" in event.reason and event.actor_label == "apply_config"


def test_a_later_version_waits_for_a_supervisor(tmp_path: Path, people: None) -> None:
    apply(tmp_path, TEXT, "--create-workspace")
    said = apply(tmp_path, TEXT.replace("default: 0.95", "default: 0.97"))

    assert "policy loan: thresholds › default 0.95 → 0.97" in said
    assert "policy loan: version 2 waits for a supervisor's approval (/policies/loan)" in said
    assert list(PolicyVersion.objects.order_by("number").values_list("status", flat=True)) == ["active", "draft"]


REFUSED = {
    "unknown key": ("rank: 1,", "rank: 1, colour: red,", "/tiers/1/colour: This field is not known here."),
    "unknown tier": ("tier: tier-1}\n", "tier: tier-9}\n", "/queues/0/tier: There is no tier 'tier-9'. Add it"),
    "wrong type": ("sla_s: 3600", "sla_s: soon", "/tiers/1/sla_s: Expected `int | float`"),
    "bad rule": ("context.amount > 10000.0", "context.amont > 1.0", "/policies/0/document/risk_rules/0/when: Line 1"),
    "no account": ("username: bob", "username: zoe", "/reviewers/0/username: There is no account 'zoe'. Invite"),
    "bad label": ("safest_label: reject", "safest_label: perhaps", "/task_types/0/safest_label: This is not one of"),
    "not yaml": ("tiers:", "tiers: [", "Line "),
    "twice": ("title: First line,", "title: A, title: B,", "'title' is given twice"),
    "alias": ("title: Experts", "title: *x", "aliases"),
}


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_refused_with_its_place_and_nothing_is_stored(
    tmp_path: Path, people: None, old: str, new: str, message: str
) -> None:
    assert old in TEXT
    with pytest.raises(CommandError) as refusal:
        apply(tmp_path, TEXT.replace(old, new, 1), "--create-workspace")
    assert message in str(refusal.value)
    assert not Workspace.objects.exists() and not TaskType.objects.exists()


def test_a_missing_workspace_is_created_only_when_asked(tmp_path: Path, people: None) -> None:
    with pytest.raises(CommandError, match="--create-workspace"):
        apply(tmp_path, TEXT)


def test_another_workspace_is_neither_named_nor_changed(world: World, tmp_path: Path) -> None:
    other = make_world("other")
    text = yaml.safe_dump({"workspace": {"slug": "acme"}, "tiers": [{"slug": "expert", "sla_s": 5}]})
    apply(tmp_path, text)
    assert Tier.objects.get(pk=other.tiers["expert"].pk).sla_s == 86_400


@pytest.mark.parametrize("name", ["bob", "erin", "mallory"])
def test_acting_as_a_person_needs_that_persons_rights(world: World, tmp_path: Path, name: str) -> None:
    text = yaml.safe_dump({"workspace": {"slug": "acme"}, "tiers": [{"slug": "expert", "sla_s": 5}]})
    with pytest.raises(CommandError):
        apply(tmp_path, text, "--as", name)
    apply(tmp_path, text, "--as", "alice")
    assert Tier.history.filter(slug="expert").latest().history_user == world.users["alice"]
