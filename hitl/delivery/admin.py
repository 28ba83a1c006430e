"""Admin of webhooks: read-only, without secrets; the page Partners changes them."""

from django.contrib import admin

from hitl.core.admin import EvidenceAdmin, RecentFilter
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(EvidenceAdmin):
    list_display = ("url", "client", "active", "created_at")
    list_select_related = ("client",)
    list_filter = ("active",)
    exclude = ("secret",)
    search_fields = ("url",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(EvidenceAdmin):
    list_display = ("message_id", "endpoint", "type", "status", "attempts", "last_status", "created_at")
    list_select_related = ("endpoint",)
    list_filter = ("status", RecentFilter)
    exact_search = ("type",)
