"""Django's admin, as our own site: the login is the product's login."""

from django.contrib.admin.apps import AdminConfig


class HitlAdminConfig(AdminConfig):
    default_site = "hitl.admin_pages.HitlAdminSite"
