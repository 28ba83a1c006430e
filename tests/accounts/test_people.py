import re

import pytest
from django.core import mail
from django.test import Client as Browser

from audit.models import Event
from hitl.accounts.actions.people import change_role, deactivate_person, invite_person, send_reset
from hitl.accounts.models import Membership, User
from hitl.accounts.selectors import actor_of_user, holder_of_key
from hitl.core.actors import Actor
from hitl.core.errors import Conflict, DomainError, Forbidden, NotFound
from hitl.core.permissions import Role
from tests.delivery.race import at_once
from tests.factories import World, make_world

BASE = "https://hitl.example.org/"


def invite(actor: Actor, email: str = "frank@example.org", role: Role = Role.REVIEWER) -> Membership:
    return invite_person(actor=actor, email=email, role=role, base_url=BASE, name="Frank Miller")


def member(world: World, name: str) -> Membership:
    return Membership.objects.get(workspace=world.workspace, user=world.users[name])


def person_as(world: World, role: Role, name: str = "somebody") -> Actor:
    user = User.objects.create_user(name, f"{name}@example.org", "x")
    Membership.objects.create(workspace=world.workspace, user=user, role=role)
    actor = actor_of_user(user)
    assert actor is not None
    return actor


def test_an_invited_person_sets_a_password_by_the_link_and_signs_in(world: World) -> None:
    membership = invite(world.actor("alice"))
    user = membership.user
    assert not user.has_usable_password()
    assert (user.username, user.first_name, user.last_name) == ("frank", "Frank", "Miller")
    (letter,) = mail.outbox
    assert letter.to == ["frank@example.org"]
    link = re.search(r"https://hitl\.example\.org(/password/reset/key/\S+)", letter.body)
    assert link
    browser = Browser()
    form = browser.get(link[1], follow=True)
    password = "a long enough passphrase"
    done = browser.post(form.request["PATH_INFO"], {"password1": password, "password2": password}, follow=True)
    assert done.status_code == 200
    signed_in = browser.post("/login", {"login": "frank", "password": password})
    assert (signed_in.status_code, signed_in["location"]) == (302, "/work")


def test_the_link_works_once(world: World) -> None:
    invite(world.actor("alice"))
    link = re.search(r"https://hitl\.example\.org(\S+)", mail.outbox[0].body)
    assert link
    User.objects.get(username="frank").set_password("changed meanwhile")
    user = User.objects.get(username="frank")
    user.set_password("changed meanwhile")
    user.save()
    assert "no longer works" in Browser().get(link[1], follow=True).content.decode()


def test_usernames_never_collide(world: World) -> None:
    first = invite(world.actor("alice"), "alice@elsewhere.example")
    second = invite(world.actor("alice"), "ALICE@third.example")
    assert [first.user.username, second.user.username] == ["alice2", "alice3"]


def test_inviting_a_member_again_is_a_conflict(world: World) -> None:
    with pytest.raises(Conflict, match="already"):
        invite(world.actor("alice"), "BOB@example.org")
    assert mail.outbox == []


def test_a_person_of_another_workspace_joins_with_the_account_they_have(world: World) -> None:
    other = make_world("other")
    membership = invite(world.actor("alice"), "bob-other@example.org")
    assert membership.user == other.users["bob"]
    assert Membership.objects.filter(user=other.users["bob"]).count() == 2


def test_a_former_member_is_taken_back(world: World) -> None:
    alice = world.actor("alice")
    deactivate_person(actor=alice, membership=member(world, "bob"))
    invite(alice, "bob@example.org", Role.AUDITOR)
    row = member(world, "bob")
    assert (row.active, row.role) == (True, "auditor")


def test_deactivating_ends_sessions_and_keys_but_not_the_account(world: World) -> None:
    deactivate_person(actor=world.actor("alice"), membership=member(world, "bob"))
    world.users["bob"].refresh_from_db()
    assert world.users["bob"].is_active
    assert actor_of_user(world.users["bob"]) is None
    assert holder_of_key(world.keys["bob"]) is None
    assert Event.objects.filter(action="key.revoked").count() == 1
    invite(world.actor("alice"), "bob@example.org")
    assert holder_of_key(world.keys["bob"]) is None  # old keys do not come back


