"""Grandchildren that notice a killed parent: web workers of granian and pool processes of Celery.

A parent killed with SIGKILL cannot stop its workers, and granian's would go on answering on the port. The kernel's
parent-death signal is of no use here: it follows the starting thread, and Celery replaces pool processes from a
thread that ends before they do.
"""

import os
import threading
import time

WATCH_S = 1.0


def exit_with_parent() -> None:
    """Start a daemon thread that ends this process as soon as its parent is gone."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)
