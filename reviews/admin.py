"""Admin of the human side: queues and reviewers are configured; cases, reviews, claims and judgements are evidence."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hitl.core.admin import EvidenceAdmin, RecentFilter
from reviews.models import (
    Appeal,
    Case,
    Claim,
    ContentCare,
    Exclusion,
    GoldCase,
    GuidelineUse,
    GuidelineVersion,
    Handover,
    Judgement,
    Panel,
    Queue,
    Recourse,
    Report,
    Reviewer,
    ReviewTask,
    VisibilityPolicy,
)
from routing.admin import by_case
from routing.admin_base import ConfiguredAdmin, GuardedAdmin, HistoryAdmin


@admin.register(Queue)
class QueueAdmin(GuardedAdmin, ConfiguredAdmin):  # type: ignore[misc]
    list_display = ("title", "slug", "task_type", "tier", "judge_first", "lease_s")
    list_select_related = ("task_type", "tier")
    list_filter = ("judge_first", "active_learning")
    search_fields = ("title", "slug")


@admin.register(VisibilityPolicy)
class VisibilityPolicyAdmin(EvidenceAdmin):
    """Set in /ops/visibility; here to be read."""

    list_display = ("queue", "number", "before_share", "after_share", "never_share", "from_at")
    list_select_related = ("queue",)


@admin.register(Reviewer)
class ReviewerAdmin(ConfiguredAdmin):
    list_display = ("user", "tier", "available", "max_open_claims")
    list_select_related = ("user", "tier")
    list_filter = ("available",)
    search_fields = ("user__username",)


@admin.register(Recourse)
class RecourseAdmin(ConfiguredAdmin):
    list_display = ("task_type", "appeals_allowed", "window_days", "queue", "sla_hours", "reports_to_audit")
    list_select_related = ("task_type", "queue")


@admin.register(ContentCare)
class ContentCareAdmin(ConfiguredAdmin):
    list_display = ("task_type", "pointer")
    list_select_related = ("task_type",)


@admin.register(Case)
class CaseAdmin(GuardedAdmin, HistoryAdmin, EvidenceAdmin):  # type: ignore[misc]
    """Read-only; grants on single cases are given on its page of permissions."""

    list_display = ("id", "task_type", "external_id", "status", "risk", "queue", "created_at")
    list_select_related = ("task_type", "queue")
    list_filter = ("status", "risk", RecentFilter)
    exact_search = ("external_id", "subject")
    exclude = ("content_hash",)


class _OfCase(EvidenceAdmin):
    """Searched by the id of the row or of its case."""

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        return by_case(queryset, search_term)


@admin.register(ReviewTask)
class ReviewTaskAdmin(_OfCase):
    list_display = ("id", "case", "queue", "kind", "status", "due_at", "created_at")
    list_select_related = ("case", "queue")
    list_filter = ("kind", "status", RecentFilter)


@admin.register(Panel)
class PanelAdmin(_OfCase):
    list_display = ("id", "case", "queue", "status", "opened_at", "conflict_at", "closed_at")
    list_select_related = ("case", "queue")
    list_filter = ("status",)


class SuggestionFilter(admin.SimpleListFilter):
    """Judgements whose person found no label fitting and suggested one."""

    title = _("label suggested")
    parameter_name = "suggests"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(suggested_label="") if self.value() == "yes" else queryset


@admin.register(Judgement)
class JudgementAdmin(_OfCase):
    list_display = ("case", "user", "stage", "label", "suggested_label", "visibility", "created_at", "undone_at")
    list_select_related = ("case", "user")
    list_filter = (SuggestionFilter, "stage", "visibility", "reason_required", RecentFilter)


@admin.register(Exclusion)
class ExclusionAdmin(_OfCase):
    list_display = ("case", "user", "reason", "created_at")
    list_select_related = ("case", "user")
    list_filter = ("reason", RecentFilter)


@admin.register(Handover)
class HandoverAdmin(EvidenceAdmin):
    """What people told each other about a review."""

    list_display = ("review_id", "kind", "by", "to", "created_at", "answered_at")
    list_select_related = ("by", "to")
    list_filter = ("kind", RecentFilter)


@admin.register(Appeal)
class AppealAdmin(_OfCase):
    list_display = ("id", "case", "outcome", "submitted_by", "created_at", "resolved_at")
    list_select_related = ("case",)
    list_filter = ("outcome", RecentFilter)


@admin.register(Report)
class ReportAdmin(_OfCase):
    list_display = ("id", "case", "category", "created_at")
    list_select_related = ("case",)
    list_filter = (RecentFilter,)


@admin.register(Claim)
class ClaimAdmin(EvidenceAdmin):
    """Without its token: who holds it could judge in another's name."""

    list_display = ("id", "review_id", "user", "status", "claimed_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("status", RecentFilter)
    exclude = ("token",)


@admin.register(GoldCase)
class GoldCaseAdmin(EvidenceAdmin):
    """Made and retired on /quality/gold or by the configuration file."""

    list_display = ("id", "slug", "task_type", "purpose", "label", "machine_wrong", "active", "created_at")
    list_select_related = ("task_type",)
    list_filter = ("purpose", "active", RecentFilter)


@admin.register(GuidelineVersion)
class GuidelineVersionAdmin(EvidenceAdmin):
    """Written on /guidelines; never changed."""

    list_display = ("title", "task_type", "number", "created_by", "created_at")
    list_select_related = ("task_type", "created_by")


@admin.register(GuidelineUse)
class GuidelineUseAdmin(EvidenceAdmin):
    list_display = ("queue", "version", "from_at", "must_acknowledge", "created_by", "created_at")
    list_select_related = ("queue", "version", "created_by")
