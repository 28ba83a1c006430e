"""One limit per key over all web processes: each process takes requests in blocks from a shared row per minute."""

import threading
import time
import uuid

from django.db import connection

from hitl.core.errors import RateLimited

_BLOCKS = 20  # a minute's limit is handed out in about so many blocks
_TAKE = """
INSERT INTO accounts_ratewindow AS w (key_id, minute, taken) VALUES (%s, %s, LEAST(%s, %s))
ON CONFLICT (key_id, minute) DO UPDATE SET taken = LEAST(w.taken + %s, %s)
RETURNING taken, COALESCE((SELECT o.taken FROM accounts_ratewindow o WHERE o.key_id = %s AND o.minute = %s), 0)
"""
_lock = threading.Lock()
_left: dict[uuid.UUID, tuple[int, int]] = {}  # key → (minute, requests this process may still serve)


def spend(key_id: uuid.UUID, per_minute: int) -> None:
    """Count one request. Raises RateLimited with the seconds until the next minute."""
    minute, second = divmod(int(time.time()), 60)
    with _lock:
        at, left = _left.get(key_id, (minute, 0))
        if at == minute and left > 0:
            _left[key_id] = (minute, left - 1)
            return
    granted = _take_block(key_id, minute, per_minute)
    if granted <= 0:
        raise RateLimited(f"This key may send {per_minute} requests a minute.", retry_after_s=max(1, 60 - second))
    with _lock:
        _left[key_id] = (minute, granted - 1)


def _take_block(key_id: uuid.UUID, minute: int, per_minute: int) -> int:
    block = max(1, per_minute // _BLOCKS)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [key_id, minute, block, per_minute, block, per_minute, key_id, minute])
        taken, before = cursor.fetchone()
    return int(taken) - int(before)
