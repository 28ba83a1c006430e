"""What every page request knows of its reader: `request.actor`, the person in their workspace; and the language."""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from hitl.accounts.models import User
from hitl.accounts.selectors import actor_of_user
from hitl.core.actors import Actor

WORKSPACE_SESSION_KEY = "workspace"


class ActorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: session_actor(request))  # type: ignore[attr-defined]
        return self.get_response(request)


def session_actor(request: HttpRequest) -> Actor | None:
    """The signed-in person's actor in the workspace chosen in the session; null when not signed in or no member."""
    user = request.user
    if not isinstance(user, User) or not user.is_authenticated:
        return None
    chosen = request.session.get(WORKSPACE_SESSION_KEY)
    return actor_of_user(user, uuid.UUID(chosen) if chosen else None)


class LanguageMiddleware:
    """Pages speak the language their reader chose in the settings, else one the browser asks for.

    The API speaks English to everybody: programs compare its texts, and other clients share its caches.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            with translation.override(settings.LANGUAGE_CODE):
                return self.get_response(request)
        language = chosen_language(request) or translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", language)
        return response


def chosen_language(request: HttpRequest) -> str:
    """What the signed-in person chose; empty for strangers and for who leaves it to the browser."""
    try:
        return getattr(request.user, "language", "")
    except (OperationalError, InterfaceError):
        return ""  # the page itself will find that the database is away, and say so
