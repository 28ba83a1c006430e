"""Pages of policies."""

from django.urls import path

from routing.views import endpoints, policies, presets, rules, stop, timeline

urlpatterns = [
    path("stop", stop.StopButtons.as_view(), name="stop"),
    path("stop/<slug:slug>", stop.StopOne.as_view(), name="stop-task-type"),
    path("settings/models", endpoints.Models.as_view(), name="models"),
    path("settings/models/<slug:slug>", endpoints.Model.as_view(), name="model"),
    path("policies", policies.Policies.as_view(), name="policies"),
    path("policies/stop", policies.StopAll.as_view(), name="policies-stop"),
    path("policies/<slug:slug>", policies.PolicyPage.as_view(), name="policy"),
    path("policies/<slug:slug>/stop", policies.StopTaskType.as_view(), name="policy-stop"),
    path("policies/<slug:slug>/history", timeline.History.as_view(), name="policy-history"),
    path("policies/<slug:slug>/difference", timeline.VersionPair.as_view(), name="policy-difference"),
    path("policies/<slug:slug>/rollback", policies.Rollback.as_view(), name="policy-rollback"),
    path("policies/<slug:slug>/presets", presets.Presets.as_view(), name="policy-presets"),
    path("policies/<slug:slug>/rules", rules.RulesEditor.as_view(), name="policy-rules"),
    path("policies/<slug:slug>/rules/check", rules.RuleCheck.as_view(), name="policy-rules-check"),
    path("policies/<slug:slug>/versions", policies.Drafts.as_view(), name="policy-draft"),
    path("policies/<slug:slug>/versions/<int:number>", policies.PolicyPage.as_view(), name="policy-version"),
    path(
        "policies/<slug:slug>/versions/<int:number>/<slug:verb>",
        policies.MoveVersion.as_view(),
        name="policy-version-verb",
    ),
]
