"""One row of the file brought to the database, and what that changes, in words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from django.db import models

from hitl.core.actors import Actor
from hitl.core.errors import DomainError, FieldProblem, Refused
from routing.actions.configure import save_configured
from routing.payloads import document_changes

M = TypeVar("M", bound=models.Model)


def given(entry: msgspec.Struct, *without: str) -> dict[str, Any]:
    """The keys the file gives, as plain values, except those in `without`."""
    values = {name: getattr(entry, name) for name in entry.__struct_fields__ if name not in without}
    return {name: msgspec.to_builtins(value) for name, value in values.items() if value is not msgspec.UNSET}


def bring(
    *, actor: Actor, row: M, name: str, values: Mapping[str, Any], many: Mapping[str, list[Any]] | None = None
) -> Iterator[str]:
    """Set `values` (fields, or rows for relations) and `many` on `row` and save it; yields each change in words."""
    created = row._state.adding
    many = many or {}
    before = {f: _plain(getattr(row, f, None)) for f in values} if not created else {}
    linked = {} if created else {f: list(getattr(row, f).all()) for f in many}
    for field, value in values.items():
        setattr(row, field, value)
    if not save_configured(actor=actor, obj=row, reason="apply_config", many=dict(many)):
        return
    if created:
        yield f"{name}: created"
        return
    after = {f: _plain(v) for f, v in values.items()}
    before |= {f: sorted(map(str, rows)) for f, rows in linked.items()}
    after |= {f: sorted(map(str, rows)) for f, rows in many.items()}
    for change in document_changes(before, after):
        yield f"{name}: {change}"


def pick(rows: Mapping[str, M], wanted: str, pointer: str, kind: str) -> M:
    """The row called `wanted`. Raises Refused at `pointer`, naming those there are."""
    if wanted in rows:
        return rows[wanted]
    there_are = ", ".join(sorted(rows)) or "none yet"
    detail = f"There is no {kind} {wanted!r}. Add it to the file or name one that exists: {there_are}."
    raise Refused(code="unknown_reference", errors=[FieldProblem(pointer, detail, "unknown_reference")])


@contextmanager
def at(pointer: str) -> Iterator[None]:
    """Problems inside are reported below this place of the file."""
    try:
        yield
    except DomainError as error:
        problems = error.errors or (FieldProblem("", error.detail, error.code),)
        placed = [
            FieldProblem(p.pointer if p.pointer.startswith(pointer) else pointer + p.pointer, p.detail, p.code)
            for p in problems
        ]
        raise Refused(code=error.code, errors=placed) from None


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, models.Model) else value
