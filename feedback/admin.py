"""Admin of feedback: decisions to audit; signals, labels, studies and recalibrations as evidence."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from feedback.access import unsealed
from feedback.actions.audits import audit_decision
from feedback.models import (
    CrowdRun,
    DatasetVersion,
    Digest,
    DriftReport,
    ErrorMonitor,
    Experiment,
    Export,
    HistoryImport,
    RecalibrationRun,
    RetrainingSuggestion,
    ReviewerFigures,
    RoiReport,
    Signal,
    SkillLevel,
    SkillProposal,
    SkillRules,
    ThresholdStudy,
    TrainingLabel,
)
from feedback.selectors import task_types_for_actor
from hitl.accounts.views.base import reason_of
from hitl.core.admin import EvidenceAdmin, RecentFilter, actor_of_page
from hitl.core.errors import DomainError
from hitl.core.permissions import Permission
from reviews.models import Decision
from routing.admin import by_case


class TaskTypeFilter(admin.SimpleListFilter):
    """The workspace's task types; Django's own would list every tenant's."""

    title = _("task type")
    parameter_name = "task_type"
    lookup = "case__task_type__slug"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(t.slug, t.title) for t in task_types_for_actor(actor_of_page(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.lookup: self.value()}) if self.value() else queryset


class LabelFilter(admin.SimpleListFilter):
    """The labels of the workspace's task types; a DISTINCT over all decisions would read them all."""

    title = _("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        labels = {value for t in task_types_for_actor(actor_of_page(request)) for value in t.label_values}
        return [(value, value) for value in sorted(labels)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(label=self.value()) if self.value() else queryset


class AuditedFilter(admin.SimpleListFilter):
    title = _("audited")
    parameter_name = "audited"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Not yet")), ("yes", _("Audited"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(was_audited=self.value() == "yes")


class AuditForm(forms.Form):
    """A verdict on one decision; the right label only where it was wrong, and nothing is preselected."""

    verdict = forms.ChoiceField(choices=[("upheld", "upheld"), ("wrong", "wrong")], widget=forms.HiddenInput)
    label = forms.ChoiceField(label=_("Right label"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, decision: Decision, verdict: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["verdict"] = verdict
        if verdict == "upheld":
            del self.fields["label"]
            return
        labels = [(v["value"], v["title"]) for v in decision.case.task_type.labels if v["value"] != decision.label]
        self.fields["label"].choices = [("", "–"), *labels]  # type: ignore[attr-defined]


@admin.register(Decision)
class DecisionAdmin(EvidenceAdmin):
    """Decisions, read-only; a supervisor upholds them or calls them wrong through the same action as the API."""

    change_form_template = "feedback/admin_decision.html"
    list_display = ("case", "task_type", "label", "owner", "risk", "provisional", "is_current", "audited", "at")
    list_select_related = ("case__task_type", "decided_by")
    list_filter = (
        AuditedFilter, "owner", "provisional", "is_current", TaskTypeFilter, LabelFilter, "case__risk", RecentFilter,
    )  # fmt: skip
    exact_search = ("case__external_id", "case__subject")
    readonly_fields = ("path",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The workspace's decisions that are not sealed for this person, each with whether it was audited."""
        audits = Signal.objects.filter(decision_id=OuterRef("pk"), source=Signal.Source.AUDIT)
        rows = super().get_queryset(request).annotate(was_audited=Exists(audits))
        return unsealed(actor_of_page(request), rows)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """By external id, subject, or the id of the decision or its case."""
        term = search_term.strip().replace("\x00", "")
        found, distinct = super().get_search_results(request, queryset, search_term)
        return (found | by_case(queryset, term)[0] if term else found), distinct

    @admin.display(description=_("task type"))
    def task_type(self, obj: Decision) -> str:
        return obj.case.task_type.title

    @admin.display(description=_("risk"))
    def risk(self, obj: Decision) -> str:
        return obj.case.risk

    @admin.display(description=_("audited"), boolean=True)
    def audited(self, obj: Any) -> bool:
        return bool(obj.was_audited)

    @admin.display(description=_("decided"), ordering="created_at")
    def at(self, obj: Decision) -> Any:
        return obj.created_at

    @admin.display(description=_("path"))
    def path(self, obj: Decision) -> SafeString:
        """The trace page of its case."""
        return format_html('<a href="{}">{}</a>', reverse("reviews:trace", args=[obj.case_id]), _("The whole path"))

    def get_urls(self) -> list[URLPattern]:
        """Django's, and the form of an audit before its catch-all."""
        view = self.admin_site.admin_view(self.audit_view)
        return [path("<path:object_id>/audit/<str:verdict>/", view, name="reviews_decision_audit"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """With the verdicts for whoever may audit."""
        context["may_audit"] = actor_of_page(request).may(Permission.AUDIT_DECISIONS)
        return super().render_change_form(request, context, *args, **kwargs)

    def audit_view(self, request: HttpRequest, object_id: str, verdict: str) -> HttpResponse:
        """Ask for label and note, then record the audit. Refusals are told beside the form."""
        actor = actor_of_page(request)
        if not actor.may(Permission.AUDIT_DECISIONS):
            raise PermissionDenied
        decision = self.get_object(request, unquote(object_id))
        if decision is None or verdict not in ("upheld", "wrong"):
            raise Http404
        form = AuditForm(request.POST or None, decision=decision, verdict=verdict)
        if request.method == "POST" and form.is_valid():
            try:
                audit = audit_decision(
                    actor=actor,
                    decision_id=decision.pk,
                    verdict="wrong" if verdict == "wrong" else "upheld",
                    label=form.cleaned_data.get("label") or None,
                    note=form.cleaned_data["note"],
                )
            except DomainError as error:
                form.add_error(None, reason_of(error))
            else:
                self.message_user(request, _("The audit is recorded."), messages.SUCCESS)
                return redirect("admin:reviews_decision_change", (audit.correction or decision).pk)
        context = self.admin_site.each_context(request) | {
            "title": _("Uphold this decision") if verdict == "upheld" else _("Call this decision wrong"),
            "decision": decision,
            "form": form,
            "opts": self.model._meta,
        }
        return render(request, "feedback/audit_form.html", context)


class _OfCase(EvidenceAdmin):
    """Rows about a case, without those that would unseal one for this person; searched by the case's id."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return unsealed(actor_of_page(request), super().get_queryset(request))

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        return by_case(queryset, search_term)


@admin.register(Signal)
class SignalAdmin(_OfCase):
    list_display = ("case", "source", "label", "origin", "user", "observed_at", "created_at")
    list_select_related = ("case", "user")
    list_filter = ("source", RecentFilter)


@admin.register(TrainingLabel)
class TrainingLabelAdmin(_OfCase):
    list_display = ("case", "task_type", "label", "source", "weight", "unaided_label", "selected_by", "updated_at")
    list_select_related = ("case", "task_type")
    list_filter = ("source", "selected_by", RecentFilter)


@admin.register(ThresholdStudy)
class ThresholdStudyAdmin(EvidenceAdmin):
    list_display = ("id", "task_type", "model_version", "max_error", "n", "created_at")
    list_select_related = ("task_type",)


@admin.register(RecalibrationRun)
class RecalibrationRunAdmin(EvidenceAdmin):
    list_display = ("created_at", "task_type", "trigger", "result", "labels_seen", "requested_by")
    list_select_related = ("task_type", "requested_by")
    list_filter = ("result", RecentFilter)


@admin.register(ErrorMonitor)
class ErrorMonitorAdmin(EvidenceAdmin):
    list_display = ("since", "task_type", "policy_version", "epoch", "status", "budget", "looked_at", "refuted_at")
    list_select_related = ("task_type", "policy_version__policy")
    list_filter = ("status",)


@admin.register(DatasetVersion)
class DatasetVersionAdmin(EvidenceAdmin):
    list_display = ("id", "task_type", "regime", "as_of", "count", "hash")
    list_select_related = ("task_type",)
    list_filter = ("regime", RecentFilter)


@admin.register(RetrainingSuggestion)
class RetrainingSuggestionAdmin(EvidenceAdmin):
    list_display = ("created_at", "task_type", "model_version", "regime", "trigger", "status", "answered_by")
    list_select_related = ("task_type", "answered_by")
    list_filter = ("status", "trigger", RecentFilter)


@admin.register(Export)
class ExportAdmin(EvidenceAdmin):
    list_display = ("created_at", "kind", "format", "status", "rows", "raw", "requested_label", "sha256")
    list_filter = ("kind", "format", "status", "raw", RecentFilter)
    exclude = ("withheld", "token", "lease_until")


@admin.register(DriftReport)
class DriftReportAdmin(EvidenceAdmin):
    list_display = ("created_at", "task_type", "significant", "causes")
    list_select_related = ("task_type",)
    list_filter = ("significant", RecentFilter)


@admin.register(ReviewerFigures)
class ReviewerFiguresAdmin(EvidenceAdmin):
    list_display = ("user", "queue", "judged", "since", "computed_at")
    list_select_related = ("user", "queue")


@admin.register(SkillRules)
class SkillRulesAdmin(EvidenceAdmin):
    list_display = ("workspace", "queue", "competent_from", "expert_from", "min_cases", "automatic", "changed_at")
    list_select_related = ("workspace", "queue")


@admin.register(SkillLevel)
class SkillLevelAdmin(EvidenceAdmin):
    list_display = ("user", "queue", "level", "weight", "since")
    list_select_related = ("user", "queue")
    list_filter = ("level",)


@admin.register(SkillProposal)
class SkillProposalAdmin(EvidenceAdmin):
    list_display = ("created_at", "user", "queue", "before", "after", "right", "n", "status", "decided_by")
    list_select_related = ("user", "queue", "decided_by")
    list_filter = ("status", RecentFilter)


@admin.register(Experiment)
class ExperimentAdmin(EvidenceAdmin):
    list_display = ("title", "task_type", "kind", "first", "second", "measure", "status", "starts_at", "ends_at")
    list_select_related = ("task_type",)
    list_filter = ("kind", "status", RecentFilter)


@admin.register(CrowdRun)
class CrowdRunAdmin(EvidenceAdmin):
    list_display = ("created_at", "task_type", "votes", "items", "raters", "compared", "agreeing", "reason")
    list_select_related = ("task_type",)


@admin.register(HistoryImport)
class HistoryImportAdmin(EvidenceAdmin):
    list_display = ("created_at", "task_type", "format", "status", "dry_run", "total", "refused", "requested_label")
    list_select_related = ("task_type",)
    list_filter = ("format", "status", "dry_run", RecentFilter)
    exclude = ("body", "token", "lease_until")


@admin.register(Digest)
class DigestAdmin(EvidenceAdmin):
    list_display = ("week", "task_type", "created_at")
    list_select_related = ("task_type",)
    list_filter = (RecentFilter,)


@admin.register(RoiReport)
class RoiReportAdmin(EvidenceAdmin):
    list_display = ("created_at", "task_type")
    list_select_related = ("task_type",)
    list_filter = (RecentFilter,)
