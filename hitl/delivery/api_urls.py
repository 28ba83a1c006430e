"""Below /api/v1/."""

from django.urls import path

from hitl.delivery import api

urlpatterns = [
    path("webhooks", api.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:webhook_id>", api.WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<uuid:webhook_id>/test", api.WebhookTest.as_view(), name="api-webhook-test"),
    path("webhooks/<uuid:webhook_id>/deliveries", api.WebhookDeliveries.as_view(), name="api-webhook-deliveries"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay",
        api.WebhookReplay.as_view(),
        name="api-webhook-replay",
    ),
]
