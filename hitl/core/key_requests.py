"""The short way to the API for requests that carry a key."""

import uuid
from collections.abc import Callable
from typing import cast

import structlog
from django.core.handlers.exception import convert_exception_to_response
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve

from hitl.core.middleware import database_away

log = structlog.get_logger("django_structlog.key_requests")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class KeyRequestMiddleware:
    """Takes API requests with a key straight to their endpoint, past all middleware below its own place.

    That is for pages: session, CSRF, language, sign-in, messages, htmx. Kept from it: the check of the host, a request
    id for the log (the proxy's where it sends one), a line for each refusal, the security headers, a content length.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.serve = cast(Callable[[HttpRequest], HttpResponse], convert_exception_to_response(_serve))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not (request.path_info.startswith("/api/v1/") and carries_key(request)):
            return self.get_response(request)
        request.get_host()
        given = request.META.get("HTTP_X_REQUEST_ID")
        with structlog.contextvars.bound_contextvars(request_id=given or str(uuid.uuid4())):
            response = self.serve(request)
            if response.status_code >= 400:
                what = f"{request.method} {request.get_full_path()}"
                ip = request.META.get("REMOTE_ADDR")
                log.warning("request_finished", code=response.status_code, request=what, ip=ip)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        return response


def carries_key(request: HttpRequest) -> bool:
    """Whether it is authenticated by `Authorization: Bearer …` and by nothing else."""
    return str(request.META.get("HTTP_AUTHORIZATION", ""))[:7].lower() == "bearer "


def _serve(request: HttpRequest) -> HttpResponseBase:
    """What Django's handler does after its middleware."""
    found = request.resolver_match = resolve(request.path_info)
    try:
        response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
        if not getattr(response, "is_rendered", True):
            response.render()  # type: ignore[attr-defined]
    except (OperationalError, InterfaceError):
        return database_away(request)
    return response
