"""Imports as JSON."""

import msgspec

from feedback.models import HistoryImport
from hitl.core.clock import rfc3339


class RowErrorOut(msgspec.Struct, frozen=True):
    """Why a row was refused. `row` counts from 1, without the header; `field` is a column or a place in the case."""

    row: int
    field: str
    detail: str


class ImportOut(msgspec.Struct, frozen=True):
    """An import. `total` null: not read yet. `cases`, `judgements`: new ones; rows known already count in neither.

    `errors`: the first 500 of `refused`; empty in lists. `detail`: why it failed as a whole.
    """

    id: str
    task_type: str
    format: str
    dry_run: bool
    unaided: bool
    trust: float
    status: str
    sha256: str
    total: int | None
    done: int
    cases: int
    judgements: int
    refused: int
    errors: list[RowErrorOut]
    detail: str
    created_by: str
    created_at: str
    finished_at: str | None


class ImportList(msgspec.Struct, frozen=True):
    results: list[ImportOut]
    next: str | None


def import_out(found: HistoryImport, *, with_errors: bool = True) -> ImportOut:
    """One import (with its task type)."""
    errors = found.errors if with_errors else []
    return ImportOut(
        id=str(found.pk),
        task_type=found.task_type.slug,
        format=found.format,
        dry_run=found.dry_run,
        unaided=found.unaided,
        trust=found.trust,
        status=found.status,
        sha256=found.sha256,
        total=found.total,
        done=found.done,
        cases=found.cases,
        judgements=found.judgements,
        refused=found.refused,
        errors=[RowErrorOut(error["row"], error["field"], error["detail"]) for error in errors],
        detail=found.detail,
        created_by=found.requested_label,
        created_at=rfc3339(found.created_at) or "",
        finished_at=rfc3339(found.finished_at),
    )
