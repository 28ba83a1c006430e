"""Checks of configured JSON, each naming the place and the cure."""

import re
from typing import Any

import msgspec
from django.core.exceptions import ValidationError

from routing.decision_form import DecisionForm
from routing.engine.questions import read_label_rules, read_questions
from routing.engine.schemas import compile_schema

KINDS = ("text", "key_value", "changes", "table", "json", "image", "number", "timeline", "link")
_INSIDE = re.compile(r"(/([^/~]|~[01])+)+")
_RESERVED_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"}
_LABEL_KEYS = {"value", "title", "definition", "examples", "guidance", "parent"}


def check_labels(labels: Any) -> None:
    """At least two labels, each an object with a unique text `value` and a `title`."""
    if not isinstance(labels, list) or len(labels) < 2:
        raise ValidationError("Give a list of at least two labels.")
    values: list[str] = []
    for place, label in enumerate(labels):
        if not isinstance(label, dict) or not isinstance(label.get("value"), str) or not label.get("title"):
            raise ValidationError(f"Label {place + 1}: give an object with “value” and “title”.")
        if not 1 <= len(label["value"]) <= 100:
            raise ValidationError(f"Label {place + 1}: “value” has 1 to 100 characters.")
        if unknown := set(label) - _LABEL_KEYS:
            raise ValidationError(f"Label {place + 1}: unknown field {sorted(unknown)[0]!r}.")
        values.append(label["value"])
    if len(set(values)) != len(values):
        raise ValidationError("Two labels have the same value.")
    for label in labels:
        if label.get("parent") is not None and label["parent"] not in values:
            raise ValidationError(f"The parent {label['parent']!r} is not one of the labels.")


def check_schema(schema: Any) -> None:
    """A valid JSON Schema (2020-12) without references to other documents."""
    try:
        compile_schema(schema)
    except ValueError as error:
        raise ValidationError(f"Not a usable JSON Schema: {error}") from None


def check_presentation(presentation: Any) -> None:
    """A list of {pointer, kind, title}; `changes` may have `before`, the pointer to what it was, and two `names`."""
    if not isinstance(presentation, list):
        raise ValidationError("Give a list of {pointer, kind, title}.")
    for place, part in enumerate(presentation):
        if not isinstance(part, dict) or set(part) - {"before", "names"} != {"pointer", "kind", "title"}:
            raise ValidationError(f"Part {place + 1}: give exactly pointer, kind and title.")
        if part["kind"] not in KINDS:
            raise ValidationError(f"Part {place + 1}: kind is one of {', '.join(KINDS)}.")
        if part["kind"] != "changes" and len(part) > 3:
            raise ValidationError(f"Part {place + 1}: “before” and “names” go with the kind “changes”.")
        for pointer in (part["pointer"], part.get("before") or ""):
            if pointer and not str(pointer).startswith("/"):
                raise ValidationError(f"Part {place + 1}: a pointer is empty or starts with “/”.")
        names = part.get("names") or ["", ""]
        if not isinstance(names, list) or len(names) != 2 or not all(isinstance(name, str) for name in names):
            raise ValidationError(f"Part {place + 1}: “names” are two texts: before, after.")


def check_places(pointers: list[str]) -> None:
    """RFC 6901 pointers to places inside the input. One that is mistyped would name nothing, and hide nothing."""
    for pointer in pointers:
        if not _INSIDE.fullmatch(pointer):
            raise ValidationError(f"“{pointer}” is no place in the input: write /name, or /name/part.")


def check_form(form: Any) -> None:
    """A decision form's JSON; that it fits the labels is the task type's own check."""
    try:
        msgspec.convert(form, DecisionForm)
    except msgspec.ValidationError as error:
        raise ValidationError(f"Not a decision form: {error}") from None


def check_questions(questions: Any) -> None:
    """A list of {key, title, labels: [{value, title}], answered_by?, threshold?, main?}."""
    try:
        read_questions(questions)
    except ValueError as error:
        raise ValidationError(f"Not usable questions: {error}") from None


def check_label_rules(rules: Any) -> None:
    """A list of {when: {question: answer}, label}."""
    try:
        read_label_rules(rules)
    except ValueError as error:
        raise ValidationError(f"Not usable rules: {error}") from None


def check_header(name: str) -> None:
    """An HTTP header that carries a secret, not one that steers the request."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,59}", name) or name.lower() in _RESERVED_HEADERS:
        raise ValidationError("Give a header such as Authorization or X-Api-Key.")


def check_secret(secret: str) -> None:
    """Text that fits into a header."""
    if not re.fullmatch(r"[\x20-\x7e]*", secret) or secret != secret.strip():
        raise ValidationError("Only printable ASCII characters, and no space at either end.")
