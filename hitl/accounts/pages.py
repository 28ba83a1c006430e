"""What guards every page: somebody of a workspace is signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from hitl.core.actors import Actor
from hitl.core.errors import Forbidden

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponse]  # a view


def signed_in(view: Page[P]) -> Page[P]:
    """Send strangers to /login and back; refuse people without a workspace."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/work")
        page_actor(request)
        return view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]  # wraps() forgets that the first argument is positional


def page_actor(request: HttpRequest) -> Actor:
    """The signed-in person's actor. Raises Forbidden for somebody without a workspace."""
    actor: Actor | None = getattr(request, "actor", None)
    if not actor:
        raise Forbidden("You belong to no workspace yet; ask a supervisor to invite you.")
    return actor
