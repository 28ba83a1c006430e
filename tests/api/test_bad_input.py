"""Bad input is a 4xx with pointer and code, and nothing is stored (issue: Bad input)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from hitl.core.clock import now, rfc3339
from tests.api.support import post, problem, table_counts
from tests.factories import World

PREDICTION = {"label": "approve", "confidence": 0.7, "model_version": "credit-1"}


def predicted(**changes: Any) -> dict[str, Any]:
    return {"prediction": PREDICTION | changes}


def nested(depth: int) -> Any:
    """Lists in lists; the whole case is two levels deeper."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return {"deep": value}


# what is changed in a good case → status, code, pointer, code of the place
WRONG: dict[str, tuple[dict[str, Any], int, str, str, str]] = {
    "unknown task type": ({"task_type": "nope"}, 422, "unknown_task_type", "/task_type", "unknown_task_type"),
    "unknown label": (predicted(label="maybe"), 422, "unknown_label", "/prediction/label", "unknown_label"),
    "unknown label among the probabilities": (
        predicted(probabilities={"approve": 0.5, "no/~": 0.5}),
        422,
        "unknown_label",
        "/prediction/probabilities/no~1~0",
        "unknown_label",
    ),
    "unknown label in the ensemble": (
        predicted(ensemble=[{"model": "b", "label": "maybe", "confidence": 0.6}]),
        422,
        "unknown_label",
        "/prediction/ensemble/0/label",
        "unknown_label",
    ),
    "unknown label of the readable model": (
        predicted(interpretable={"label": "maybe", "explanation": ""}),
        422,
        "unknown_label",
        "/prediction/interpretable/label",
        "unknown_label",
    ),
    "confidence above one": (
        predicted(confidence=1.01), 400, "invalid_input", "/prediction/confidence", "invalid_type|invalid_value"
    ),
    "confidence below zero": (
        predicted(confidence=-0.01), 400, "invalid_input", "/prediction/confidence", "invalid_type|invalid_value"
    ),
    "confidence as text": (
        predicted(confidence="0.7"), 400, "invalid_input", "/prediction/confidence", "invalid_type"
    ),
    "probabilities off one": (
        predicted(probabilities={"approve": 0.7, "reject": 0.2}),
        400,
        "invalid_input",
        "/prediction/probabilities",
        "probabilities_off_one",
    ),
    "probabilities just off one": (
        predicted(probabilities={"approve": 0.7, "reject": 0.3015}),
        400,
        "invalid_input",
        "/prediction/probabilities",
        "probabilities_off_one",
    ),
    "a probability above one": (
        predicted(probabilities={"approve": 1.5, "reject": -0.5}),
        400,
        "invalid_input",
        "/prediction/probabilities",
        "invalid_type|invalid_value",
    ),
    "unknown field": ({"surprise": 1}, 400, "invalid_input", "/surprise", "unknown_field"),
    "unknown field inside": (predicted(lable="x"), 400, "invalid_input", "/prediction/lable", "unknown_field"),
    "wrong type": ({"input": [1]}, 400, "invalid_input", "/input", "invalid_type"),
    "wrong type deep inside": (
        {"context": {"required_expertise": ["credit", 7]}},
        400,
        "invalid_input",
        "/context/required_expertise/1",
        "invalid_type",
    ),
    "null where a value is needed": ({"input": None}, 400, "invalid_input", "/input", "invalid_type"),
    "unknown mode": ({"mode": "later"}, 400, "invalid_input", "/mode", "invalid_type|invalid_value"),
    "unknown stakes": (
        {"context": {"stakes": "huge"}}, 400, "invalid_input", "/context/stakes", "invalid_type|invalid_value"
    ),
    "negative error cost": (
        {"context": {"error_cost": -1}}, 400, "invalid_input", "/context/error_cost", "invalid_type|invalid_value"
    ),
    "risk score above one": (
        {"context": {"risk_score": 2}}, 400, "invalid_input", "/context/risk_score", "invalid_type|invalid_value"
    ),
    "waiting without inline": (
        {"mode": "async", "wait_seconds": 5}, 400, "invalid_input", "/wait_seconds", "not_applicable"
    ),
    "waiting where the task type's mode does not": (
        {"wait_seconds": 5}, 422, "not_applicable", "/wait_seconds", "not_applicable"
    ),
    "waiting too long": (
        {"mode": "inline", "wait_seconds": 61},
        400,
        "invalid_input",
        "/wait_seconds",
        "invalid_type|invalid_value",
    ),
    "a span that ends before it starts": (
        predicted(explanation={"spans": [{"start": 9, "end": 3}]}),
        400,
        "invalid_input",
        "/prediction/explanation/spans/0/end",
        "out_of_range",
    ),
    "required by no time": (
        {"required_by": "soon"}, 400, "invalid_input", "/required_by", "invalid_type|invalid_value"
    ),
    "required by a time without zone": (
        {"required_by": "2030-01-01T00:00:00"}, 400, "invalid_input", "/required_by", "invalid_type|invalid_value"
    ),
    "required in the past": (
        {"required_by": rfc3339(now() - timedelta(minutes=1))}, 400, "invalid_input", "/required_by", "out_of_range"
    ),
    "required in a far future": (
        {"required_by": "9999-12-31T23:59:59Z"}, 400, "invalid_input", "/required_by", "out_of_range"
    ),
    "NUL in a value": ({"subject": "a\x00b"}, 400, "invalid_input", "", "nul_character"),
    "NUL in the content": ({"input": {"a": ["\x00"]}}, 400, "invalid_input", "", "nul_character"),
    "NUL in a name": ({"input": {"a\x00": 1}}, 400, "invalid_input", "", "nul_character"),
    "an empty external id": ({"external_id": ""}, 400, "invalid_input", "/external_id", "invalid_type|invalid_value"),
    "an external id too long": (
        {"external_id": "x" * 201}, 400, "invalid_input", "/external_id", "invalid_type|invalid_value"
    ),
}  # fmt: skip


