"""A laptop: embedded PostgreSQL and broker unless the environment names servers."""

from hitl.settings.base import *  # noqa: F403
from hitl.settings.base import CELERY_BROKER_URL, HITL_HOME, INSTALLED_APPS, SECRET_KEY

SECRET_KEY = SECRET_KEY or "only-for-commands-on-a-laptop-make-run-sets-a-real-one"
HITL_WEBHOOK_ALLOW_PRIVATE = True
HITL_MODEL_ALLOW_PRIVATE = True
INSTALLED_APPS = [*INSTALLED_APPS, "hitl.demo"]

if not CELERY_BROKER_URL or CELERY_BROKER_URL.startswith("hitlfs:"):
    from hitl.embedded.broker import filesystem_broker

    CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = filesystem_broker(HITL_HOME)
