"""A judge over HTTP (mission B7): asked outside the request; whatever it does, nothing is lost and nothing slips."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import OutboxMessage
from hitl.core.clock import now
from reviews.actions.asking import ask_models
from reviews.models import Case, PendingAsk, ReviewTask, ValidationResult
from routing.models import ModelEndpoint, RoutingDecision
from tests.api.support import get, post, use_policy
from tests.factories import World
from tests.models_asked.conftest import JUDGE, NO_DRAW
from tests.models_asked.server import ModelServer, answers, cut_off, says, silent


def submit_undrawn(world: World, **changes: Any) -> dict[str, Any]:
    """A case the machine is sure of and that no sample draws, on its way to the judge."""
    for _ in range(50):
        case = world.submit(world.sure_case_body(**changes))
        features = PendingAsk.objects.filter(pk=case["id"])
        assert features.exists()
        from routing.engine.sampling import hash_draw

        if hash_draw(str(world.policy.pk), case["id"]) >= 0.01:
            return case
        PendingAsk.objects.all().delete()
    raise AssertionError


def again(world: World, case: dict[str, Any]) -> dict[str, Any]:
    return get(world, "partner", f"cases/{case['id']}").json()


def retry_now() -> None:
    PendingAsk.objects.update(next_attempt_at=now())


def test_while_a_judge_is_asked_the_case_is_pending_and_says_so(judged: World) -> None:
    case = submit_undrawn(judged)
    assert (case["status"], case["validating"], case["decision"]) == ("pending", True, None)
    assert (case["routing"], case["review"]) == (None, None)
    assert again(judged, case) == {k: v for k, v in case.items() if k != "latency_ms"}
    assert not ReviewTask.objects.filter(case_id=case["id"]).exists()


def test_when_the_judge_passes_the_machine_decides_then(judged: World, server: ModelServer) -> None:
    case = submit_undrawn(judged)
    assert ask_models() == 1
    after = again(judged, case)
    assert (after["status"], after["validating"], after["decision"]["owner"]) == ("decided", False, "system")
    assert after["routing"]["action"] == "automate"
    assert [s["outcome"] for s in after["routing"]["trace"] if s["step"] == "judge"] == ["pass"]
    message = OutboxMessage.objects.get(type="case.decided", case_id=case["id"])
    assert message.payload["decision"]["label"] == "approve"
    result = ValidationResult.objects.get(case_id=case["id"])
    assert (result.outcome, result.detail, result.attempts) == ("pass", "fine", 1)
    assert result.cost == pytest.approx(0.5 + 1.0)
    assert result.latency_ms > 0
    assert not PendingAsk.objects.exists()


def test_the_judge_is_sent_what_the_prompt_names_and_the_secret_in_the_header(
    judged: World, server: ModelServer
) -> None:
    submit_undrawn(judged)
    ask_models()
    (body,), (headers,) = server.asked[-1:], server.headers[-1:]
    assert body["messages"] == [{"role": "user", "content": 'Income 51000, the model says "approve". Is that right?'}]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("small-1", 300, 0)
    assert headers["authorization"] == "Bearer sk-1"


def test_when_the_judge_fails_a_person_decides(judged: World, server: ModelServer) -> None:
    server.otherwise = says({"verdict": "fail", "reason": "income too low"})
    case = submit_undrawn(judged)
    ask_models()
    after = again(judged, case)
    assert (after["status"], after["routing"]["action"], after["review"] is not None) == ("pending", "review", True)
    assert after["routing"]["selection_probability"] == 1.0
    assert after["validating"] is False
    assert ReviewTask.objects.get(case_id=case["id"]).queue.slug == "loans"


MALFORMED = {
    "not JSON": answers(200, b"<html>"),
    "no choices": answers(200, {"ok": True}),
    "prose": says("I think it is fine."),
    "another word": says({"verdict": "maybe"}),
    "no verdict": says({"answer": "pass"}),
    "cut at max_tokens": says({"verdict": "pass"}, finish="length"),
    "a list": answers(200, [1, 2]),
    "NUL": says({"verdict": "pass", "reason": "a\x00b"}),
    "deep": answers(200, b"[" * 100_000),
    "500": answers(500, {"error": "boom"}),
    "429": answers(429, {"error": "slow down"}),
    "cut off": cut_off,
    "silent": silent,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_whatever_comes_back_but_a_verdict_means_a_person_after_bounded_retries(
    judged: World, server: ModelServer, name: str
) -> None:
    server.otherwise = MALFORMED[name]
    case = submit_undrawn(judged)
    for _ in range(3):
        retry_now()
        ask_models()
    after = again(judged, case)
    assert (after["status"], after["routing"]["action"], after["validating"]) == ("pending", "review", False)
    result = ValidationResult.objects.get(case_id=case["id"])
    assert (result.outcome, result.attempts, len(server.asked)) == ("error", 3, 3)


HOPELESS = {
    "redirect": answers(302, b"", location="http://127.0.0.1:9/"),
    "401": answers(401, {"error": "key"}),
    "huge": answers(200, b"x" * 300_000),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_what_another_attempt_would_not_change_is_not_tried_again(
    judged: World, server: ModelServer, name: str
) -> None:
    server.otherwise = HOPELESS[name]
    case = submit_undrawn(judged)
    ask_models()
    assert again(judged, case)["routing"]["action"] == "review"
    assert len(server.asked) == 1


def test_a_retry_that_succeeds_counts_and_its_cost_adds_up(judged: World, server: ModelServer) -> None:
    server.script = [says("prose"), says('```json\n{"verdict": "pass"}\n```')]
    case = submit_undrawn(judged)
    ask_models()
    assert again(judged, case)["validating"] is True
    retry_now()
    ask_models()
    assert again(judged, case)["status"] == "decided"
    result = ValidationResult.objects.get(case_id=case["id"])
    assert (result.attempts, result.cost) == (2, pytest.approx(3.0))


def test_retry_after_is_kept_to(judged: World, server: ModelServer) -> None:
    server.otherwise = answers(429, {}, retry_after="60")
    case = submit_undrawn(judged)
    ask_models()
    wait = PendingAsk.objects.get(pk=case["id"]).next_attempt_at - now()
    assert timedelta(seconds=55) < wait <= timedelta(seconds=60)


def test_a_retry_that_would_come_too_late_is_not_waited_for(judged: World, server: ModelServer) -> None:
    server.otherwise = answers(429, {}, retry_after="3600")
    case = submit_undrawn(judged)
    ask_models()
    assert again(judged, case)["routing"]["action"] == "review"


def test_at_its_deadline_a_person_gets_the_case_whether_or_not_anybody_asked(judged: World) -> None:
    case = submit_undrawn(judged)
    PendingAsk.objects.update(due_at=now() - timedelta(seconds=1))
    ask_models()
    after = again(judged, case)
    assert (after["routing"]["action"], after["review"] is not None) == ("review", True)
    assert ValidationResult.objects.get(case_id=case["id"]).detail == "no answer before the deadline"


def test_a_worker_that_died_between_question_and_answer_loses_nothing(judged: World) -> None:
    case = submit_undrawn(judged)
    PendingAsk.objects.update(attempts=1, next_attempt_at=now() + timedelta(seconds=90))  # claimed, then killed
    assert ask_models() == 0
    retry_now()  # its lease ends
    ask_models()
    assert again(judged, case)["status"] == "decided"


def test_a_missing_or_switched_off_endpoint_means_a_person(judged: World) -> None:
    ModelEndpoint.objects.update(active=False)
    case = submit_undrawn(judged)
    ask_models()
    assert again(judged, case)["routing"]["action"] == "review"


def test_private_addresses_are_reached_only_where_the_operator_allows_it(judged: World, settings: Any) -> None:
    settings.HITL_MODEL_ALLOW_PRIVATE = False
    case = submit_undrawn(judged)
    for _ in range(3):
        retry_now()
        ask_models()
    assert "not allowed" in ValidationResult.objects.get(case_id=case["id"]).detail


def test_the_stop_button_counts_for_cases_that_are_being_asked_about(judged: World) -> None:
    case = submit_undrawn(judged)
    judged.task_type.machine_stopped = True
    judged.task_type.save()
    ask_models()
    assert again(judged, case)["routing"]["action"] == "review"


def test_a_case_cancelled_meanwhile_stays_cancelled(judged: World) -> None:
    case = submit_undrawn(judged)
    assert post(judged, "partner", f"cases/{case['id']}/cancel").status_code == 200
    ask_models()
    assert again(judged, case)["status"] == "cancelled"
    assert not PendingAsk.objects.exists()


def test_a_case_that_goes_to_a_person_anyway_costs_no_judge(judged: World, server: ModelServer) -> None:
    case = judged.submit()
    assert (case["validating"], case["routing"]["action"]) == (False, "review")
    ask_models()
    assert server.asked == []


def test_shadow_cases_are_judged_and_routed_and_change_nothing(judged: World) -> None:
    case = submit_undrawn(judged, mode="shadow")
    assert (case["status"], case["validating"]) == ("shadow", True)
    ask_models()
    after = again(judged, case)
    assert (after["status"], after["routing"]["action"], after["decision"], after["review"]) == (
        ("shadow", "automate", None, None)
    )


def test_computed_layers_are_recorded_with_every_case(judged: World) -> None:
    layers = [
        {"kind": "banned_terms", "name": "words", "terms": ["casino"], "on_fail": "escalate"},
        JUDGE,
    ]
    use_policy(judged, cascade={"layers": layers}, sampling=NO_DRAW)
    body = judged.sure_case_body(input={"income": 1, "purpose": "my Casino!"})
    case = judged.submit(body)
    assert (case["routing"]["action"], case["validating"]) == ("escalate", False)
    result = ValidationResult.objects.get(case_id=case["id"])
    assert (result.layer, result.outcome, result.cost) == ("words", "fail", 0.0)
    batch = post(judged, "partner", "cases/batch", {"cases": [body, judged.sure_case_body()]}).json()["results"]
    assert [item["case"]["validating"] for item in batch] == [False, True]
    assert ValidationResult.objects.count() == 3


def test_what_the_judge_said_is_sealed_like_any_machine_output(judged: World, server: ModelServer) -> None:
    server.otherwise = says({"verdict": "fail", "reason": "SECRETIVE"})
    case = submit_undrawn(judged)
    for name in ("bob", "carol"):
        assert get(judged, name, f"cases/{case['id']}").status_code == 404
    ask_models()
    for path in (f"cases/{case['id']}", f"cases/{case['id']}/trace", "cases"):
        assert b"SECRETIVE" not in get(judged, "bob", path).content
    assert b"SECRETIVE" in get(judged, "alice", f"cases/{case['id']}/trace").content
    page = judged.browser("bob").get(f"/cases/{case['id']}")
    assert page.status_code == 200
    assert b"SECRETIVE" not in page.content


def test_who_may_come_to_judge_a_case_sees_it_sealed_while_a_model_is_asked(judged: World) -> None:
    from guardian.shortcuts import assign_perm

    assign_perm("view_tasktype", judged.users["bob"], judged.task_type)
    case = submit_undrawn(judged)
    seen = get(judged, "bob", f"cases/{case['id']}").json()
    assert "status" not in seen and "prediction" not in seen
    assert get(judged, "bob", "cases?status=pending").json()["results"] == []


def test_a_rolled_back_policy_counts_for_cases_that_are_being_asked_about(judged: World) -> None:
    case = submit_undrawn(judged)
    use_policy(judged, thresholds={"default": None})
    ask_models()
    after = again(judged, case)
    assert (after["routing"]["action"], after["routing"]["policy_version"]) == ("review", 3)


def test_every_step_is_in_the_trace(judged: World) -> None:
    case = submit_undrawn(judged)
    ask_models()
    events = get(judged, "alice", f"cases/{case['id']}/trace").json()["events"]
    assert [e["action"] for e in events] == ["case.submitted", "case.validated", "case.decided"]
    assert RoutingDecision.objects.filter(case_id=case["id"]).count() == 1
    assert Case.objects.get(pk=case["id"]).history.count() == 2
