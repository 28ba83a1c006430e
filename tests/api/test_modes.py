"""The four modes (mission A4), named by the case or by its task type."""

from typing import Any

import pytest

from reviews.models import ReviewTask
from tests.api.support import claim, get, judge, post, problem, use_policy
from tests.factories import World


def set_mode(world: World, mode: str) -> None:
    world.task_type.default_mode = mode
    world.task_type.save()


@pytest.mark.parametrize(("mode", "status"), [("async", "decided"), ("shadow", "shadow"), ("annotate", "pending")])
def test_without_a_mode_a_case_takes_its_task_types(world: World, mode: str, status: str) -> None:
    set_mode(world, mode)
    use_policy(world, sampling={"exploration_rate": 0.01, "audit_rate": 0.01})
    found = {world.submit(world.sure_case_body())["status"] for _ in range(5)}
    assert status in found
    named = {world.submit(world.sure_case_body(mode="shadow"))["status"] for _ in range(2)}
    assert named == {"shadow"}


@pytest.mark.parametrize("by_type", [False, True])
def test_annotation_needs_no_prediction_is_decided_by_no_machine_and_says_so_exactly(
    world: World, by_type: bool
) -> None:
    if by_type:
        set_mode(world, "annotate")
    mode = {} if by_type else {"mode": "annotate"}
    sure = world.sure_case_body(**mode)
    blind = {key: value for key, value in sure.items() if key != "prediction"}
    answer = post(world, "partner", "cases/batch", {"cases": [sure, blind, sure]})
    for item in answer.json()["results"]:
        case = item["case"]
        assert (item["status"], case["status"], case["decision"]) == (201, "pending", None)
        assert case["review"] is not None
        assert (case["routing"]["action"], case["routing"]["selection_probability"]) == ("review", 1.0)


def test_annotated_cases_are_decided_by_the_person_who_labels_them(world: World) -> None:
    case = world.submit(world.sure_case_body(mode="annotate"))
    judge(world, "bob", claim(world, "bob"), "reject")
    after = get(world, "partner", f"cases/{case['id']}").json()
    assert (after["status"], after["decision"]["owner"], after["decision"]["label"]) == (
        "decided",
        "reviewer",
        "reject",
    )


def test_shadow_is_recorded_and_routed_and_changes_nothing(world: World) -> None:
    case = world.submit(world.sure_case_body(mode="shadow"))
    assert (case["status"], case["decision"], case["review"]) == ("shadow", None, None)
    assert case["routing"]["action"] in ("automate", "review")
    assert not ReviewTask.objects.exists()


def test_a_batch_may_mix_modes(world: World) -> None:
    modes = ("async", "inline", "shadow", "annotate")
    cases = [world.sure_case_body(mode=mode) for mode in modes]
    results = post(world, "partner", "cases/batch", {"cases": cases}).json()["results"]
    assert [item["status"] for item in results] == [201] * 4
    assert [item["case"]["status"] for item in results][2:] == ["shadow", "pending"]


def test_where_all_places_for_waiting_are_taken_the_ticket_comes_at_once(world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 0
    response = post(world, "partner", "cases", world.case_body(mode="inline", wait_seconds=60))
    assert (response.status_code, response["Inline-Wait"], response.json()["status"]) == (201, "busy", "pending")
    assert response.json()["review"] is not None


def test_when_the_time_runs_out_the_ticket_comes(world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 1
    response = post(world, "partner", "cases", world.case_body(mode="inline", wait_seconds=0.01))
    assert (response.status_code, response["Inline-Wait"], response.json()["status"]) == (201, "timed-out", "pending")


def test_what_the_machine_decides_is_not_waited_for(world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 1
    for _ in range(50):
        response = post(world, "partner", "cases", world.sure_case_body(mode="inline", wait_seconds=0.01))
        if response.json()["status"] == "decided":
            break
    assert not response.has_header("Inline-Wait")


def test_only_inline_waits(world: World) -> None:
    body = world.case_body(wait_seconds=5)
    problem(post(world, "partner", "cases", body), 422, "not_applicable")
    problem(post(world, "partner", "cases", body | {"mode": "async"}), 400, "invalid_input")


def test_where_the_task_type_waits_a_case_need_not_say_so(world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 0
    set_mode(world, "inline")
    assert post(world, "partner", "cases", world.case_body(wait_seconds=5))["Inline-Wait"] == "busy"


STANDBY = {"context": {"latency_tolerance": "standby"}}


@pytest.mark.parametrize("change", [{"mode": "inline"}, STANDBY], ids=["inline", "standby"])
def test_who_waits_on_the_line_comes_before_any_priority(world: World, change: dict[str, Any]) -> None:
    """The others are less certain, so their priority is higher."""
    low = {"label": "approve", "confidence": 0.51, "model_version": "credit-1"}
    for _ in range(3):
        world.submit(world.case_body(prediction=low))
    hurried = world.submit(world.case_body(**change))
    world.submit(world.case_body(prediction=low))
    assert claim(world, "bob")["case"]["id"] == hurried["id"]


def test_latency_that_is_not_standby_hurries_nobody(world: World) -> None:
    world.submit(world.case_body(context={"latency_tolerance": "batch"}))
    low = {"label": "approve", "confidence": 0.51, "model_version": "credit-1"}
    first = world.submit(world.case_body(prediction=low))
    assert claim(world, "bob")["case"]["id"] == first["id"]
