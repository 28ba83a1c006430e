import uuid
from datetime import timedelta

import pytest
import time_machine

from audit.models import Event
from hitl.accounts.actions.clients import create_client, deactivate_client
from hitl.accounts.actions.grants import grantable_scopes
from hitl.accounts.actions.keys import create_client_key, create_own_key, revoke_key, rotate_key
from hitl.accounts.models import ApiKey, Client
from hitl.accounts.selectors import holder_of_key
from hitl.core.clock import now
from hitl.core.errors import Conflict, Forbidden, NotFound
from hitl.core.permissions import Role, Scope
from tests.accounts.test_people import person_as
from tests.delivery.race import at_once
from tests.factories import World, make_world

READ = [Scope.CASES_READ]


def test_a_new_clients_key_works_and_belongs_to_it(world: World) -> None:
    alice = world.actor("alice")
    client = create_client(actor=alice, name="shop")
    kind = world.task_type.pk
    made = create_client_key(actor=alice, client=client, scopes=READ, name="server", task_type_ids=[kind])
    holder = holder_of_key(made.secret)
    assert holder is not None
    actor = holder.actor
    assert (actor.client_id, actor.scopes, actor.task_type_ids) == (client.pk, frozenset(READ), frozenset({kind}))


def test_the_secret_is_stored_nowhere(world: World) -> None:
    made = create_client_key(actor=world.actor("alice"), client=world.client, scopes=READ)
    random_part = made.secret.split("_", 2)[2]  # which may hold underscores itself
    assert random_part not in str(ApiKey.objects.filter(pk=made.key.pk).values())
    assert random_part not in str(list(Event.objects.values()))


def test_a_name_is_taken_once_per_workspace(world: World) -> None:
    with pytest.raises(Conflict, match="already"):
        create_client(actor=world.actor("alice"), name="bank")
    assert create_client(actor=make_world("other").actor("alice"), name="shop").name == "shop"


def test_deactivating_a_client_ends_its_keys(world: World) -> None:
    alice = world.actor("alice")
    deactivate_client(actor=alice, client=world.client)
    deactivate_client(actor=alice, client=world.client)
    assert holder_of_key(world.keys["partner"]) is None
    assert Event.objects.filter(action="client.deactivated").count() == 1
    with pytest.raises(Conflict):
        create_client_key(actor=alice, client=world.client, scopes=READ)


def test_two_keys_live_while_rotating_then_the_old_one_ends(world: World) -> None:
    alice = world.actor("alice")
    old = create_client_key(actor=alice, client=world.client, scopes=READ, name="server")
    new = rotate_key(actor=alice, key=old.key)
    assert (new.key.scopes, new.key.name, new.key.client_id) == (old.key.scopes, "server", world.client.pk)
    assert holder_of_key(old.secret)
    assert holder_of_key(new.secret)
    with time_machine.travel(now() + timedelta(hours=25)):
        assert holder_of_key(old.secret) is None
        assert holder_of_key(new.secret)


def test_a_key_is_rotated_once_at_a_time(world: World) -> None:
    alice = world.actor("alice")
    old = create_client_key(actor=alice, client=world.client, scopes=READ)
    rotate_key(actor=alice, key=old.key)
    with pytest.raises(Conflict) as refusal:
        rotate_key(actor=alice, key=old.key)
    assert refusal.value.code == "already_rotating"
    revoke_key(actor=alice, key=old.key)
    with pytest.raises(Conflict) as refusal:
        rotate_key(actor=alice, key=old.key)
    assert refusal.value.code == "key_ended"


def test_two_rotations_at_once_leave_two_keys(race_world: World) -> None:
    alice = race_world.actor("alice")
    key = ApiKey.objects.get(client=race_world.client)
    results = at_once(lambda: rotate_key(actor=alice, key=key), lambda: rotate_key(actor=alice, key=key))
    assert [getattr(r, "code", None) for r in results].count("already_rotating") == 1
    assert ApiKey.objects.filter(client=race_world.client).count() == 2


