"""A laptop's settings on a shared broker: a queue, and in Redis a key prefix, of this run alone."""

import os

from hitl.settings.dev import *  # noqa: F403
from hitl.settings.dev import CELERY_BROKER_TRANSPORT_OPTIONS, CELERY_BROKER_URL

CELERY_TASK_DEFAULT_QUEUE = os.environ["HITL_SOAK_QUEUE"]
if CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"global_keyprefix": f"{CELERY_TASK_DEFAULT_QUEUE}:"}
