"""JSON Schema without a way out: nothing is fetched, and patterns run in linear time where asked."""

from typing import Any, NoReturn

import jsonschema_rs

_PATTERN_BYTES = 1 << 20  # compiled size; a counted repetition can grow without it


def compile_schema(schema: Any) -> jsonschema_rs.Validator:
    """A validator of JSON Schema 2020-12. A reference to another document, by network or file, is a ValueError."""
    return _compiled(schema)


def compile_linear(schema: Any) -> jsonschema_rs.Validator:
    """The same with the automaton engine: linear in the text, without look-around and back-references (ValueError)."""
    return _compiled(schema, pattern_options=jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES))


def _compiled(schema: Any, **options: Any) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.Draft202012Validator(schema, retriever=_refuse, **options)
    except Exception as error:
        message = getattr(error, "message", None) or str(error)
        raise ValueError(str(message)[:300]) from None


def _refuse(uri: str) -> NoReturn:
    raise ValueError("references to other documents are not followed")