def test_revoking_ends_a_key_at_once_and_twice_is_once(world: World) -> None:
    alice = world.actor("alice")
    key = ApiKey.objects.get(client=world.client)
    revoke_key(actor=alice, key=key)
    revoke_key(actor=alice, key=key)
    assert holder_of_key(world.keys["partner"]) is None
    assert Event.objects.filter(action="key.revoked").count() == 1


def test_a_personal_key_acts_as_the_person(world: World) -> None:
    made = create_own_key(actor=world.actor("bob"), scopes=[Scope.REVIEWS_WRITE], name="script")
    holder = holder_of_key(made.secret)
    assert holder is not None
    assert (holder.actor.user_id, holder.actor.role) == (world.users["bob"].pk, Role.REVIEWER)


def test_a_personal_key_carries_no_scope_the_role_lacks(world: World) -> None:
    with pytest.raises(Forbidden):
        create_own_key(actor=world.actor("bob"), scopes=[Scope.POLICIES_WRITE])


@pytest.mark.parametrize("name", ["alice", "partner"])
def test_a_key_cannot_make_keys_of_its_own(world: World, name: str) -> None:
    holder = holder_of_key(world.keys[name])
    assert holder is not None
    with pytest.raises(Forbidden):
        create_own_key(actor=holder.actor, scopes=[Scope.CASES_READ])


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (Role.SUPERVISOR, set(Scope)),
        (Role.OPERATOR, {Scope.CASES_WRITE, Scope.CASES_READ, Scope.OUTCOMES_WRITE, Scope.METRICS_READ}),
    ],
)
def test_what_a_role_may_give_to_a_client(world: World, role: Role, scopes: set[Scope]) -> None:
    assert grantable_scopes(person_as(world, role)) == scopes


def test_an_operator_gives_and_rotates_no_more_than_that(world: World) -> None:
    operator = person_as(world, Role.OPERATOR)
    create_client_key(actor=operator, client=world.client, scopes=READ)
    with pytest.raises(Forbidden):
        create_client_key(actor=operator, client=world.client, scopes=[Scope.POLICIES_WRITE])
    strong = ApiKey.objects.get(client=world.client, scopes__contains=[Scope.POLICIES_WRITE])
    with pytest.raises(Forbidden):
        rotate_key(actor=operator, key=strong)


@pytest.mark.parametrize("name", ["bob", "erin", "partner"])
def test_others_manage_neither_clients_nor_their_keys(world: World, name: str) -> None:
    actor = world.actor(name)
    key = ApiKey.objects.get(client=world.client)
    for refused in (
        lambda: create_client(actor=actor, name="mine"),
        lambda: deactivate_client(actor=actor, client=world.client),
        lambda: create_client_key(actor=actor, client=world.client, scopes=READ),
        lambda: rotate_key(actor=actor, key=key),
        lambda: revoke_key(actor=actor, key=key),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert Client.objects.filter(workspace=world.workspace).count() == 1


def test_strangers_find_neither_clients_nor_keys(world: World) -> None:
    mallory = make_world("other").actor("alice")
    for key in (ApiKey.objects.get(client=world.client), ApiKey.objects.get(user=world.users["bob"])):
        for hidden in (lambda k=key: rotate_key(actor=mallory, key=k), lambda k=key: revoke_key(actor=mallory, key=k)):
            with pytest.raises(NotFound):
                hidden()
    with pytest.raises(NotFound):
        deactivate_client(actor=mallory, client=world.client)
    with pytest.raises(NotFound):
        create_client_key(actor=mallory, client=world.client, scopes=READ)


def test_nobody_revokes_anothers_personal_key(world: World) -> None:
    with pytest.raises(NotFound):
        revoke_key(actor=world.actor("alice"), key=ApiKey.objects.get(user=world.users["bob"]))


def test_task_types_of_elsewhere_only_narrow(world: World) -> None:
    made = create_client_key(actor=world.actor("alice"), client=world.client, scopes=READ, task_type_ids=[uuid.uuid4()])
    holder = holder_of_key(made.secret)
    assert holder is not None
    assert not holder.actor.sees_task_type(world.task_type.pk)
