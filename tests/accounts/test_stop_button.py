import pytest

from audit.models import Event
from hitl.accounts.actions.workspace import set_machine_stopped
from hitl.accounts.models import Workspace
from hitl.core.errors import Forbidden, Refused
from hitl.core.permissions import Role
from tests.accounts.test_people import person_as
from tests.factories import World, make_world


@pytest.mark.parametrize(("role", "allowed"), [(role, role in (Role.SUPERVISOR, Role.OPERATOR)) for role in Role])
def test_who_may_stop_the_machine(world: World, role: Role, allowed: bool) -> None:
    actor = person_as(world, role)
    if allowed:
        assert set_machine_stopped(actor=actor, stopped=True, reason="wrong answers")
    else:
        with pytest.raises(Forbidden):
            set_machine_stopped(actor=actor, stopped=True, reason="wrong answers")
    world.workspace.refresh_from_db()
    assert world.workspace.machine_stopped is allowed


def test_pressing_twice_is_one_event_and_other_workspaces_go_on(world: World) -> None:
    other = make_world("other")
    alice = world.actor("alice")
    assert set_machine_stopped(actor=alice, stopped=True, reason="drill")
    assert not set_machine_stopped(actor=alice, stopped=True, reason="drill")
    assert set_machine_stopped(actor=alice, stopped=False, reason="over")
    actions = list(Event.objects.order_by("id").values_list("action", "reason"))
    assert actions == [("workspace.machine_stopped", "drill"), ("workspace.machine_resumed", "over")]
    assert not Workspace.objects.get(pk=other.workspace.pk).machine_stopped


def test_a_reason_is_needed(world: World) -> None:
    with pytest.raises(Refused):
        set_machine_stopped(actor=world.actor("alice"), stopped=True, reason="  ")
