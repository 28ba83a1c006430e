"""The restyled admin site."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from hitl.core.admin import WorkspaceAdmin
from hitl.core.errors import Forbidden
from hitl.core.model_names import translate_names
from hitl.core.permissions import Permission


class HitlAdminSite(AdminSite):
    """For supervisors and, read-only, auditors. Roles decide; `is_staff` and `is_superuser` mean nothing here."""

    site_header = "hitl"
    site_title = "hitl"
    index_title = _("Evidence and configuration")
    site_url = "/work"
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Admins that know no workspace stay out: those of other packages, whose tables belong to no tenant."""
        if admin_class is None or not issubclass(admin_class, WorkspaceAdmin):
            return
        super().register(model_or_iterable, admin_class, **options)
        for model in model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]:
            translate_names(model)

    def unregister(self, model_or_iterable: Any) -> None:
        """Other packages may unregister what `register` kept out."""
        models = model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        super().unregister([model for model in models if self.is_registered(model)])

    def has_permission(self, request: HttpRequest) -> bool:
        """A member who may read evidence."""
        actor = getattr(request, "actor", None)
        return bool(actor and actor.may(Permission.READ_AUDIT))

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """The product's own login, so that its rules (lock-out, MFA, single sign-on) hold here too."""
        if request.user.is_authenticated:
            raise Forbidden("The admin is for supervisors and auditors.")
        target = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")

    def password_change(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """The product's own page."""
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """Back to the start; the product's page says it itself."""
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """The product's own page."""
        return redirect("account_logout")
