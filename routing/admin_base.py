"""Admin pages of configured things: every save goes through `routing.actions.configure`, with the reason."""

import json
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from guardian.admin import GuardedModelAdminMixin
from guardian.shortcuts import get_users_with_perms
from simple_history.admin import SimpleHistoryAdmin

from hitl.accounts.models import User
from hitl.core.admin import WorkspaceAdmin, actor_of_page
from hitl.core.errors import Conflict
from hitl.core.permissions import Permission
from routing.actions.configure import delete_configured, grantable, save_configured, set_grants


class PrettyJSONField(forms.JSONField):
    """JSON with one line per entry, as people read it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **kwargs | {"widget": forms.Textarea(attrs={"rows": 12, "cols": 90, "class": "vLargeTextField"})}
        )

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, forms.fields.InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class ConfiguredForm(forms.ModelForm):  # type: ignore[type-arg]
    """Knows its workspace before it validates, so that a name taken is a message beside the field."""

    workspace_id: Any = None
    reason = forms.CharField(
        label=_("Reason"), max_length=500, required=False, help_text=_("Why this change? Kept with its history.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.workspace_id = self.workspace_id

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            self.instance.validate_constraints()
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class HistoryAdmin(SimpleHistoryAdmin, WorkspaceAdmin):  # type: ignore[misc]  # untyped
    """django-simple-history's pages, closed to other workspaces and to readers who would revert."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All versions of one row."""
        if self.get_object(request, unquote(object_id)) is None:
            raise Http404
        found: HttpResponse = SimpleHistoryAdmin.history_view(self, request, object_id, extra_context)
        return found

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """One version; reverting to it is a change like any other."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not version_id.isascii() or not version_id.isdigit():
            raise Http404
        if request.method == "POST" and not self.has_change_permission(request, obj):
            raise PermissionDenied
        found: HttpResponse = SimpleHistoryAdmin.history_form_view(self, request, object_id, version_id, extra_context)
        return found


class ConfiguredAdmin(HistoryAdmin):
    """Added, changed and deleted by whoever may configure, through actions."""

    change_permission = Permission.CONFIGURE
    form = ConfiguredForm
    exclude: ClassVar[Any] = ("workspace",)
    formfield_overrides = {models.JSONField: {"form_class": PrettyJSONField}}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of this request's workspace."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"workspace_id": actor_of_page(request).workspace_id})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The reason last; readers get none."""
        names = [name for name in super().get_fields(request, obj) if name != "reason"]
        editable = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return [*names, "reason"] if editable else names

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """No pop-ups: other rows have their own pages."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choices of this workspace only."""
        kwargs["queryset"] = workspace_rows(db_field.remote_field.model, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choices of this workspace only."""
        kwargs["queryset"] = workspace_rows(db_field.remote_field.model, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The action writes row, relations, history and event together."""
        many = {f.name: list(form.cleaned_data[f.name]) for f in obj._meta.many_to_many if f.name in form.cleaned_data}
        reason = form.cleaned_data.get("reason", "")
        save_configured(actor=actor_of_page(request), obj=obj, reason=reason, many=many)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the action wrote the relations."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """The action checks that nothing needs it."""
        delete_configured(actor=actor_of_page(request), obj=obj, reason=request.POST.get("reason", "")[:500])

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Row by row, as one would by hand."""
        for obj in queryset:
            self.delete_model(request, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """A row that is needed after all (since the page was shown) says so."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except Conflict as error:
            self.message_user(request, error.said, level="ERROR")
            return redirect(".")


class GrantUserForm(forms.Form):
    user = forms.ModelChoiceField(label=_("Person"), queryset=User.objects.none())


class GrantForm(forms.Form):
    permissions = forms.MultipleChoiceField(label=_("May"), required=False, widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)


class GuardedAdmin(GuardedModelAdminMixin, WorkspaceAdmin):  # type: ignore[misc]  # one template name, two types
    """guardian's pages of permissions on one row: members of the workspace only, written by an action.

    Group permissions have no page: groups belong to no workspace.
    """

    def get_urls(self) -> list[Any]:
        info = f"{self.model._meta.app_label}_{self.model._meta.model_name}_permissions_manage_group"
        urls: list[Any] = super().get_urls()  # type: ignore[no-untyped-call]
        return [url for url in urls if url.name != info]

    def obj_perms_manage_view(self, request: HttpRequest, object_pk: str) -> HttpResponse:
        """Who holds which permission on this row."""
        obj = self._guarded(request, object_pk)
        form = GrantUserForm(request.POST or None)
        form.fields["user"].queryset = workspace_rows(User, request)  # type: ignore[attr-defined]
        if request.method == "POST" and form.is_valid():
            return redirect(f"admin:{self._permissions_name}_manage_user", object_pk, form.cleaned_data["user"].pk)
        named = grantable(obj)
        context = self._context(request, obj) | {
            "held": [(u, [named[p] for p in perms if p in named]) for u, perms in _held(obj).items()],
            "form": form,
        }
        return render(request, "admin/guardian/model/obj_perms_manage.html", context)

    def obj_perms_manage_user_view(self, request: HttpRequest, object_pk: str, user_id: str) -> HttpResponse:
        """Exactly what one person may do with this row."""
        obj = self._guarded(request, object_pk)
        try:
            user = workspace_rows(User, request).filter(pk=user_id).first()
        except ValidationError:
            user = None
        if user is None:
            raise Http404
        named = grantable(obj)
        held = _held(obj).get(user, [])
        form = GrantForm(request.POST or None, initial={"permissions": [p for p in held if p in named]})
        form.fields["permissions"].choices = list(named.items())  # type: ignore[attr-defined]
        if request.method == "POST" and form.is_valid():
            chosen, reason = form.cleaned_data["permissions"], form.cleaned_data["reason"]
            set_grants(actor=actor_of_page(request), obj=obj, user=user, codenames=chosen, reason=reason)
            self.message_user(request, _("Permissions saved."))
            return redirect(f"admin:{self._permissions_name}", object_pk)
        context = self._context(request, obj) | {"user_obj": user, "form": form}
        return render(request, "admin/guardian/model/obj_perms_manage_user.html", context)

    def _context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        context: dict[str, Any] = self.get_obj_perms_base_context(request, obj)  # type: ignore[no-untyped-call]
        return context

    @property
    def _permissions_name(self) -> str:
        return f"{self.model._meta.app_label}_{self.model._meta.model_name}_permissions"

    def _guarded(self, request: HttpRequest, object_pk: str) -> Any:
        if not actor_of_page(request).may(Permission.CONFIGURE):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_pk))
        if obj is None:
            raise Http404
        return obj


def _held(obj: Any) -> dict[User, list[str]]:
    """Who holds which permission on this row itself."""
    held: Any = get_users_with_perms(obj, attach_perms=True, with_group_users=False)
    return dict(held)


def workspace_rows(model: type[models.Model], request: HttpRequest) -> Any:
    """The rows of `model` that the actor's workspace may name: its own, or its active members."""
    workspace_id = actor_of_page(request).workspace_id
    if issubclass(model, User):
        return User.objects.filter(memberships__workspace_id=workspace_id, memberships__active=True).order_by(
            "username"
        )
    return model._default_manager.filter(workspace_id=workspace_id)
