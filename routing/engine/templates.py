"""Templates that name fields of the record: only what is named leaves, and always as JSON."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from routing.engine.record import FIELD_BY_PATH, INPUT, Facts, build_record

_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_INPUT_KEY = re.compile(r"input\.[^\s{}]+\Z")


class TemplateError(ValueError):
    """A template that names what the record does not have."""


def check_template(template: Any) -> frozenset[str]:
    """The record's paths that the template (a text, or JSON with texts) names; TemplateError."""
    paths = frozenset(path for text in _texts(template) for path in _PLACE.findall(text))
    for path in sorted(paths):
        if path not in FIELD_BY_PATH and path != INPUT and not _INPUT_KEY.match(path):
            raise TemplateError(f"There is no field {path!r}; name one that rules may read, or input.key.")
    return paths


def fill_text(template: str, facts: Facts) -> str:
    """The text with each `{{path}}` replaced by its value as JSON, null where it is not given.

    Quoted and escaped, so that what a case says stays recognisable as data.
    """
    record = build_record(facts, check_template(template))
    return _PLACE.sub(lambda found: _json(_value(record, found[1])), template)


def fill_json(template: Any, facts: Facts) -> Any:
    """JSON in which a text that is one `{{path}}` alone is replaced by the value itself, others as in `fill_text`."""
    return _filled(template, build_record(facts, check_template(template)))


def _filled(template: Any, record: Mapping[str, Any]) -> Any:
    match template:
        case str() if whole := _PLACE.fullmatch(template):
            return _value(record, whole[1])
        case str():
            return _PLACE.sub(lambda found: _json(_value(record, found[1])), template)
        case dict():
            return {key: _filled(part, record) for key, part in template.items()}
        case list():
            return [_filled(part, record) for part in template]
    return template


def _value(record: Mapping[str, Any], path: str) -> Any:
    root, _, key = path.partition(".")
    branch = record.get(root, {})
    return branch.get(key) if key else branch


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _texts(template: Any) -> list[str]:
    match template:
        case str():
            return [template]
        case dict():
            return [text for part in template.values() for text in _texts(part)]
        case list():
            return [text for part in template for text in _texts(part)]
    return []