def test_a_wrong_case_is_refused_with_its_place_and_leaves_no_row(world: World) -> None:
    before = table_counts()
    for name, (changes, status, code, pointer, place_code) in WRONG.items():
        body = problem(post(world, "partner", "cases", world.case_body(**changes)), status, code)
        assert body["errors"][0]["pointer"] == pointer, name
        assert body["errors"][0]["code"] in place_code.split("|"), name
        assert body["errors"][0]["detail"], name
    assert table_counts() == before


def test_the_same_items_of_a_batch_are_refused_alike(world: World) -> None:
    before = table_counts()
    # PostgreSQL would refuse NUL, so the body as a whole is checked for it first.
    rows = {name: row for name, row in WRONG.items() if row[4] != "nul_character"}
    items = [world.case_body(**row[0]) for row in rows.values()]
    results = post(world, "partner", "cases/batch", {"cases": items}).json()["results"]
    for (name, (_, status, code, pointer, _)), result in zip(rows.items(), results, strict=True):
        assert (result["status"], result["problem"]["code"]) == (status, code), name
        assert result["problem"]["errors"][0]["pointer"] == pointer, name
    assert table_counts() == before


@pytest.mark.parametrize("missing", ["task_type", "input", "prediction/label", "prediction/model_version"])
def test_a_missing_field_is_named(world: World, missing: str) -> None:
    body = world.case_body()
    *path, last = missing.split("/")
    inner = body[path[0]] if path else body
    del inner[last]
    before = table_counts()
    refused = problem(post(world, "partner", "cases", body), 400, "invalid_input")
    assert refused["errors"][0]["code"] == "required"
    assert refused["errors"][0]["pointer"] == f"/{missing}"
    assert table_counts() == before


RAW: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "invalid_input"),
    "no JSON": (b"task_type=loan", 400, "malformed_json"),
    "cut off": (b'{"task_type": "loan"', 400, "malformed_json"),
    "two documents": (b'{"task_type": "loan", "input": {}} {}', 400, "malformed_json"),
    "a list": (b"[]", 400, "invalid_input"),
    "a text": (b'"loan"', 400, "invalid_input"),
    "null": (b"null", 400, "invalid_input"),
    "invalid UTF-8": (b'{"task_type": "loan", "input": {"a": "\xff"}}', 400, "invalid_utf8"),
    "UTF-16": ('{"task_type": "loan", "input": {}}'.encode("utf-16"), 400, "invalid_input"),  # its NUL bytes
    "half a surrogate pair": (b'{"task_type": "loan", "input": {"a": "\\ud800"}}', 400, "malformed_json"),
    "NaN": (b'{"task_type": "loan", "input": {"a": NaN}}', 400, "malformed_json"),
    "infinity": (b'{"task_type": "loan", "input": {"a": Infinity}}', 400, "malformed_json"),
    "a raw NUL byte": (b'{"task_type": "loan\x00", "input": {}}', 400, "invalid_input"),
}


