"""Exports as JSON: the manifest, and one line of a list."""

from typing import Any

import msgspec

from feedback.models import Export
from hitl.core.clock import rfc3339


class ExportOut(msgspec.Struct, frozen=True):
    """An export: what was asked, and how far it is. `file`: where the kept file is, null where there is none.

    `identical`: of a rebuild, whether it is the same file byte for byte; `detail` says where it is not.
    """

    id: str
    kind: str
    format: str
    status: str
    streamed: bool
    raw: bool
    task_type: str | None
    model_version: str | None
    since: str | None
    rows: int
    bytes: int
    sha256: str | None
    file: str | None
    rebuilds: str | None
    identical: bool | None
    detail: str
    created_by: str
    created_at: str
    finished_at: str | None


class ChunkOut(msgspec.Struct, frozen=True):
    """A run of rows; `sha256` over the hashes of its rows."""

    rows: int
    sha256: str


class ManifestOut(ExportOut, frozen=True):
    """An export with what it takes to make it again.

    `as_of`: the moment it shows. `label_version`: the newest label version it may show. `rows_sha256`: over the SHA-256
    of each row's canonical JSON, in order. `withheld`: cases left out because somebody may still have to judge them.
    """

    as_of: str
    label_version: int
    versions: dict[str, Any]
    rows_sha256: str | None
    chunks: list[ChunkOut]
    withheld: int


class ExportList(msgspec.Struct, frozen=True):
    results: list[ExportOut]
    next: str | None


def export_out(export: Export) -> ExportOut:
    """One line of a list."""
    return ExportOut(**_common(export))


def manifest_out(export: Export) -> ManifestOut:
    """The whole manifest; hashes are null until it is done."""
    return ManifestOut(
        **_common(export),
        as_of=rfc3339(export.as_of) or "",
        label_version=export.last_version,
        versions=export.versions,
        rows_sha256=export.rows_sha256 or None,
        chunks=[ChunkOut(chunk["rows"], chunk["sha256"]) for chunk in export.chunks],
        withheld=len(export.withheld) // 16,
    )


def manifest_url(export: Export) -> str:
    """Where the manifest is, below the server's root."""
    return f"/api/v1/exports/{export.pk}"


def _common(export: Export) -> dict[str, Any]:
    asked = export.question
    return {
        "id": str(export.pk),
        "kind": export.kind,
        "format": export.format,
        "status": export.status,
        "streamed": export.streamed,
        "raw": export.raw,
        "task_type": asked["task_type"],
        "model_version": asked["model_version"],
        "since": asked["since"],
        "rows": export.rows,
        "bytes": export.bytes,
        "sha256": export.sha256 or None,
        "file": f"{manifest_url(export)}/file" if export.has_file else None,
        "rebuilds": str(export.rebuilds_id) if export.rebuilds_id else None,
        "identical": export.identical,
        "detail": export.detail,
        "created_by": export.requested_label,
        "created_at": rfc3339(export.created_at) or "",
        "finished_at": rfc3339(export.finished_at),
    }
