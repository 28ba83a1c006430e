"""Policy test suites: immutable versions of examples, each checked as a case, written by REST, text and file."""

import json
from typing import Any

import msgspec
import pytest
from django.db import DatabaseError, transaction
from pytest_django import DjangoAssertNumQueries

from audit.models import Event
from hitl.accounts.models import ApiKey
from hitl.core.errors import DomainError, Forbidden, NotFound
from hitl.core.parsing import convert
from reviews.actions.suites import write_suite
from reviews.config.apply import apply_configuration
from reviews.config.structs import Configuration
from reviews.models import SuiteVersion
from reviews.suites import ExampleIn, SuiteTextError, read_suite, write_lines
from routing.models import TaskType
from tests.api.support import get, post, problem
from tests.factories import World, make_world


def example(name: str = "steady income", **changes: Any) -> dict[str, Any]:
    """One of the task type *loan*, as it is written."""
    whole: dict[str, Any] = {
        "name": name,
        "input": {"income": 51000, "purpose": "car"},
        "expected": "approve",
        "prediction": {"label": "approve", "confidence": 0.99, "model_version": "credit-1"},
    }
    return whole | changes


def written(world: World, *examples: dict[str, Any], note: str = "first") -> SuiteVersion:
    """The next version of the suite of *loan*."""
    read = convert(list(examples) or [example()], list[ExampleIn])
    return write_suite(actor=world.actor("alice"), task_type=world.task_type, examples=read, note=note)


def pointers(error: DomainError) -> dict[str, str]:
    return {found.pointer: found.code for found in error.errors}


