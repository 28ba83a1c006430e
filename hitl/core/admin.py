"""What every admin page of ours shares: rows of the actor's workspace only, rights from the role, no counting."""

import uuid
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.permissions import Permission

COUNTED = 5_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts and shows at most `COUNTED` rows: page 50 of a million costs what page 50 of five thousand does."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())


class RecentFilter(admin.SimpleListFilter):
    """By age, through the time inside the UUIDv7 key, so that it costs an index range."""

    title = _("age")
    parameter_name = "age"
    days: ClassVar[dict[str, int]] = {"1": 1, "7": 7, "30": 30}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Past day")), ("7", _("Past 7 days")), ("30", _("Past 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.days.get(self.value() or "")
        if days is None:
            return queryset
        milliseconds = int((now().timestamp() - days * 86_400) * 1000)
        return queryset.filter(pk__gte=uuid.UUID(int=milliseconds << 80))


def actor_of_page(request: HttpRequest) -> Actor:
    """The signed-in member. Raises PermissionDenied; being a superuser changes nothing."""
    actor: Actor | None = getattr(request, "actor", None)
    if not actor:
        raise PermissionDenied
    return actor


class WorkspaceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows of the actor's workspace; every other row is missing. The site refuses admins that are none of these.

    `workspace_lookup` leads from a row to its workspace; `exact_search` names indexed columns that the search compares
    whole (besides the id).
    """

    workspace_lookup: ClassVar[str] = "workspace_id"
    exact_search: ClassVar[tuple[str, ...]] = ()
    change_permission: ClassVar[Permission | None] = None
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    save_on_top = False
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The workspace's rows."""
        return super().get_queryset(request).filter(**{self.workspace_lookup: actor_of_page(request).workspace_id})

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.exact_search or tuple(self.search_fields)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Whole values on indexed columns where `exact_search` names them; else Django's."""
        if not self.exact_search or not search_term:
            return super().get_search_results(request, queryset, search_term)
        term = search_term.strip().replace("\x00", "")
        wanted = Q()
        for field in self.exact_search:
            wanted |= Q(**{field: term})
        with suppress(ValueError):
            wanted |= Q(pk=uuid.UUID(term))
        return queryset.filter(wanted), False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actor: Actor | None = getattr(request, "actor", None)
        return bool(actor) and actor.may(Permission.READ_AUDIT)  # type: ignore[union-attr]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def _may_change(self, request: HttpRequest) -> bool:
        return self.change_permission is not None and actor_of_page(request).may(self.change_permission)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No bulk deletion: one row, one reason, one event."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The row's events. (Models with django-simple-history show their versions instead.)"""
        if self.get_object(request, object_id) is None:
            raise Http404
        where = urlencode({"object_type": self.model._meta.model_name, "object_id": object_id})
        try:
            return redirect(f"{reverse('audit')}?{where}")
        except NoReverseMatch:
            raise Http404 from None

    # Events are the record of changes; Django's own log would be a second, weaker one.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """Nothing: the action wrote an event."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """Nothing: the action wrote an event."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """Nothing: the action wrote an event."""


class EvidenceAdmin(WorkspaceAdmin):
    """Read-only: evidence, and what other pages of the product change."""

    change_permission = None
    ordering = ("-pk",)
    list_filter: ClassVar[Any] = (RecentFilter,)
