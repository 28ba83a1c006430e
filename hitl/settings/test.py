"""Tests: fast password hashes, no broker; integration tests start real workers."""

import os

from hitl.settings.base import *  # noqa: F403
from hitl.settings.base import ACCOUNT_RATE_LIMITS, DATABASES, INSTALLED_APPS

SECRET_KEY = "test"  # noqa: S105
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ACCOUNT_RATE_LIMITS = ACCOUNT_RATE_LIMITS | {"login": "1000/m/ip"}  # a whole suite signs in from one address
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_BROKER_URL = "memory://"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [*INSTALLED_APPS, "hitl.demo"]
HITL_WEBHOOK_ALLOW_PRIVATE = True
HITL_MODEL_ALLOW_PRIVATE = True
HITL_INLINE_SLOTS = 0
DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("HITL_TEST_TEMPLATE")}  # null: migrate from nothing
