"""Keyset pagination: an opaque cursor holds the last row's sort key, so page 10,000 costs what page 1 does."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from hitl.core.errors import FieldProblem, InvalidInput

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
M = TypeVar("M", bound=Model)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page; `next` is the cursor of the following page or null."""

    rows: list[M]
    next: str | None


def read_limit(raw: str | None) -> int:
    """1–200, default 50."""
    if raw is None or raw == "":
        return DEFAULT_LIMIT
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw[:6]) <= MAX_LIMIT:
        raise InvalidInput(
            errors=[FieldProblem("?limit", f"Give a whole number from 1 to {MAX_LIMIT}.", "out_of_range")]
        )
    return int(raw)


def page_by_id(rows: QuerySet[M], *, limit: int, cursor: str | None) -> Page[M]:
    """Newest first by UUIDv7 id."""
    if cursor:
        rows = rows.filter(pk__lt=_decode(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], _encode(found[limit - 1].pk) if more else None)


def page_of_list(rows: Sequence[T], *, limit: int, cursor: str | None) -> tuple[list[T], str | None]:
    """A page of a list that never changes, and the cursor of the next; a cursor is the place where a page starts."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise _bad_cursor()
    start = int(cursor or 0)
    end = start + limit
    return list(rows[start:end]), str(end) if end < len(rows) else None


def _encode(key: Any) -> str:
    return base64.urlsafe_b64encode(key.bytes).decode().rstrip("=")


def _decode(cursor: str) -> uuid.UUID:
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        raise _bad_cursor() from None


def _bad_cursor() -> InvalidInput:
    return InvalidInput(errors=[FieldProblem("?cursor", "Use the `next` of the page before, unchanged.", "bad_cursor")])
