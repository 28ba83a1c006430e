"""REST: the models that hitl may ask."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import endpoint_for, require_configure, visible_endpoints
from routing.actions.configure import delete_configured, save_configured
from routing.api.structs import Slug
from routing.mapping import AdapterMapping
from routing.models import ModelEndpoint

Header = Annotated[str, Meta(min_length=1, max_length=60)]
Address = Annotated[str, Meta(min_length=8, max_length=500)]
Secret = Annotated[str, Meta(max_length=500)]
Seconds = Annotated[float, Meta(ge=0.1, le=60)]
_TAGS = ("Configuration",)


class ModelEndpointIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A judge or an adapter. `secret` is sent in `auth_header` (after `Bearer` in Authorization), and never shown."""

    slug: Slug
    kind: Literal["judge", "adapter"]
    url: Address
    auth_header: Header = "Authorization"
    secret: Secret = ""
    timeout_s: Seconds = 20.0
    mapping: AdapterMapping = msgspec.field(default_factory=AdapterMapping)
    active: bool = True


class ModelEndpointChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What to change; what is left out stays."""

    url: Address | UnsetType = UNSET
    auth_header: Header | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    timeout_s: Seconds | UnsetType = UNSET
    mapping: AdapterMapping | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class ModelEndpointOut(msgspec.Struct, frozen=True):
    """`has_secret`: whether one is stored; it is never shown."""

    slug: str
    kind: str
    url: str
    auth_header: str
    has_secret: bool
    timeout_s: float
    mapping: dict[str, Any]
    active: bool


class ModelEndpointList(msgspec.Struct, frozen=True):
    results: list[ModelEndpointOut]
    next: str | None


class ModelEndpoints(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ, "POST": Scope.POLICIES_WRITE}

    @documented(
        operation_id="list_model_endpoints",
        responses={200: ModelEndpointList},
        parameters=(query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before.")),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """The models that may be asked, newest first."""
        asked = self.check_query(request, "limit", "cursor")
        rows = visible_endpoints(actor_of(request))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ModelEndpointList([endpoint_out(row) for row in page.rows], page.next))

    @documented(
        operation_id="create_model_endpoint",
        request=ModelEndpointIn,
        responses={201: ModelEndpointOut},
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Name a model that policies may ask."""
        self.check_query(request)
        actor = actor_of(request)
        require_configure(actor)
        values = msgspec.to_builtins(self.body(request, ModelEndpointIn))
        row = ModelEndpoint(workspace_id=actor.workspace_id, **values)
        save_configured(actor=actor, obj=row)
        return Response(endpoint_out(row), status=201)


class ModelEndpointDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {
        "GET": Scope.POLICIES_READ,
        "PATCH": Scope.POLICIES_WRITE,
        "DELETE": Scope.POLICIES_WRITE,
    }

    @documented(operation_id="get_model_endpoint", responses={200: ModelEndpointOut}, tags=_TAGS)
    def get(self, request: Request, slug: str) -> Response:
        """One model that may be asked."""
        self.check_query(request)
        return Response(endpoint_out(endpoint_for(actor_of(request), slug)))

    @documented(
        operation_id="change_model_endpoint",
        request=ModelEndpointChange,
        responses={200: ModelEndpointOut},
        tags=_TAGS,
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change it; the next question goes there."""
        self.check_query(request)
        actor = actor_of(request)
        require_configure(actor)
        row = endpoint_for(actor, slug)
        for name, value in msgspec.to_builtins(self.body(request, ModelEndpointChange)).items():
            setattr(row, name, value)
        save_configured(actor=actor, obj=row)
        return Response(endpoint_out(row))

    @documented(operation_id="delete_model_endpoint", responses={204: None}, tags=_TAGS)
    def delete(self, request: Request, slug: str) -> Response:
        """Remove it; where a policy asks it, people decide."""
        self.check_query(request)
        actor = actor_of(request)
        require_configure(actor)
        delete_configured(actor=actor, obj=endpoint_for(actor, slug))
        return Response(status=204)


def endpoint_out(row: ModelEndpoint) -> ModelEndpointOut:
    """The public form, without the secret."""
    return ModelEndpointOut(
        row.slug, row.kind, row.url, row.auth_header, bool(row.secret), row.timeout_s, row.mapping, row.active
    )
