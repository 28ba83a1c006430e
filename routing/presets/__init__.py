"""Ready-made parts of a policy (mission B18), one file each: sections of the document, tiers, settings of queues."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from hitl.core.errors import FieldProblem, Refused
from routing.documents import read_document

ORDER = (
    "multi-signal",
    "tiers",
    "zones",
    "priority",
    "active-learning",
    "risk",
    "domain-support",
    "domain-medical",
    "domain-finance",
    "claims",
)


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`document`: what it replaces in a policy's document; `tiers` and `queues` as the configuration file has them.

    `queues` counts for every queue of the task type.
    """

    name: str
    title: str
    description: str
    document: dict[str, Any] = {}
    tiers: list[dict[str, Any]] = []
    queues: dict[str, Any] = {}


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by name, in the order shown."""
    return {name: _read(name) for name in ORDER}


def preset_named(name: str) -> Preset:
    """Raises Refused (`unknown_preset`) naming those there are."""
    found = presets().get(name)
    if found is None:
        detail = f"There is no preset {name!r}; there are {', '.join(ORDER)}."
        raise Refused(detail, code="unknown_preset", errors=[FieldProblem("/preset", detail, "unknown_preset")])
    return found


def with_preset(document: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
    """`document` with what the preset says; lists are replaced whole, and what it does not name stays."""
    return _merged(document, preset.document)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _read(name: str) -> Preset:
    text = files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return msgspec.convert(read_document(text) | {"name": name}, Preset)
