"""The layers of a cascade that compute: each compiled once, then run on the input of a case in linear time."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jsonschema_rs

from routing.engine.cascade import BannedTermsLayer, JsonSchemaLayer, LocalLayer, PatternLayer
from routing.engine.schemas import compile_linear

MAX_TEXT = 100_000
"""Characters a layer reads of one case; more is an error, which means a person."""

_WORD = re.compile(r"\w+")
MISSING = object()

Check = Callable[[Mapping[str, Any]], str | None]
"""Null where the input passes, else what is wrong with it. Raises CheckFailed."""


class CheckError(ValueError):
    """A layer that cannot be compiled; `field` names its key."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class CheckFailed(Exception):
    """The layer gave no answer on this case; a person decides."""


def compile_check(layer: LocalLayer) -> Check:
    """The layer ready to run; CheckError."""
    match layer:
        case JsonSchemaLayer():
            return _schema_check(layer)
        case PatternLayer():
            return _pattern_check(layer)
        case BannedTermsLayer():
            return _terms_check(layer)


def at_pointer(value: Any, pointer: str) -> Any:
    """What RFC 6901 `pointer` names in `value`; `MISSING` where there is nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(value):
            value = value[int(key[:9])]
        else:
            return MISSING
    return value


def normalised(text: str) -> str:
    """Words alone, one space between and round them: compatibility forms, case and invisible characters do not hide."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return f" {' '.join(_WORD.findall(visible.casefold()))} "


def _schema_check(layer: JsonSchemaLayer) -> Check:
    try:
        validator = compile_linear(layer.schema)
    except ValueError as error:
        raise CheckError("schema", f"Not a usable JSON Schema: {error}") from None
    return partial(_against_schema, validator)


def _against_schema(validator: jsonschema_rs.Validator, content: Mapping[str, Any]) -> str | None:
    error = next(iter(validator.iter_errors(content)), None)
    if error is None:
        return None
    place = "".join(f"/{part}" for part in error.instance_path)
    return f"the input breaks the schema at {place or '/'} ({'/'.join(map(str, error.schema_path))})"[:300]


def _pattern_check(layer: PatternLayer) -> Check:
    try:
        validator = compile_linear({"pattern": layer.pattern})
    except ValueError:
        raise CheckError(
            "pattern", "Not a usable regular expression (no look-around, no back-references, nothing huge)."
        ) from None
    return partial(_against_pattern, validator, layer.pointer, layer.must == "match")


def _against_pattern(
    validator: jsonschema_rs.Validator, pointer: str, wanted: bool, content: Mapping[str, Any]
) -> str | None:
    texts = _texts(content, (pointer,))
    if not texts:
        raise CheckFailed(f"there is no text at {pointer or '/'}")
    if all(validator.is_valid(text) is wanted for text in texts):
        return None
    return f"a text at {pointer or '/'} {'does not match' if wanted else 'matches'} the pattern"


def _terms_check(layer: BannedTermsLayer) -> Check:
    words = {normalised(term): term for term in layer.terms}
    if empty := next((term for form, term in words.items() if not form.strip()), None):
        raise CheckError("terms", f"{empty!r} has no letter or digit.")
    return partial(_against_terms, words, layer.pointers or ("",))


def _against_terms(words: Mapping[str, str], pointers: tuple[str, ...], content: Mapping[str, Any]) -> str | None:
    for text in _texts(content, pointers):
        form = normalised(text)
        if found := next((term for word, term in words.items() if word in form), None):
            return f"the banned term “{found}” occurs"
    return None


def _texts(content: Mapping[str, Any], pointers: tuple[str, ...]) -> list[str]:
    texts = [text for pointer in pointers for text in _strings(at_pointer(content, pointer))]
    if sum(map(len, texts)) > MAX_TEXT:
        raise CheckFailed(f"the texts have more than {MAX_TEXT:,} characters")
    return texts


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(part)
