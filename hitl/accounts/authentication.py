"""REST authentication: `Authorization: Bearer hitl_…`, or the web session with CSRF. `request.auth` is the Actor."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from hitl.accounts.middleware import session_actor
from hitl.accounts.rate_limit import spend
from hitl.accounts.selectors import holder_of_key
from hitl.core.actors import Actor
from hitl.core.errors import Forbidden, Unauthenticated
from hitl.core.permissions import Scope


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise Unauthenticated("Send `Authorization: Bearer <key>`.")
        holder = holder_of_key(key.strip())
        if holder is None:
            raise Unauthenticated("The key is unknown, revoked or expired.", code="invalid_key")
        assert holder.actor.key_id is not None
        spend(holder.actor.key_id, holder.requests_per_minute)
        return AnonymousUser(), holder.actor

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="hitl"'


class SessionActorAuthentication(SessionAuthentication):
    """The signed-in person; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        actor = session_actor(request._request)
        return None if actor is None else (found[0], actor)


class HasScope(BasePermission):
    """The view names its scope: `scopes = {"GET": Scope.CASES_READ, …}`; a method not named is refused to all.

    A value of null means any authenticated caller.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        actor = actor_of(request)
        scopes: dict[str, Scope | None] = view.scopes
        method = "GET" if request.method in ("HEAD", "OPTIONS") and request.method not in scopes else request.method
        if method not in scopes:
            return True  # DRF answers 405
        needed = scopes[method or ""]
        if needed is not None and needed not in actor.scopes:
            raise Forbidden(f"The scope `{needed.value}` is needed here.", code="scope_required")
        return True


def actor_of(request: Request) -> Actor:
    """The authenticated actor. Raises Unauthenticated when there is none."""
    if not isinstance(request.auth, Actor):
        raise Unauthenticated("Send `Authorization: Bearer <key>`.")
    return request.auth
