"""What a rule may say about a task type: fields, labels, operators and functions, for completion and for reading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from routing.engine.record import FIELDS, INPUT
from routing.models import TaskType

MAX_INPUT_FIELDS = 200
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Term:
    """text: what is written into the rule. kind: a type, or label, operator, function."""

    text: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class TermGroup:
    """Terms under a heading."""

    title: str
    terms: tuple[Term, ...]


def reference(task_type: TaskType) -> tuple[TermGroup, ...]:
    """Everything that may stand in a rule of this task type."""
    fields = tuple(Term(field.path, str(field.type), field.description) for field in FIELDS)
    content = tuple(input_terms(task_type.input_schema))
    labels = tuple(Term(f'"{label["value"]}"', "label", label["title"]) for label in task_type.labels)
    return (
        TermGroup(_("The case"), fields),
        TermGroup(_("Its content"), content or (Term("input.", "any", _("The content as submitted.")),)),
        TermGroup(_("Labels"), labels),
        TermGroup(_("Comparing and combining"), tuple(_operators())),
        TermGroup(_("Functions"), tuple(_functions())),
    )


def input_terms(schema: Any) -> Iterator[Term]:
    """The paths a JSON Schema declares below `input`, with type and description; at most `MAX_INPUT_FIELDS`."""
    found = _walk(INPUT, schema, schema, 0)
    for _number, term in zip(range(MAX_INPUT_FIELDS), found, strict=False):
        yield term


def _walk(path: str, schema: Any, root: Any, depth: int) -> Iterator[Term]:
    properties = _resolved(schema, root).get("properties")
    if depth > _MAX_DEPTH or not isinstance(properties, Mapping):
        return
    for name, value in properties.items():
        part = _resolved(value, root)
        if not str(name).isidentifier():
            continue
        said = part.get("description") or part.get("title") or ""
        if isinstance(part.get("enum"), list):
            said = f"{said} {', '.join(map(str, part['enum'][:8]))}".strip()
        yield Term(f"{path}.{name}", _kind(part.get("type")), str(said)[:200])
        yield from _walk(f"{path}.{name}", part, root, depth + 1)


def _resolved(schema: Any, root: Any) -> Mapping[str, Any]:
    """A local reference followed once; anything that is no object says nothing."""
    if not isinstance(schema, Mapping):
        return {}
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith("#/"):
        found: Any = root
        for part in target[2:].split("/"):
            found = found.get(part, {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}
    return schema


def _kind(declared: Any) -> str:
    names = {"string": "text", "integer": "number", "number": "number", "boolean": "flag", "array": "list"}
    kinds = declared if isinstance(declared, list) else [declared]
    return next((names.get(kind, "map") for kind in kinds if kind and kind != "null"), "any")


def _operators() -> Iterator[Term]:
    yield Term("==", "operator", _("is equal to"))
    yield Term("!=", "operator", _("is not equal to"))
    yield Term(">=", "operator", _("is at least; also >, <, <="))
    yield Term("&&", "operator", _("and: both hold"))
    yield Term("||", "operator", _("or: at least one holds"))
    yield Term("!", "operator", _("not"))
    yield Term("in", "operator", _('is one of: "credit" in context.required_expertise'))
    yield Term("+", "operator", _("plus; also -, *, /. Numbers are written with a point: 2.0"))


def _functions() -> Iterator[Term]:
    yield Term("has(", "function", _("the field was given: has(context.amount)"))
    yield Term("size(", "function", _("length of a text or list"))
    yield Term(".contains(", "function", _('a text contains another: input.text.contains("refund")'))
    yield Term(".startsWith(", "function", _("a text starts with another"))
    yield Term(".endsWith(", "function", _("a text ends with another"))
    yield Term(".matches(", "function", _(r'a text matches a pattern: input.iban.matches(r"^DE\d+")'))
    yield Term(".exists(", "function", _("one item of a list fits: input.items.exists(x, x.price > 100.0)"))
    yield Term(".all(", "function", _("all items of a list fit"))
    yield Term("double(", "function", _("a number from a text or whole number"))
    yield Term("string(", "function", _("a text from a number"))
