"""Admin of who may come in: read-only, without secrets; the pages People, Partners and Settings change it."""

from django.contrib import admin

from hitl.accounts.models import ApiKey, Client, Membership, User
from hitl.core.admin import EvidenceAdmin


@admin.register(User)
class UserAdmin(EvidenceAdmin):
    workspace_lookup = "memberships__workspace_id"
    list_display = ("username", "email", "first_name", "last_name", "is_active", "simulated", "last_login")
    fields = (*list_display, "date_joined", "theme", "language", "keys_enabled")
    search_fields = ("username", "email", "last_name")
    list_filter = ("is_active", "simulated")


@admin.register(Membership)
class MembershipAdmin(EvidenceAdmin):
    list_display = ("user", "role", "active")
    list_select_related = ("user",)
    list_filter = ("role", "active")
    search_fields = ("user__username",)


@admin.register(Client)
class ClientAdmin(EvidenceAdmin):
    list_display = ("name", "active", "created_at")
    list_filter = ("active",)
    search_fields = ("name",)


@admin.register(ApiKey)
class ApiKeyAdmin(EvidenceAdmin):
    list_display = ("prefix", "name", "client", "user", "created_at", "expires_at", "revoked_at")
    list_select_related = ("client", "user")
    exclude = ("secret_hash",)
    search_fields = ("prefix", "name")