def test_versions_follow_each_other_and_never_change(world: World) -> None:
    first = written(world)
    assert written(world).pk == first.pk, "the same examples are the same version"
    second = written(world, example(), example("no income", expected="reject"))
    assert (first.number, second.number, second.size) == (1, 2, 2)
    assert second.examples[1]["expected"] == "reject"
    assert Event.objects.filter(action="suite.written").count() == 2
    for change in (lambda rows: rows.update(note="other"), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(SuiteVersion.objects.filter(pk=first.pk))


def test_an_example_is_checked_as_a_case_of_the_task_type_would_be(world: World) -> None:
    schema = {"type": "object", "properties": {"income": {"type": "number"}}}
    TaskType.objects.filter(pk=world.task_type.pk).update(input_schema=schema)
    foreign = {"label": "maybe", "confidence": 0.5, "model_version": "credit-1"}
    with pytest.raises(DomainError) as wrong:
        written(
            world,
            example("a", expected="maybe"),
            example("b", input={"income": "much"}),
            example("c", prediction=foreign),
        )
    assert wrong.value.status == 422
    assert pointers(wrong.value) == {
        "/examples/0/expected": "unknown_label",
        "/examples/1/input/income": "input_schema",
        "/examples/2/prediction/label": "unknown_label",
    }


def test_names_tell_examples_apart_and_probabilities_sum_to_one(world: World) -> None:
    off = {"label": "approve", "confidence": 0.5, "model_version": "credit-1", "probabilities": {"approve": 0.5}}
    with pytest.raises(DomainError) as wrong:
        written(world, example("a"), example("a"), example("b", prediction=off))
    assert wrong.value.status == 400
    assert pointers(wrong.value) == {
        "/examples/1/name": "duplicate",
        "/examples/2/prediction/probabilities": "probabilities_off_one",
    }


def test_at_most_a_thousand_examples_each_no_larger_than_a_case(world: World, settings: Any) -> None:
    with pytest.raises(DomainError, match="1 to 1000 examples; this one has 1001") as many:
        written(world, *(example(str(number)) for number in range(1001)))
    assert pointers(many.value) == {"/examples": "out_of_range"}
    settings.HITL_MAX_CASE_BYTES = 500
    with pytest.raises(DomainError) as large:
        written(world, example("a"), example("b", input={"text": "x" * 500}))
    assert (large.value.status, pointers(large.value)) == (413, {"/examples/1": "too_large"})
    assert written(world, *(example(str(number)) for number in range(1000))).size == 1000


def test_who_may_write_and_read(world: World) -> None:
    read = [convert(example(), ExampleIn)]
    with pytest.raises(Forbidden):
        write_suite(actor=world.actor("erin"), task_type=world.task_type, examples=read, note="x")
    with pytest.raises(NotFound):
        write_suite(actor=make_world("globex").actor("alice"), task_type=world.task_type, examples=read, note="x")
    with pytest.raises(DomainError) as blank:
        written(world, note=" ")
    assert pointers(blank.value) == {"/note": "required"}


def test_over_rest(world: World, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    body = {"examples": [example(section="Income", expected_route="machine")], "note": "first"}
    made = post(world, "partner", "task-types/loan/suites", body)
    assert made.status_code == 201, made.content
    assert (made.json()["number"], made.json()["size"]) == (1, 1)
    whole = get(world, "erin", "task-types/loan/suites/1").json()
    assert whole["examples"] == body["examples"]
    assert msgspec.convert(whole["examples"], list[ExampleIn])[0].section == "Income"
    problem(get(world, "erin", "task-types/loan/suites/2"), 404, "not_found")
    problem(get(world, "bob", "task-types/loan/suites"), 403, "scope_required")
    wrong = problem(
        post(world, "alice", "task-types/loan/suites", {"examples": [{"name": "a"}], "note": "x"}), 400, "invalid_input"
    )
    assert wrong["errors"][0]["pointer"] == "/examples/0/input"
    for number in range(3):
        written(world, example(str(number)))
    with django_assert_num_queries(3):
        listed = get(world, "erin", "task-types/loan/suites?limit=2").json()
    assert [row["number"] for row in listed["results"]] == [4, 3]
    rest = get(world, "erin", f"task-types/loan/suites?cursor={listed['next']}").json()
    assert [row["number"] for row in rest["results"]] == [2, 1]


def test_a_key_of_another_task_type_finds_nothing(world: World) -> None:
    written(world)
    other = TaskType.objects.create(workspace=world.workspace, slug="car", title="Car", labels=world.task_type.labels)
    ApiKey.objects.filter(client=world.client).update(task_type_ids=[other.pk])
    problem(get(world, "partner", "task-types/loan/suites"), 404, "not_found")
    problem(get(world, "partner", "task-types/loan/suites/1"), 404, "not_found")
    problem(post(world, "partner", "task-types/loan/suites", {"examples": [example()], "note": "x"}), 404, "not_found")


def test_a_text_is_json_lines_or_yaml() -> None:
    lines = "\n\n".join(json.dumps(example(name)) for name in ("a", "b"))
    read = read_suite(lines)
    assert [found.name for found in read.examples] == ["a", "b"]
    assert read.line("/examples/1/expected") == 3, "the line of the text, blank ones counted"
    assert write_lines(read.examples).startswith('{"name":"a","input"')
    assert read_suite(write_lines(read.examples)).examples == read.examples
    yaml = "- name: a\n  input: {income: 1}\n  expected: approve\n- name: b\n  input: {}\n  expected: reject\n"
    found = read_suite(yaml)
    assert [one.expected for one in found.examples] == ["approve", "reject"]
    assert found.line("/examples/1/expected") == 6


@pytest.mark.parametrize(
    ("text", "line", "pointer", "says"),
    [
        ('{"name": "a", "input": {}, "expected": "x"}\n{"name": "b"', 2, "", "not JSON"),
        ('{"name": "a", "input": {}, "expected": "x"}\n{"name": "b"}', 2, "/examples/1/input", "required"),
        ('{"name": "a", "input": {"t": "\\u0000"}, "expected": "x"}', 1, "", "NUL"),
        ("- name: a\n  input: {}\n  expected: 1", 3, "/examples/0/expected", "Expected `str`"),
        ("- name: a\n  inputs: {}\n  expected: x\n  input: {}", 2, "/examples/0/inputs", "not known"),
        ("examples:\n  - {name: a}", 1, "", "Give a list"),
        ("- a: [", None, "", "Line 1"),
        ("", 1, "", "Give a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_text_is_said_with_its_line(text: str, line: int | None, pointer: str, says: str) -> None:
    with pytest.raises(SuiteTextError) as wrong:
        read_suite(text)
    at, found = wrong.value.problems[0]
    assert (at, found.pointer) == (line, pointer)
    assert says in found.detail


def test_in_the_configuration_file(world: World) -> None:
    def apply(*suites: dict[str, Any]) -> list[str]:
        return apply_configuration(actor=world.actor("alice"), config=convert({"suites": list(suites)}, Configuration))

    first, second = ({"task_type": "loan", "examples": [example(name)]} for name in ("a", "b"))
    assert apply(first, second) == [
        "suite loan: version 1 written, 1 examples",
        "suite loan: version 2 written, 1 examples",
    ]
    assert apply(first, second) == []
    with pytest.raises(DomainError) as wrong:
        apply(first, {"task_type": "loan", "examples": [example(expected="maybe")]})
    assert pointers(wrong.value) == {"/suites/1/examples/0/expected": "unknown_label"}
