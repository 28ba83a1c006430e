"""Inline mode: the caller waits, bounded, for a person, and normal requests never wait for the callers who wait.

Each web process holds at most HITL_INLINE_SLOTS requests; whoever finds them taken gets the ticket at once. A held
request keeps a thread, but no connection to the database: it looks every quarter of a second (docs/adr/0010).
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.conf import settings
from django.db import connection

POLL_S = 0.25
_lock = threading.Lock()
_held = 0

_SETTLED = """
SELECT k.status = 'cancelled' OR EXISTS (
  SELECT 1 FROM reviews_decision d WHERE d.case_id = k.id AND d.is_current AND d.effects_at <= statement_timestamp()
) FROM reviews_case k WHERE k.id = %s
"""


class Waited(StrEnum):
    """How the wait ended: with a decision in effect, with its time, or at once because all places were taken."""

    DECIDED = "decided"
    TIMED_OUT = "timed-out"
    BUSY = "busy"


def wait_for_decision(case_id: uuid.UUID, seconds: float) -> Waited:
    """Wait until the case is decided (its undo window over) or cancelled, at most `seconds`."""
    with _place() as found:
        return _watch(case_id, time.monotonic() + seconds) if found else Waited.BUSY


@contextmanager
def _place() -> Iterator[bool]:
    global _held
    with _lock:
        found = _held < settings.HITL_INLINE_SLOTS
        _held += found
    try:
        yield found
    finally:
        with _lock:
            _held -= found


def _watch(case_id: uuid.UUID, until: float) -> Waited:
    while not _settled(case_id):
        left = until - time.monotonic()
        if left <= 0:
            return Waited.TIMED_OUT
        time.sleep(min(POLL_S, left))
    return Waited.DECIDED


def _settled(case_id: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [case_id])
        found = bool(cursor.fetchone()[0])
    if not connection.in_atomic_block:
        connection.close()  # back to the pool while nobody uses it
    return found
