"""Production: everything from the environment, HTTPS assumed in front."""

import os

from django.core.exceptions import ImproperlyConfigured

from hitl.settings.base import *  # noqa: F403
from hitl.settings.base import BASE_DIR, CELERY_BROKER_URL, SECRET_KEY

for _name, _value in (
    ("HITL_SECRET_KEY", SECRET_KEY),
    ("DATABASE_URL", os.environ.get("DATABASE_URL")),
    ("CELERY_BROKER_URL", CELERY_BROKER_URL),
):
    if not _value:
        raise ImproperlyConfigured(f"Set the environment variable {_name}.")

STATIC_ROOT = BASE_DIR / "staticfiles"  # where collectstatic puts them
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 31_536_000
