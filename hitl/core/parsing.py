"""Request bodies: bytes to typed structs, with limits, once. Everything wrong becomes a clear 400 or 413."""

import re
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from hitl.core.errors import FieldProblem, InvalidInput, TooLarge

MAX_DEPTH = 32
T = TypeVar("T")

_PATH = re.compile(r" - at `\$?(?P<path>[^`]*)`$")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(body: bytes, kind: type[T], *, max_bytes: int) -> T:
    """Decode `body` into `kind` (a msgspec struct).

    Raises TooLarge over `max_bytes` or deeper than 32; InvalidInput with a pointer for syntax, type, range, unknown
    field, NUL character, invalid UTF-8 or NaN.
    """
    check_shape(body, max_bytes=max_bytes)
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(errors=[problem_from(error)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body is not valid JSON: {error}", code="malformed_json") from None
    except RecursionError:
        raise TooLarge(f"The body is nested deeper than {MAX_DEPTH}.") from None


def convert(value: Any, kind: type[T], *, pointer: str = "") -> T:
    """The same checks for a value that is already parsed (an item of a batch); pointers start at `pointer`."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(errors=[problem_from(error, pointer)]) from None


def check_shape(body: bytes, *, max_bytes: int) -> None:
    """Size, depth, NUL and UTF-8, before anything recursive touches the body."""
    if len(body) > max_bytes:
        raise TooLarge(f"The body has {len(body)} bytes; at most {max_bytes} are accepted.")
    if b"\x00" in body or b"\\u0000" in body.replace(b"\\\\", b""):
        raise InvalidInput(
            errors=[FieldProblem("", "Text may not contain the NUL character (U+0000).", "nul_character")]
        )
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The body is not valid UTF-8 (byte {error.start}).", code="invalid_utf8") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise TooLarge(f"The body is nested deeper than {MAX_DEPTH}.")


def _depth(body: bytes) -> int:
    """How deep it is nested, counted up to a little more than MAX_DEPTH: strips the innermost level again and again."""
    brackets = _TEXT.sub(b"", body).translate(_SQUARE, _NOT_BRACKETS)
    depth = 0
    while depth <= MAX_DEPTH and (rest := brackets.replace(b"[]", b"")) != brackets:
        brackets, depth = rest, depth + 1
    return depth + brackets.count(b"[")


def problem_from(error: msgspec.ValidationError, prefix: str = "") -> FieldProblem:
    """msgspec's message and path as a FieldProblem; the path `$.a[0]` becomes the pointer `/a/0`."""
    text = str(error)
    match = _PATH.search(text)
    pointer = prefix
    if match:
        pointer += "".join(f"/{part}" for part in re.findall(r"[^.\[\]]+", match["path"]))
        text = text[: match.start()]
    unknown = re.match(r"Object contains unknown field `(.+)`", text)
    if unknown:
        return FieldProblem(f"{pointer}/{unknown[1]}", "This field is not known here.", "unknown_field")
    missing = re.match(r"Object missing required field `(.+)`", text)
    if missing:
        return FieldProblem(f"{pointer}/{missing[1]}", "This field is required.", "required")
    return FieldProblem(pointer, text, "invalid_type" if text.startswith("Expected") else "invalid_value")


def read_time(name: str, raw: str) -> datetime:
    """An RFC 3339 time with its zone, as UTC. Raises InvalidInput naming the parameter."""
    try:
        value = datetime.fromisoformat(raw.replace(" ", "+"))
        if value.tzinfo is None:
            raise ValueError
        return value.astimezone(UTC)  # PostgreSQL reads no offset beyond ±15:59
    except (ValueError, OverflowError):
        detail = "Give an RFC 3339 time with zone, such as 2026-11-21T10:00:00Z."
        raise InvalidInput(errors=[FieldProblem(f"?{name}", detail, "invalid_value")]) from None
