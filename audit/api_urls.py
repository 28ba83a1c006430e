"""Addresses below /api/v1/."""

from django.urls import path

from audit.api import Events

urlpatterns = [path("audit/events", Events.as_view(), name="api-audit-events")]
