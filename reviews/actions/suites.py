"""Write policy test suites. A version never changes; the next one follows it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now, now
from hitl.core.errors import DomainError, FieldProblem, InvalidInput, NotFound, Refused, TooLarge
from hitl.core.parsing import check_shape
from reviews.checks import check_against, check_body
from reviews.models import SuiteVersion
from reviews.suites import MAX_EXAMPLES, MAX_PROBLEMS, ExampleIn
from routing.access import require_configure
from routing.models import TaskType
from routing.selectors import InForce, in_force


@transaction.atomic
def write_suite(*, actor: Actor, task_type: TaskType, examples: Sequence[ExampleIn], note: str) -> SuiteVersion:
    """The next version of a task type's test suite. The newest one's examples again give that one.

    Every example is checked as a case of the task type would be. Raises Forbidden, NotFound, InvalidInput and Refused
    with pointers (`/examples/3/input/income`), TooLarge.
    """
    require_configure(actor)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise NotFound()
    note = note.replace("\x00", "").strip()
    if not note:
        raise Refused(code="required", errors=[FieldProblem("/note", "Fill this in.", "required")])
    stored = plain_examples(examples)
    _check(task_type, stored)
    TaskType.objects.select_for_update(of=("self",)).get(pk=task_type.pk)  # numbers follow each other
    last = SuiteVersion.objects.filter(task_type=task_type).order_by("-number").first()
    if last is not None and last.examples == stored:
        return last
    row = SuiteVersion.objects.create(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        number=last.number + 1 if last else 1,
        note=note[:5000],
        size=len(stored),
        examples=stored,
        created_by_id=actor.user_id,
        created_at=db_now(),
    )
    change = Change(after={"task_type": task_type.slug, "number": row.number, "examples": row.size}, reason=note[:2000])
    record_event(actor=actor, action="suite.written", subject=Subject("suite", row.pk), change=change)
    return row


def plain_examples(examples: Sequence[ExampleIn]) -> list[dict[str, Any]]:
    """The examples as they are stored: JSON without defaults. Raises InvalidInput, TooLarge, with pointers."""
    if not 1 <= len(examples) <= MAX_EXAMPLES:
        detail = f"A suite has 1 to {MAX_EXAMPLES} examples; this one has {len(examples)}."
        raise InvalidInput(detail, errors=[FieldProblem("/examples", detail, "out_of_range")])
    raw = [_encoded(example, f"/examples/{place}") for place, example in enumerate(examples)]
    if sum(map(len, raw)) > settings.HITL_MAX_BATCH_BYTES:
        raise TooLarge(f"A suite has at most {settings.HITL_MAX_BATCH_BYTES} bytes.")
    return [msgspec.json.decode(body) for body in raw]


def _check(task_type: TaskType, plain: list[dict[str, Any]]) -> None:
    """Each as it will be read back, against itself and against the task type."""
    examples = msgspec.convert(plain, list[ExampleIn])
    force = in_force(task_type.workspace_id, task_type.slug)
    assert force is not None
    for refusal, check in ((InvalidInput, _wrong_in_itself), (Refused, _wrong_here)):
        if problems := list(islice(check(examples, force), MAX_PROBLEMS)):
            raise refusal("Some examples are not right.", code=problems[0].code, errors=problems)


def _encoded(example: ExampleIn, pointer: str) -> bytes:
    """Its JSON, of a size and depth that a case may have; what YAML alone can say (NaN) becomes null."""
    try:
        raw = msgspec.json.encode(example)
        check_shape(raw, max_bytes=settings.HITL_MAX_CASE_BYTES)
    except (InvalidInput, TooLarge) as error:
        problem = FieldProblem(pointer, _detail(error), error.code)
        raise type(error)(error.detail, code=error.code, errors=[problem]) from None
    except (TypeError, ValueError, OverflowError, RecursionError):
        detail = "This cannot be written as JSON."
        raise InvalidInput(detail, errors=[FieldProblem(pointer, detail, "invalid_value")]) from None
    return raw


def _detail(error: DomainError) -> str:
    return error.errors[0].detail if error.errors else error.detail


def _wrong_in_itself(examples: Sequence[ExampleIn], force: InForce) -> Iterator[FieldProblem]:
    names: dict[str, int] = {}
    for place, example in enumerate(examples):
        first = names.setdefault(example.name, place)
        if first != place:
            detail = f"Example {first + 1} has this name already; names tell examples apart from run to run."
            yield FieldProblem(f"/examples/{place}/name", detail, "duplicate")
        try:
            check_body(example.as_case(force.task_type.slug), now())
        except InvalidInput as error:
            yield from _below(place, error)


def _wrong_here(examples: Sequence[ExampleIn], force: InForce) -> Iterator[FieldProblem]:
    labels = force.task_type.label_values
    for place, example in enumerate(examples):
        label = example.expected
        if label not in labels:
            detail = f"“{label}” is not a label of this task type."
            yield FieldProblem(f"/examples/{place}/expected", detail, "unknown_label")
        try:
            check_against(example.as_case(force.task_type.slug), force)
        except Refused as error:
            yield from _below(place, error)


def _below(place: int, error: DomainError) -> Iterator[FieldProblem]:
    for problem in error.errors:
        yield FieldProblem(f"/examples/{place}{problem.pointer}", problem.detail, problem.code)
