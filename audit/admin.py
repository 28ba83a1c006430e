"""Admin of the evidence, read-only."""

from django.contrib import admin

from audit.models import Event, OutboxMessage
from hitl.core.admin import EvidenceAdmin, RecentFilter


@admin.register(Event)
class EventAdmin(EvidenceAdmin):
    """Cases, people and times are searched on the page Audit; here by id of event or object."""

    list_display = ("at", "action", "actor_label", "object_type", "object_id")
    exact_search = ("object_id",)
    list_filter = ("actor_kind", RecentFilter)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(EvidenceAdmin):
    list_display = ("created_at", "type", "case_id", "relayed_at", "cancelled_at")
    exact_search = ("type",)
