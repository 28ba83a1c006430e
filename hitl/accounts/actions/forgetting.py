"""Deleting what has served (first answers after a day, rate windows, expired sessions), in small steps."""

import time

from django.db import connection

_STEP = 5_000
_EXPIRED = {
    "accounts_idempotencykey": "created_at < statement_timestamp() - interval '24 hours'",
    "accounts_ratewindow": "minute < %(minute)s - 5",
    "django_session": "expire_date < statement_timestamp()",
}


def forget_expired() -> int:
    """Delete what has expired; returns how many rows. Safe to repeat and to interrupt."""
    return sum(_delete(table, condition) for table, condition in _EXPIRED.items())


def _delete(table: str, condition: str) -> int:
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # our own constants
                f"SELECT ctid FROM {table} WHERE {condition} LIMIT {_STEP} FOR UPDATE SKIP LOCKED))",
                {"minute": int(time.time()) // 60},
            )
            deleted: int = cursor.rowcount
        total += deleted
        if deleted < _STEP:
            return total
