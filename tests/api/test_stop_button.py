"""The stop buttons take effect with the next request (mission B15)."""

import pytest

from routing.models import TaskType
from tests.api.support import submit_until, use_policy
from tests.factories import World, make_world


def stop(world: World, which: str, on: bool) -> None:
    row = world.workspace if which == "workspace" else TaskType.objects.get(pk=world.task_type.pk)
    row.machine_stopped = on
    row.save()


@pytest.mark.parametrize("which", ["workspace", "task type"])
def test_a_pressed_button_stops_the_machine_at_once_and_lets_it_go_on(world: World, which: str) -> None:
    assert submit_until(world, "automate", world.sure_case_body())["status"] == "decided"
    stop(world, which, True)
    for _ in range(3):
        case = world.submit(world.sure_case_body())
        assert (case["status"], case["decision"], case["routing"]["action"]) == ("pending", None, "review")
        assert case["routing"]["selection_probability"] == 1.0
        step = case["routing"]["trace"][0]
        assert (step["step"], step["outcome"]) == ("stop_button", "pressed")
        assert "stop button" in case["routing"]["reason"]
    stop(world, which, False)
    assert submit_until(world, "automate", world.sure_case_body())["status"] == "decided"


def test_a_roll_out_policy_does_not_act_either(world: World) -> None:
    use_policy(world, rollout=True, calibrations=[])
    assert world.submit(world.sure_case_body())["status"] == "provisional"
    stop(world, "workspace", True)
    assert world.submit(world.sure_case_body())["status"] == "pending"


def test_without_an_active_policy_people_decide(world: World) -> None:
    world.policy.versions.update(status="retired")
    case = world.submit(world.sure_case_body())
    assert (case["status"], case["routing"]["policy_version"]) == ("pending", None)


def test_the_button_of_one_workspace_stops_no_other(world: World) -> None:
    stranger = make_world("globex")
    stop(stranger, "workspace", True)
    assert submit_until(world, "automate", world.sure_case_body())["status"] == "decided"


def test_the_page_of_settings_presses_it(world: World) -> None:
    browser = world.browser("alice")
    assert browser.post("/settings/machine", {"stop": "1", "reason": "the model drifts"}).status_code == 302
    assert world.submit(world.sure_case_body())["status"] == "pending"
    assert browser.post("/settings/machine", {"reason": "fixed"}).status_code == 302
    assert submit_until(world, "automate", world.sure_case_body())["status"] == "decided"
