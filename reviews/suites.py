"""Policy test suites: what an example says, how a suite is written as text, and which versions an actor may read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from django.conf import settings
from django.db.models import QuerySet
from msgspec import Meta

from hitl.core.actors import Actor
from hitl.core.errors import DomainError, FieldProblem, InvalidInput, NotFound, TooLarge
from hitl.core.parsing import check_shape, convert
from reviews.models import SuiteVersion
from reviews.structs import CaseIn, ContextIn, Name, Note, PredictionIn, ProposedActionIn
from routing.access import require_read_policies
from routing.documents import line_of, read_document
from routing.models import TaskType

MAX_EXAMPLES = 1_000
MAX_PROBLEMS = 20


class ExampleIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An input with the label that is right for it. `name` stays the same from version to version.

    `expected_route`: `people`, it must reach a person; `machine`, the machine may decide it alone; null: either.
    `section`: of the guideline. `prediction`: what counts where no model can be asked. `context` and
    `proposed_action` are facts as a case brings them.
    """

    name: Name
    input: dict[str, Any]
    expected: Name
    expected_route: Literal["people", "machine"] | None = None
    section: Annotated[str, Meta(max_length=200)] = ""
    note: Note = ""
    prediction: PredictionIn | None = None
    context: ContextIn = ContextIn()
    proposed_action: ProposedActionIn | None = None

    def as_case(self, task_type: str, *, with_prediction: bool = True) -> CaseIn:
        """The example as it would be submitted."""
        prediction = self.prediction if with_prediction else None
        return CaseIn(
            task_type=task_type,
            input=self.input,
            prediction=prediction,
            context=self.context,
            proposed_action=self.proposed_action,
        )


class SuiteIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next version: at most 1,000 examples. `note`: what changed, and why."""

    examples: list[ExampleIn]
    note: str


@dataclass(frozen=True, slots=True)
class SuiteText:
    """What a text says. `line`: JSON pointer (`/examples/3/expected`) to the line, from 1; null where unknown."""

    examples: list[ExampleIn]
    line: Callable[[str], int | None]


class SuiteTextError(Exception):
    """The text is no suite. `problems`: line (null: unknown) and what is wrong there."""

    def __init__(self, problems: Sequence[tuple[int | None, FieldProblem]]) -> None:
        super().__init__("the text is no suite")
        self.problems = problems


def read_suite(text: str) -> SuiteText:
    """The examples of JSON Lines (the text begins with a brace) or of YAML, a list. Raises SuiteTextError."""
    text = text.lstrip("\ufeff")
    items, line = _json_lines(text) if text.lstrip().startswith("{") else _yaml(text)
    found, problems = [], []
    for place, item in enumerate(items):
        pointer = f"/examples/{place}"
        try:
            found.append(convert(item, ExampleIn, pointer=pointer))
        except InvalidInput as error:
            problems += [(line(problem.pointer), problem) for problem in error.errors]
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise SuiteTextError(problems)
    return SuiteText(found, line)


def write_lines(examples: Sequence[ExampleIn]) -> str:
    """The examples as JSON Lines, one each, the name first."""
    return "\n".join(msgspec.json.encode(example).decode() for example in examples)


def visible_suites(actor: Actor) -> QuerySet[SuiteVersion]:
    """The workspace's suites, without their examples, with task type and writer. Raises Forbidden."""
    require_read_policies(actor)
    rows = SuiteVersion.objects.filter(workspace_id=actor.workspace_id).defer("examples")
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    return rows.select_related("task_type", "created_by")


def suite_for(actor: Actor, task_type: TaskType, number: int) -> SuiteVersion:
    """One version with its examples. Raises Forbidden, NotFound."""
    found = visible_suites(actor).defer(None).filter(task_type=task_type, number=number).first()
    if found is None:
        raise NotFound()
    return found


def _json_lines(text: str) -> tuple[list[Any], Callable[[str], int | None]]:
    items, lines, problems = [], [], []
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            check_shape(raw.encode(), max_bytes=settings.HITL_MAX_CASE_BYTES)
            items.append(msgspec.json.decode(raw))
        except (InvalidInput, TooLarge) as error:
            problems.append((number, _problem(error)))
        except (msgspec.DecodeError, RecursionError):
            detail = "This line is not JSON: write one whole example a line."
            problems.append((number, FieldProblem("", detail, "malformed_json")))
        if len(problems) >= MAX_PROBLEMS:
            break
        lines.append(number)
    if problems:
        raise SuiteTextError(problems)

    def line(pointer: str) -> int | None:
        place = _place(pointer)
        return lines[place] if place is not None and place < len(lines) else None

    return items, line


def _yaml(text: str) -> tuple[list[Any], Callable[[str], int | None]]:
    try:
        items = read_document(text)
    except InvalidInput as error:
        raise SuiteTextError([(None, _problem(error))]) from None
    if not isinstance(items, list):
        detail = "Give a list of examples in YAML, or JSON Lines: one example a line."
        raise SuiteTextError([(1, FieldProblem("", detail, "not_a_list"))])
    return items, lambda pointer: line_of(text, pointer.removeprefix("/examples"))


def _problem(error: DomainError) -> FieldProblem:
    return error.errors[0] if error.errors else FieldProblem("", error.detail, error.code)


def _place(pointer: str) -> int | None:
    parts = pointer.split("/")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdecimal() else None
