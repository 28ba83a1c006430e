"""REST: one's own saved filters."""

import uuid
from typing import Literal

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from reviews.actions.saved_filters import delete_filter, save_filter
from reviews.models import SavedFilter
from reviews.saved_filters import address, own_filters

TAG = ("Reviewing",)


class FilterIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`query`: the list's parameters by name."""

    place: Literal["cases", "queue"]
    name: str
    query: dict[str, str] = {}


class FilterOut(msgspec.Struct, frozen=True):
    id: str
    place: str
    name: str
    query: dict[str, str]
    url: str


class FilterList(msgspec.Struct, frozen=True):
    results: list[FilterOut]
    next: str | None = None


class SavedFilters(Endpoint):
    scopes = {"GET": Scope.CASES_READ, "POST": Scope.CASES_READ}

    @documented(operation_id="list_saved_filters", responses={200: FilterList}, tags=TAG)
    def get(self, request: Request) -> Response:
        """Your filters, at most fifty."""
        self.check_query(request)
        return Response(FilterList([_out(row) for row in own_filters(actor_of(request))[:50]]))

    @documented(operation_id="save_filter", request=FilterIn, responses={201: FilterOut}, tags=TAG)
    def post(self, request: Request) -> Response:
        """Keep a search under a name; the same name again replaces it."""
        body = self.body(request, FilterIn)
        row = save_filter(actor=actor_of(request), place=body.place, name=body.name, query=body.query)
        return Response(_out(row), status=201)


class SavedFilterDetail(Endpoint):
    scopes = {"DELETE": Scope.CASES_READ}

    @documented(operation_id="delete_saved_filter", responses={204: None}, tags=TAG)
    def delete(self, request: Request, filter_id: uuid.UUID) -> Response:
        """Your own only."""
        delete_filter(actor=actor_of(request), filter_id=filter_id)
        return Response(status=204)


def _out(row: SavedFilter) -> FilterOut:
    return FilterOut(str(row.pk), row.place, row.name, row.query, address(row.place, row.query))
