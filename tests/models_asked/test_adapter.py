"""Model adapters (mission A6): the partner sends only the input, and hitl asks for the prediction."""

from typing import Any

import pytest

from reviews.actions.asking import ask_models
from reviews.models import CaseContent, ValidationResult
from routing.models import ModelVersion
from tests.api.support import get, use_policy
from tests.factories import World
from tests.models_asked.conftest import JUDGE, NO_DRAW, endpoint
from tests.models_asked.server import ModelServer, answers, says

GENERAL = {"name": "general", "endpoint": "general"}
SPECIAL = {"name": "special", "endpoint": "special", "when": "input.purpose == 'boat'"}
EXPERT = {"name": "expert", "endpoint": "special", "revises": True, "when": "prediction.confidence < 0.9"}
MAPPING = {
    "request": {"features": "{{input}}", "note": "income {{input.income}}"},
    "label": "/result/class",
    "confidence": "/result/p",
    "model": "credit-1",
    "labels": {"YES": "approve", "NO": "reject"},
}
SURE = answers(200, {"result": {"class": "YES", "p": 0.99}})
UNSURE = answers(200, {"result": {"class": "NO", "p": 0.6}})


@pytest.fixture
def asking(world: World, server: ModelServer) -> World:
    server.otherwise = SURE
    for slug in ("general", "special"):
        endpoint(world, server, slug, kind="adapter", mapping=MAPPING)
    use_policy(world, adapters=[SPECIAL, GENERAL], sampling=NO_DRAW)
    return world


def submit(world: World, **changes: Any) -> dict[str, Any]:
    body = world.case_body(**changes)
    del body["prediction"]
    return world.submit(body)


def after(world: World, case: dict[str, Any]) -> dict[str, Any]:
    return get(world, "partner", f"cases/{case['id']}").json()


def test_the_prediction_is_fetched_and_the_case_routed_as_if_it_had_been_sent(
    asking: World, server: ModelServer
) -> None:
    case = submit(asking)
    assert (case["status"], case["validating"], case["routing"]) == ("pending", True, None)
    ask_models()
    found = after(asking, case)
    assert found["validating"] is False
    assert found["routing"]["calibrated_confidence"] == 0.99
    assert found["routing"]["zone"] == "auto"
    assert server.asked == [{"features": {"income": 51000, "purpose": "car"}, "note": "income 51000"}]
    prediction = CaseContent.objects.get(pk=case["id"]).prediction
    assert prediction == {"label": "approve", "confidence": 0.99, "model_version": "credit-1"}
    assert ModelVersion.objects.filter(name="credit-1").exists()


@pytest.mark.parametrize(("purpose", "name"), [("boat", "special"), ("car", "general")])
def test_the_first_rule_that_holds_chooses_the_model(asking: World, purpose: str, name: str) -> None:
    case = submit(asking, input={"income": 1, "purpose": purpose})
    ask_models()
    result = ValidationResult.objects.get(case_id=case["id"])
    assert (result.layer, result.kind, result.outcome) == (name, "adapter", "pass")


def test_a_specialist_is_asked_where_the_general_model_is_unsure_and_its_word_counts(
    asking: World, server: ModelServer
) -> None:
    use_policy(asking, adapters=[GENERAL, EXPERT], sampling=NO_DRAW)
    server.script = [UNSURE, SURE]
    case = submit(asking)
    ask_models()
    assert len(server.asked) == 2
    prediction = CaseContent.objects.get(pk=case["id"]).prediction
    assert prediction["label"] == "approve"
    assert prediction["ensemble"] == [{"model": "credit-1", "label": "reject", "confidence": 0.6}]


def test_a_sure_general_model_needs_no_specialist(asking: World, server: ModelServer) -> None:
    use_policy(asking, adapters=[GENERAL, EXPERT], sampling=NO_DRAW)
    submit(asking)
    ask_models()
    assert len(server.asked) == 1


FAILURES = {
    "unknown label": answers(200, {"result": {"class": "MAYBE", "p": 0.9}}),
    "confidence out of range": answers(200, {"result": {"class": "YES", "p": 1.5}}),
    "confidence as text": answers(200, {"result": {"class": "YES", "p": "0.9"}}),
    "nothing there": answers(200, {}),
    "not an object": answers(200, [1]),
    "refused": answers(403, {}),
    "NaN": answers(200, b'{"result": {"class": "YES", "p": NaN}}'),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_means_a_person_and_never_another_models_answer(
    asking: World, server: ModelServer, name: str
) -> None:
    use_policy(asking, adapters=[GENERAL | {"retries": 0}, SPECIAL | {"when": "true"}], sampling=NO_DRAW)
    server.otherwise = FAILURES[name]
    case = submit(asking)
    ask_models()
    found = after(asking, case)
    assert (found["status"], found["routing"]["action"], found["validating"]) == ("pending", "review", False)
    assert len(server.asked) == 1
    assert ValidationResult.objects.get(case_id=case["id"]).outcome == "error"


def test_a_specialist_that_fails_takes_the_general_answer_with_it(asking: World, server: ModelServer) -> None:
    use_policy(asking, adapters=[GENERAL, EXPERT | {"retries": 0, "when": "true"}], sampling=NO_DRAW)
    server.script = [SURE, answers(500, {})]
    case = submit(asking)
    ask_models()
    assert after(asking, case)["routing"]["action"] == "review"


def test_after_the_adapter_the_judge_is_asked(asking: World, server: ModelServer) -> None:
    endpoint(asking, server)
    use_policy(asking, adapters=[GENERAL], cascade={"layers": [JUDGE]}, sampling=NO_DRAW)
    server.script = [SURE, says({"verdict": "fail"})]
    case = submit(asking)
    ask_models()
    found = after(asking, case)
    assert found["routing"]["action"] == "review"
    kinds = ValidationResult.objects.filter(case_id=case["id"]).order_by("id").values_list("kind", "outcome")
    assert list(kinds) == [("adapter", "pass"), ("judge", "fail")]


def test_who_sends_a_prediction_is_not_asked_for_another(asking: World, server: ModelServer) -> None:
    case = asking.submit()
    assert case["validating"] is False


def test_annotation_and_a_stopped_machine_ask_nobody(asking: World, server: ModelServer) -> None:
    assert submit(asking, mode="annotate")["validating"] is False
    asking.task_type.machine_stopped = True
    asking.task_type.save()
    assert submit(asking)["validating"] is False


def test_without_a_rule_that_holds_a_person_decides_at_once(asking: World) -> None:
    use_policy(asking, adapters=[SPECIAL], sampling=NO_DRAW)
    case = submit(asking)
    assert (case["validating"], case["routing"]["action"]) == (False, "review")
