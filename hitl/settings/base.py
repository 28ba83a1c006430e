"""Settings every environment shares. Each value an operator sets comes from one environment variable."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
import structlog

django_stubs_ext.monkeypatch()  # lets generic Django classes be subscripted at run time

BASE_DIR = Path(__file__).resolve().parent.parent.parent
HITL_HOME = Path(os.environ.get("HITL_HOME", BASE_DIR / "var"))

SECRET_KEY = os.environ.get("HITL_SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("HITL_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("HITL_TRUSTED_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "hitl.core",
    "hitl.accounts",
    "audit",
    "hitl.delivery",
    "routing",
    "reviews",
    "feedback",
    "hitl.admin_site.HitlAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "simple_history",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_htmx",
    "template_partials",
    "django_structlog",
]

MIDDLEWARE = [
    "hitl.core.middleware.DatabaseAwayMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "hitl.core.key_requests.KeyRequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hitl.accounts.middleware.ActorMiddleware",
    "hitl.accounts.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "hitl.urls"
WSGI_APPLICATION = "hitl.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hitl.accounts.context.navigation",
                "reviews.context.open_alerts",
            ],
            "builtins": ["hitl.core.templatetags.said"],
        },
    }
]

# Web workers pool their connections; Celery's prefork workers keep one each (a pool does not survive their tasks).
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(os.environ.get("DATABASE_URL", "postgres:///hitl"), conn_max_age=0)
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"] |= {
    "options": "-c idle_in_transaction_session_timeout=30s -c lock_timeout=10s -c timezone=UTC"
}
if os.environ.get("HITL_ROLE") == "web":
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 5}
    # PostgreSQL keeps the plans of statements that come again. PgBouncer before 1.22 cannot: HITL_PREPARE=0.
    if os.environ.get("HITL_PREPARE") != "0":
        DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5
        # One plan per statement: these find rows by keys, whatever the values, and planning costs more than running.
        # By index always: a plan made while a table was small would read all of it once it has grown.
        DATABASES["default"]["OPTIONS"]["options"] += (
            " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
        )
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/work"
LOGOUT_REDIRECT_URL = "/login"
ACCOUNT_ADAPTER = "hitl.accounts.adapter.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip"}
AXES_FAILURE_LIMIT = 10
AXES_USERNAME_FORM_FIELD = "login"
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
GUARDIAN_RAISE_403 = False
ANONYMOUS_USER_NAME = None
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_DATE_INDEX = False  # history is read by object
CSRF_FAILURE_VIEW = "hitl.core.pages.csrf_failure"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "hitl" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

_SELF = "'self'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [_SELF],
        "style-src": [_SELF],
        "img-src": [_SELF, "data:"],
        "font-src": [_SELF],
        "connect-src": [_SELF],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": [_SELF, *[u for u in os.environ.get("HITL_IDENTITY_PROVIDERS", "").split(",") if u]],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "hitl.accounts.authentication.ApiKeyAuthentication",
        "hitl.accounts.authentication.SessionActorAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["hitl.accounts.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["hitl.core.rest.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["hitl.core.rest.RawJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "hitl.core.rest.problem_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "hitl",
    "DESCRIPTION": "Decisions made by machines and people together.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "hitl.core.schema.add_components",
    ],
}

# Intake limits, bytes.
HITL_MAX_CASE_BYTES = int(os.environ.get("HITL_MAX_CASE_BYTES", "1048576"))
HITL_MAX_BATCH_BYTES = int(os.environ.get("HITL_MAX_BATCH_BYTES", "16777216"))
DATA_UPLOAD_MAX_MEMORY_SIZE = HITL_MAX_BATCH_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 8_000  # the rules editor: 100 rules with 20 tests each
# Requests of mode inline that one web process holds while a person decides; fewer than it has threads.
HITL_INLINE_SLOTS = int(os.environ.get("HITL_INLINE_SLOTS", "1"))
HITL_METRICS_TOKEN = os.environ.get("HITL_METRICS_TOKEN", "")
# Makes the pseudonyms of exports. Set it, so that they outlive a change of the secret key; empty: made of that.
HITL_PSEUDONYM_KEY = os.environ.get("HITL_PSEUDONYM_KEY", "")
# For so long the files of exports are kept; manifests stay, and the file can be made again.
HITL_EXPORT_KEEP_DAYS = int(os.environ.get("HITL_EXPORT_KEEP_DAYS", "7"))
# Webhooks may call private addresses only where an operator says so (a laptop, a closed network).
HITL_WEBHOOK_ALLOW_PRIVATE = os.environ.get("HITL_WEBHOOK_ALLOW_PRIVATE", "") == "1"
# Judges and model adapters often run inside one's own network; supervisors, not partners, name their addresses.
HITL_MODEL_ALLOW_PRIVATE = os.environ.get("HITL_MODEL_ALLOW_PRIVATE", "") == "1"

EMAIL_BACKEND = os.environ.get("HITL_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
# Alerts are e-mailed to supervisors only where an operator says so; the address goes into the mail.
HITL_ALERT_MAIL = os.environ.get("HITL_ALERT_MAIL", "") == "1"
HITL_BASE_URL = os.environ.get("HITL_BASE_URL", "").rstrip("/")
DEFAULT_FROM_EMAIL = os.environ.get("HITL_FROM_EMAIL", "hitl@localhost")

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"confirm_publish": True}
CELERY_TASK_PUBLISH_RETRY = False  # a publish that fails is dropped: the sweep finds the work
CELERY_TASK_TIME_LIMIT = 1800

structlog.configure(
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": os.environ.get("HITL_LOG_LEVEL", "INFO")},
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("axes", "celery.app.trace", "celery.beat", "celery.worker.strategy", "django_structlog", "httpx")
    },
}
