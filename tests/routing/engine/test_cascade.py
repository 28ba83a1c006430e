"""The cascade (mission B7): layers that compute, judges that are asked, and never a machine that was not allowed."""

import time
from typing import Any

import pytest

from routing.engine.document import PolicyError, decode_document
from routing.engine.features import Features, Validation
from routing.engine.route import Action
from tests.routing.engine.cases import features, route, rule, snapshot, steps

SCHEMA = {"kind": "json_schema", "name": "shape", "schema": {"required": ["text"]}}
PATTERN = {"kind": "pattern", "name": "iban", "pointer": "/text", "pattern": r"[A-Z]{2}\d{6,}", "must": "not_match"}
TERMS = {"kind": "banned_terms", "name": "words", "terms": ["free money", "Straße"]}
JUDGE = {"kind": "judge", "name": "judge", "endpoint": "gpt", "model": "m", "prompt": "Is {{input.text}} fine?"}


def cascade(*layers: dict[str, Any], **policy: Any) -> dict[str, Any]:
    return {"cascade": {"layers": list(layers)}} | policy


def case(text: Any = "hello", **changes: Any) -> Features:
    return features(input={"text": text}, **changes)


def test_a_case_that_passes_every_computed_layer_is_decided_by_the_machine() -> None:
    answer = route(case(), snapshot(cascade(SCHEMA, PATTERN, TERMS)))
    assert answer.action is Action.AUTOMATE
    assert steps(answer).count(("cascade", "pass")) == 3


LAYERS: list[tuple[dict[str, Any], Any, str]] = [
    (SCHEMA, {}, "fail"),
    (SCHEMA, {"text": 1}, "pass"),
    (PATTERN, {"text": "pay DE123456789"}, "fail"),
    (PATTERN, {"text": ["fine", "pay DE123456789"]}, "fail"),
    (PATTERN, {"text": "pay later"}, "pass"),
    (PATTERN, {"other": "x"}, "error"),
    (PATTERN, {"text": 5}, "error"),
    (PATTERN | {"must": "match"}, {"text": "pay later"}, "fail"),
    (TERMS, {"text": "FREE   Money!"}, "fail"),
    (TERMS, {"text": "fr\u200bee mon\u00adey"}, "fail"),
    (TERMS, {"a": [{"b": "ＦＲＥＥ money"}]}, "fail"),
    (TERMS, {"text": "STRASSE"}, "fail"),
    (TERMS, {"text": "carefree moneyed"}, "pass"),
    (TERMS | {"pointers": ["/text"]}, {"other": "free money"}, "pass"),
    (TERMS, {"text": "x" * 100_001}, "error"),
]


@pytest.mark.parametrize(("layer", "content", "outcome"), LAYERS)
def test_what_a_computed_layer_says(layer: dict[str, Any], content: dict[str, Any], outcome: str) -> None:
    answer = route(features(input=content), snapshot(cascade(layer)))
    assert ("cascade", outcome) in steps(answer)
    assert (answer.action is Action.AUTOMATE) == (outcome == "pass")


@pytest.mark.parametrize(
    ("on_fail", "risk", "action"),
    [
        ("review", "low", Action.REVIEW),
        ("escalate", "low", Action.ESCALATE),
        ("review", "high", Action.ESCALATE),
    ],
)
def test_a_layer_that_fails_sends_the_case_where_it_says(on_fail: str, risk: str, action: Action) -> None:
    raised = [{"name": "raise", "when": "true", "level": risk}]
    answer = route(features(input={}), snapshot(cascade(SCHEMA | {"on_fail": on_fail}, risk_rules=raised)))
    assert (answer.action, answer.selection_probability, answer.action_propensity) == (action, 1.0, 1.0)


def test_the_first_layer_that_does_not_pass_ends_the_cascade() -> None:
    answer = route(features(input={}), snapshot(cascade(SCHEMA, PATTERN)))
    assert steps(answer).count(("cascade", "fail")) == 1
    assert ("cascade", "error") not in steps(answer)


def test_a_judge_is_awaited_only_where_nothing_else_keeps_the_machine_from_deciding() -> None:
    taken = snapshot(cascade(JUDGE))
    assert (route(case(), taken).action, route(case(), taken).awaits) == (Action.REVIEW, "judge")
    assert route(case(), taken, draw=0.0).awaits == "judge", "the draw must not decide who is judged"
    assert route(case(confidence=0.1), taken).awaits is None
    assert route(case(), taken, stop_reason="stopped").awaits is None
    assert route(case(), snapshot(cascade(JUDGE, rules=[rule("true")]))).awaits is None


@pytest.mark.parametrize(
    ("outcome", "action"), [("pass", Action.AUTOMATE), ("fail", Action.REVIEW), ("error", Action.REVIEW)]
)
def test_the_judge_has_the_last_word(outcome: str, action: Action) -> None:
    taken = snapshot(cascade(JUDGE))
    said = (Validation(taken.policy.cascade[0].key, outcome),)
    answer = route(case(validations=said), taken)
    assert (answer.action, answer.awaits) == (action, None)
    again = Features.from_json(case(validations=said).to_json())
    assert route(again, taken) == answer, "a stored case replays alike"


def test_what_was_said_of_another_prompt_does_not_count() -> None:
    before, after = snapshot(cascade(JUDGE)), snapshot(cascade(JUDGE | {"prompt": "Is it good?"}))
    said = (Validation(before.policy.cascade[0].key, "pass"),)
    assert route(case(validations=said), after).awaits == "judge"


def test_features_stored_before_cascades_decode() -> None:
    stored = case().to_json()
    del stored["validations"]
    assert Features.from_json(stored) == case()


REFUSED: list[tuple[tuple[dict[str, Any], ...], str]] = [
    ((SCHEMA, SCHEMA), "/cascade/layers/1/name"),
    ((JUDGE, SCHEMA), "/cascade/layers/1"),
    ((PATTERN | {"pattern": "(?=a)b"},), "/cascade/layers/0/pattern"),
    ((PATTERN | {"pattern": "(a)\\1"},), "/cascade/layers/0/pattern"),
    ((PATTERN | {"pattern": "((a{100}){100}){100}"},), "/cascade/layers/0/pattern"),
    ((SCHEMA | {"schema": {"type": 7}},), "/cascade/layers/0/schema"),
    ((SCHEMA | {"schema": {"$ref": "file:///etc/hostname"}},), "/cascade/layers/0/schema"),
    ((SCHEMA | {"schema": {"$ref": "http://127.0.0.1:9/x"}},), "/cascade/layers/0/schema"),
    ((TERMS | {"terms": ["$$$"]},), "/cascade/layers/0/terms"),
    ((JUDGE | {"prompt": "{{proposed.secret}}"},), "/cascade/layers/0/prompt"),
    ((JUDGE | {"verdict": {"fails": ["pass"]}},), "/cascade/layers/0/verdict/fails"),
    (({"name": "x"},), "/cascade/layers/0/kind"),
]


@pytest.mark.parametrize(("layers", "pointer"), REFUSED)
def test_a_layer_that_could_not_work_is_refused_at_its_place(layers: tuple[dict[str, Any], ...], pointer: str) -> None:
    with pytest.raises(PolicyError) as caught:
        decode_document(cascade(*layers))
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


def test_a_pattern_that_would_explode_elsewhere_runs_in_linear_time() -> None:
    taken = snapshot(cascade(PATTERN | {"pattern": "^(a+)+$"}))
    started = time.perf_counter()
    route(case("a" * 90_000 + "b"), taken)
    assert time.perf_counter() - started < 1.0
