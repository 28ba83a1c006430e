"""What a manifest pins, so that the same export can be made again: code, schema, keys, task types."""

import hashlib
from collections.abc import Iterable
from importlib import metadata
from typing import Any

import msgspec

from feedback.export_columns import to_json
from feedback.learning_settings import settings_or_defaults
from feedback.models import Export
from feedback.pseudonyms import Pseudonyms
from routing.models import TaskType

SCHEMA = 1
"""Of the rows; counts up whenever what a row says or how it is written changes."""


def versions_of(export: Export, task_types: Iterable[TaskType]) -> dict[str, Any]:
    """As they are now. `half_life_days`, slug and sensitive fields are read from here by every later rebuild."""
    return software_of(export) | {"task_types": {str(kind.pk): _task_type(kind) for kind in task_types}}


def software_of(export: Export) -> dict[str, Any]:
    """What writes the file now: the form of rows, releases, and the fingerprint of the pseudonyms' key."""
    return {
        "schema": SCHEMA,
        "hitl": _installed("hitl"),
        "pyarrow": _installed("pyarrow") if export.format == Export.Format.PARQUET else None,
        "pseudonyms": None if export.raw else Pseudonyms(export.workspace_id).fingerprint,
    }


def _task_type(task_type: TaskType) -> dict[str, Any]:
    weights = settings_or_defaults(task_type).weights
    return {
        "slug": task_type.slug,
        "taxonomy_sha256": hashlib.sha256(to_json(task_type.labels)).hexdigest(),
        "sensitive_pointers": task_type.sensitive_pointers,
        "half_life_days": weights.half_life_days,
        "weights": msgspec.structs.asdict(weights),
    }


def _installed(package: str) -> str | None:
    """Its version; null where it runs from a checkout."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
