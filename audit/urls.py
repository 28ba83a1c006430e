"""Pages of the evidence."""

from django.urls import path

from audit.views import EventExplorer

urlpatterns = [path("audit", EventExplorer.as_view(), name="audit")]