def test_a_body_that_is_no_json_object_is_refused(world: World) -> None:
    before = table_counts()
    for raw, status, code in RAW.values():
        problem(post(world, "partner", "cases", raw), status, code)
    assert table_counts() == before


def test_a_confidence_that_is_no_number_from_zero_to_one_is_refused(world: World) -> None:
    before = table_counts()
    for confidence in ("NaN", "1e999", "-1e999", "2e0", "01", "0x1", ".5"):
        raw = json.dumps(world.case_body(**predicted(confidence=0.123))).replace("0.123", confidence)
        assert post(world, "partner", "cases", raw).status_code == 400, confidence
    assert table_counts() == before


def test_huge_numbers_are_stored_or_refused_but_never_break_the_server(world: World) -> None:
    for number in ("1e999", "-1e999", "1" * 45, "1" * 5000, "1e308"):
        for place in ('"input": {"a": %s}', '"input": {}, "context": {"amount": %s}'):
            raw = '{"task_type": "loan", %s}' % (place % number)
            assert post(world, "partner", "cases", raw).status_code in (201, 400), (place, number[:20])


def test_a_case_of_just_a_mebibyte_passes_and_one_byte_more_does_not(world: World) -> None:
    empty = len(json.dumps({"task_type": "loan", "input": {"a": ""}}))
    body = json.dumps({"task_type": "loan", "input": {"a": "x" * ((1 << 20) - empty)}})
    assert len(body) == 1 << 20
    assert post(world, "partner", "cases", body).status_code == 201
    before = table_counts()
    problem(post(world, "partner", "cases", body + " "), 413, "too_large")
    assert table_counts() == before


def test_a_batch_over_sixteen_mebibytes_is_refused(world: World) -> None:
    before = table_counts()
    problem(post(world, "partner", "cases/batch", b'{"cases": [' + b" " * (16 << 20)), 413, "too_large")
    assert table_counts() == before


def test_a_case_nested_thirty_two_deep_passes_and_one_more_does_not(world: World) -> None:
    assert post(world, "partner", "cases", world.case_body(input=nested(30))).status_code == 201
    before = table_counts()
    problem(post(world, "partner", "cases", world.case_body(input=nested(31))), 413, "too_large")
    problem(post(world, "partner", "cases", b'{"input":' + b"[" * 100_000), 413, "too_large")
    problem(post(world, "partner", "cases", b'{"input":' + b'{"a":' * 100_000), 413, "too_large")
    assert table_counts() == before


def test_brackets_inside_text_do_not_count_as_depth(world: World) -> None:
    assert post(world, "partner", "cases", world.case_body(input={"a": "[{" * 500 + '\\"'})).status_code == 201


def test_only_json_is_taken(world: World) -> None:
    before = table_counts()
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = world.api().post("/api/v1/cases", json.dumps(world.case_body()), content_type=media_type)
        problem(response, 415, "unsupported_media_type")
    assert table_counts() == before


def test_the_input_is_checked_by_the_task_types_schema(world: World) -> None:
    world.task_type.input_schema = {
        "type": "object",
        "properties": {"income": {"type": "integer"}, "a/b": {"type": "string"}},
        "required": ["income"],
    }
    world.task_type.save()
    before = table_counts()
    body = problem(
        post(world, "partner", "cases", world.case_body(input={"income": "x", "a/b": 1})), 422, "input_schema"
    )
    assert {(e["pointer"], e["code"]) for e in body["errors"]} == {
        ("/input/income", "input_schema"),
        ("/input/a~1b", "input_schema"),
    }
    assert table_counts() == before
    assert post(world, "partner", "cases", world.case_body(input={"income": 5})).status_code == 201
