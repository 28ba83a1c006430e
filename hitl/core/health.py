"""/livez: the process answers. /readyz: the database answers and is migrated. /metrics: Prometheus, protected."""

import hmac
import ipaddress

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

_migrated = False


def livez(request: HttpRequest) -> HttpResponse:
    """200 while the process can answer at all."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and every migration is applied; 503 otherwise."""
    global _migrated
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return JsonResponse({"status": "migrations are missing"}, status=503, headers={"Retry-After": "5"})
        _migrated = True
    return JsonResponse({"status": "ready"})


_GAUGES = {
    "hitl_reviews_waiting": (
        "Reviews waiting, counted up to 100,000.",
        "SELECT count(*) FROM (SELECT 1 FROM reviews_reviewtask WHERE status = 'waiting' LIMIT 100000) x",
    ),
    "hitl_models_asked": (
        "Cases that wait for a judge or an adapter, counted up to 100,000.",
        "SELECT count(*) FROM (SELECT 1 FROM reviews_pendingask LIMIT 100000) x",
    ),
    "hitl_claims_open": ("Open claims.", "SELECT count(*) FROM reviews_claim WHERE status = 'open'"),
    "hitl_outbox_unrelayed": (
        "Outbox messages not yet relayed, counted up to 100,000.",
        "SELECT count(*) FROM (SELECT 1 FROM audit_outboxmessage "
        "WHERE relayed_at IS NULL AND cancelled_at IS NULL LIMIT 100000) x",
    ),
    "hitl_deliveries_waiting": (
        "Webhook deliveries waiting, counted up to 100,000.",
        "SELECT count(*) FROM (SELECT 1 FROM delivery_webhookdelivery WHERE status = 'waiting' LIMIT 100000) x",
    ),
}


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. From loopback, or with `Authorization: Bearer $HITL_METRICS_TOKEN`; 404 otherwise."""
    if not _may_read(request):
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    registry = CollectorRegistry()
    with connection.cursor() as cursor:
        for name, (help_text, sql) in _GAUGES.items():
            cursor.execute(sql)
            Gauge(name, help_text, registry=registry).set(cursor.fetchone()[0])
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token = settings.HITL_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    if "X-Forwarded-For" in request.headers:  # behind a proxy everybody looks local
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
