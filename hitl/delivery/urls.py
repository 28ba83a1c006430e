"""Pages of partners."""

from django.urls import path

from hitl.delivery import views

urlpatterns = [
    path("partners", views.Partners.as_view(), name="partners"),
    path("partners/webhooks", views.WorkspaceWebhooks.as_view(), name="workspace-webhooks"),
    path("partners/webhooks/<uuid:webhook_id>/test", views.TestWebhook.as_view(), name="webhook-test"),
    path("partners/webhooks/<uuid:webhook_id>/revoke", views.RevokeWebhook.as_view(), name="webhook-revoke"),
    path(
        "partners/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay",
        views.ReplayDelivery.as_view(),
        name="delivery-replay",
    ),
    path("partners/<uuid:client_id>", views.Partner.as_view(), name="partner"),
    path("partners/<uuid:client_id>/deactivate", views.DeactivateClient.as_view(), name="client-deactivate"),
    path("partners/<uuid:client_id>/keys", views.ClientKeys.as_view(), name="client-keys"),
    path("partners/<uuid:client_id>/keys/<uuid:key_id>/rotate", views.RotateKey.as_view(), name="key-rotate"),
    path("partners/<uuid:client_id>/keys/<uuid:key_id>/revoke", views.RevokeKey.as_view(), name="key-revoke"),
    path("partners/<uuid:client_id>/webhooks", views.ClientWebhooks.as_view(), name="client-webhooks"),
]
