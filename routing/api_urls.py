"""Addresses below /api/v1/."""

from django.urls import path

from routing.api import adjustments, disagreement, endpoints, models, policies, task_types

_VERSIONS = "policies/<slug:slug>/versions"

urlpatterns = [
    path("task-types", task_types.TaskTypes.as_view(), name="api-task-types"),
    path("task-types/<slug:slug>", task_types.TaskTypeDetail.as_view(), name="api-task-type"),
    path("calibrations", task_types.Calibrations.as_view(), name="api-calibrations"),
    path("disagreement-models", disagreement.DisagreementModels.as_view(), name="api-disagreement-models"),
    path("model-endpoints", endpoints.ModelEndpoints.as_view(), name="api-model-endpoints"),
    path("model-endpoints/<slug:slug>", endpoints.ModelEndpointDetail.as_view(), name="api-model-endpoint"),
    path("policies", policies.Policies.as_view(), name="api-policies"),
    path("policies/<slug:slug>", policies.PolicyDetail.as_view(), name="api-policy"),
    path("policies/<slug:slug>/adjustments", adjustments.PolicyAdjustments.as_view(), name="api-policy-adjustments"),
    path("model-versions", models.ModelVersions.as_view(), name="api-model-versions"),
    path("model-versions/<uuid:model_id>/status", models.ModelVersionStatus.as_view(), name="api-model-version-status"),
    path("policies/<slug:slug>/rollback", policies.PolicyRollback.as_view(), name="api-policy-rollback"),
    path("policies/<slug:slug>/difference", policies.PolicyDifference.as_view(), name="api-policy-difference"),
    path(_VERSIONS, policies.PolicyVersions.as_view(), name="api-policy-versions"),
    path(f"{_VERSIONS}/<int:number>", policies.PolicyVersionDetail.as_view(), name="api-policy-version"),
    path(f"{_VERSIONS}/<int:number>/<slug:verb>", policies.PolicyVersionVerb.as_view(), name="api-policy-version-verb"),
]
