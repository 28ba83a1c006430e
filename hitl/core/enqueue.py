"""Ring the doorbell after commit. A broker that is away costs nothing: the next sweep finds the work."""

import logging
import time
from functools import partial

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)
_PAUSE_S = 5.0
_GAP_S = 0.5
_quiet_until = 0.0
_rung_at: dict[str, float] = {}


def ring(task_name: str) -> None:
    """Send `task_name` without arguments once the transaction commits; failures are logged, never raised."""
    transaction.on_commit(partial(_send, task_name), robust=True)


def _send(task_name: str) -> None:
    global _quiet_until  # a broker that is down must not cost every request its connection time-out
    at = time.monotonic()
    # One ring serves all rows; what comes right after it is found by the next ring or by beat's, two seconds later.
    if at < _quiet_until or at - _rung_at.get(task_name, -_GAP_S) < _GAP_S:
        return
    _rung_at[task_name] = at
    try:
        current_app.send_task(task_name, expires=60, retry=False, ignore_result=True)
    except Exception as error:  # any transport's error: the sweep is the guarantee
        _quiet_until = at + _PAUSE_S
        log.warning("broker away, %s waits for its sweep: %s", task_name, error)
