"""Time. Leases and due times come from the database's clock, so hosts whose clocks differ agree."""

from datetime import UTC, datetime

from django.db import connection

from hitl.core.errors import FieldProblem, InvalidInput


def now() -> datetime:
    """This host's clock, UTC; for ages and labels, never for leases."""
    return datetime.now(UTC)


def db_now() -> datetime:
    """The database's statement time, UTC; one query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        value: datetime = cursor.fetchone()[0]
    return value.astimezone(UTC)


def rfc3339(value: datetime | None) -> str | None:
    """``2026-11-21T10:00:00.123456Z``; null stays null."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_hour(hour: int) -> datetime:
    """The start of an hour counted from 1970, UTC."""
    return datetime.fromtimestamp(hour * 3600, UTC)


def in_utc(value: datetime, pointer: str) -> datetime:
    """A time with its zone, as UTC. Raises InvalidInput where UTC's calendar (years 1 to 9999) has no such day."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        problem = FieldProblem(pointer, "This time is out of range.", "out_of_range")
        raise InvalidInput(errors=[problem]) from None
