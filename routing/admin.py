"""Admin of what decides: task types, tiers, policies; versions, calibrations and routing decisions as evidence."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audit.selectors import as_uuid
from hitl.core.admin import EvidenceAdmin, RecentFilter, actor_of_page
from hitl.core.errors import Refused
from hitl.core.permissions import Permission
from routing.actions.policies import checked_document, propose_version
from routing.admin_base import (
    ConfiguredAdmin,
    ConfiguredForm,
    GuardedAdmin,
    HistoryAdmin,
    PrettyJSONField,
    workspace_rows,
)
from routing.models import (
    Calibration,
    ModelEndpoint,
    ModelVersion,
    Policy,
    PolicyVersion,
    RoutingDecision,
    ShadowDecision,
    TaskType,
    Tier,
)


@admin.register(TaskType)
class TaskTypeAdmin(GuardedAdmin, ConfiguredAdmin):  # type: ignore[misc]
    list_display = ("title", "slug", "static_risk", "reversible", "machine_stopped", "error_budget")
    list_filter = ("static_risk", "reversible", "machine_stopped")
    search_fields = ("title", "slug")
    readonly_fields = ("machine_stopped",)  # the stop button is on the page of its policy


@admin.register(Tier)
class TierAdmin(ConfiguredAdmin):
    list_display = ("title", "slug", "rank", "automated", "max_complexity", "sla_s")
    search_fields = ("title", "slug")


@admin.register(Policy)
class PolicyAdmin(ConfiguredAdmin):
    list_display = ("title", "slug", "task_type", "replay_first")
    list_select_related = ("task_type",)
    search_fields = ("title", "slug")


class ModelEndpointForm(ConfiguredForm):
    """The secret is written, never read: left empty it stays."""

    secret = forms.CharField(required=False, max_length=500, widget=forms.PasswordInput(render_value=False))

    def clean_secret(self) -> str:
        return str(self.cleaned_data["secret"] or self.instance.secret)


@admin.register(ModelEndpoint)
class ModelEndpointAdmin(ConfiguredAdmin):
    form = ModelEndpointForm
    list_display = ("slug", "kind", "url", "timeout_s", "active")
    list_filter = ("kind", "active")
    search_fields = ("slug", "url")


class PolicyVersionForm(ConfiguredForm):
    """A new draft; it must compile."""

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("policy") and "document" in values:
            try:
                checked_document(values["policy"].task_type, values["document"])
            except Refused as error:
                for problem in error.errors:
                    self.add_error("document", f"{problem.pointer.removeprefix('/document') or '/'}: {problem.said}")
        return values

    def _post_clean(self) -> None:
        """The number is the action's to give, so constraints are its to check."""
        super(ConfiguredForm, self)._post_clean()  # type: ignore[misc]


@admin.register(PolicyVersion)
class PolicyVersionAdmin(HistoryAdmin):
    """Drafts are added here or on the policy's page; nothing is changed here afterwards."""

    form = PolicyVersionForm
    list_display = ("policy", "number", "status", "canary_share", "proposed_by", "approved_by", "activated_at")
    list_select_related = ("policy", "proposed_by", "approved_by")
    list_filter = ("status", RecentFilter)
    ordering = ("-pk",)
    exclude: ClassVar[Any] = ("workspace",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of_page(request).may(Permission.WRITE_POLICIES)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None and self.has_add_permission(request):
            return ("policy", "document", "note")
        return [f.name for f in self.model._meta.concrete_fields if f.name not in ("id", "workspace")]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"workspace_id": actor_of_page(request).workspace_id})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "document":
            return PrettyJSONField(label=_("Document"))
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "policy" and field is not None:
            field.widget = field.widget.widget
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = workspace_rows(db_field.remote_field.model, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Propose it; `obj` becomes the stored version, for the message that follows."""
        values = form.cleaned_data
        version = propose_version(
            actor=actor_of_page(request), policy=values["policy"], document=values["document"], note=values["note"]
        )
        obj.pk, obj.number, obj.workspace_id = version.pk, version.number, version.workspace_id

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: a version has no relations of its own."""


@admin.register(Calibration)
class CalibrationAdmin(EvidenceAdmin):
    list_display = ("model_version", "confidence_source", "slice", "version", "task_type", "method", "n", "created_at")
    list_select_related = ("task_type",)
    list_filter = ("method", RecentFilter)
    exact_search = ("model_version",)


@admin.register(ModelVersion)
class ModelVersionAdmin(EvidenceAdmin):
    """Read-only; its status is moved on the page of models."""

    list_display = ("name", "task_type", "status", "first_seen_at")
    list_select_related = ("task_type",)
    list_filter = ("status", RecentFilter)
    exact_search = ("name",)


@admin.register(ShadowDecision)
class ShadowDecisionAdmin(EvidenceAdmin):
    list_display = ("case_id", "policy_version", "live_action", "action", "risk", "tier", "threshold", "created_at")
    list_select_related = ("policy_version__policy",)
    list_filter = ("action", "live_action", RecentFilter)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """By the id of the case or of the row."""
        return by_case(queryset, search_term)


@admin.register(RoutingDecision)
class RoutingDecisionAdmin(EvidenceAdmin):
    list_display = ("case_id", "action", "zone", "risk", "tier", "calibrated_confidence", "threshold", "created_at")
    list_select_related = ("policy_version__policy",)
    list_filter = ("action", "zone", "risk", RecentFilter)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """By the id of the case or of the decision."""
        return by_case(queryset, search_term)


def by_case(queryset: Any, term: str) -> Any:
    """Rows whose own id, or whose case's, is written in `term`."""
    found = as_uuid(term.strip())
    if not term:
        return queryset, False
    if found is None:
        return queryset.none(), False
    return queryset.filter(case_id=found) | queryset.filter(pk=found), False