def test_every_change_is_evidence(world: World) -> None:
    alice = world.actor("alice")
    invite(alice)
    change_role(actor=alice, membership=member(world, "bob"), role=Role.AUDITOR)
    send_reset(actor=alice, membership=member(world, "bob"), base_url=BASE)
    deactivate_person(actor=alice, membership=member(world, "bob"))
    actions = set(Event.objects.values_list("action", flat=True))
    assert {"person.invited", "person.role_changed", "person.reset_sent", "person.deactivated"} <= actions
    changed = Event.objects.get(action="person.role_changed")
    assert (changed.before, changed.after, changed.actor_label) == (
        {"role": "reviewer"},
        {"role": "auditor"},
        "alice",
    )


def test_a_reset_sends_a_link_and_leaves_the_password(world: World) -> None:
    send_reset(actor=world.actor("alice"), membership=member(world, "bob"), base_url=BASE)
    assert "/password/reset/key/" in mail.outbox[0].body
    world.users["bob"].refresh_from_db()
    assert world.users["bob"].check_password("correct horse battery")


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.ENGINEER])
def test_only_supervisors_and_operators_manage_people(world: World, role: Role) -> None:
    actor = person_as(world, role)
    for refused in (
        lambda: invite(actor),
        lambda: change_role(actor=actor, membership=member(world, "bob"), role=Role.REVIEWER),
        lambda: deactivate_person(actor=actor, membership=member(world, "bob")),
        lambda: send_reset(actor=actor, membership=member(world, "bob"), base_url=BASE),
    ):
        with pytest.raises(Forbidden):
            refused()


@pytest.mark.parametrize("role", list(Role))
def test_an_operator_invites_every_role_but_supervisor(world: World, role: Role) -> None:
    operator = person_as(world, Role.OPERATOR)
    if role is Role.SUPERVISOR:
        with pytest.raises(Forbidden):
            invite(operator, role=role)
    else:
        assert invite(operator, role=role).role == role


def test_an_operator_touches_no_supervisor_and_not_their_own_role(world: World) -> None:
    operator = person_as(world, Role.OPERATOR)
    own = Membership.objects.get(user_id=operator.user_id)
    for refused in (
        lambda: change_role(actor=operator, membership=member(world, "alice"), role=Role.REVIEWER),
        lambda: deactivate_person(actor=operator, membership=member(world, "alice")),
        lambda: change_role(actor=operator, membership=member(world, "bob"), role=Role.SUPERVISOR),
        lambda: change_role(actor=operator, membership=own, role=Role.AUDITOR),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_an_operator_cannot_take_a_former_supervisor_back(world: World) -> None:
    person_as(world, Role.SUPERVISOR, "second")
    deactivate_person(actor=world.actor("alice"), membership=Membership.objects.get(user__username="second"))
    with pytest.raises(Forbidden):
        invite(person_as(world, Role.OPERATOR), "second@example.org")


def test_the_last_supervisor_stays(world: World) -> None:
    alice = world.actor("alice")
    for refused in (
        lambda: change_role(actor=alice, membership=member(world, "alice"), role=Role.REVIEWER),
        lambda: deactivate_person(actor=alice, membership=member(world, "alice")),
    ):
        with pytest.raises(Conflict, match="last active supervisor"):
            refused()


def test_two_supervisors_cannot_remove_each_other_at_once(race_world: World) -> None:
    second = person_as(race_world, Role.SUPERVISOR, "second")
    alice = race_world.actor("alice")
    hers, theirs = member(race_world, "alice"), Membership.objects.get(user_id=second.user_id)
    results = at_once(
        lambda: deactivate_person(actor=alice, membership=theirs),
        lambda: deactivate_person(actor=second, membership=hers),
    )
    assert sorted(getattr(r, "code", "done") for r in results) == ["done", "last_supervisor"]
    assert Membership.objects.filter(role="supervisor", active=True).count() == 1


def test_two_invitations_at_once_make_one_account(race_world: World) -> None:
    alice = race_world.actor("alice")
    results = at_once(lambda: invite(alice), lambda: invite(alice))
    assert [r.code for r in results if isinstance(r, DomainError)] == ["already_member"]
    assert User.objects.filter(email="frank@example.org").count() == 1


def test_strangers_cannot_tell_a_member_from_nobody(world: World) -> None:
    mallory = make_world("other").actor("alice")
    for hidden in (
        lambda: change_role(actor=mallory, membership=member(world, "bob"), role=Role.AUDITOR),
        lambda: deactivate_person(actor=mallory, membership=member(world, "bob")),
        lambda: send_reset(actor=mallory, membership=member(world, "bob"), base_url=BASE),
    ):
        with pytest.raises(NotFound):
            hidden()
