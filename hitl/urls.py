"""Every address of the product, by app; tests/access/ holds one row per address, method and role."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from hitl.core import health
from hitl.core.pages import api_docs, api_not_found, not_found, server_error

api: list[URLPattern | URLResolver] = [
    path("", include("reviews.api_urls")),
    path("schema", SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[]), name="api-schema"),
    path("docs", api_docs, name="api-docs"),
    path("", include("feedback.api_urls")),
    path("", include("routing.api_urls")),
    path("", include("audit.api_urls")),
    path("", include("hitl.delivery.api_urls")),
    re_path(r"^.*$", api_not_found),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(api)),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
    path("", include("reviews.urls")),
    path("", include("feedback.urls")),
    path("", include("routing.urls")),
    path("", include("audit.urls")),
    path("", include("hitl.delivery.urls")),
    path("", include("hitl.accounts.urls")),
]

handler404 = not_found
handler500 = server_error
