"""What the pages of people, partners and settings share."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views import View

from hitl.accounts.pages import page_actor
from hitl.core.actors import Actor
from hitl.core.errors import Conflict, DomainError, Forbidden, Refused, Unavailable
from hitl.core.permissions import Permission

T = TypeVar("T")


class Page(View):
    """A page for signed-in members; `permission` is what its every method needs (null: membership)."""

    permission: ClassVar[Permission | None] = None
    actor: Actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Nobody: to the login and back. No member of any workspace, or without the permission: 403.

        The address is read without the character U+0000, which no text in the database can hold.
        """
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/work")
        _drop_nul(request)
        self.actor = page_actor(request)
        if self.permission is not None:
            self.actor.require(self.permission)
        return super().dispatch(request, *args, **kwargs)


def _drop_nul(request: HttpRequest) -> None:
    """From the address; forms say beside the field what is wrong. A literal per cent sign is encoded as one."""
    asked = request.GET.urlencode()
    if "%00" in asked:
        request.GET = QueryDict(asked.replace("%00", ""))


def attempt(request: HttpRequest, action: Callable[[], T], success: str = "") -> T | None:
    """Run `action`; tell the person on the next page that it worked, or why it was refused (then null)."""
    try:
        result = action()
    except (Conflict, Forbidden, Refused, Unavailable) as error:
        messages.error(request, reason_of(error))
        return None
    if success:
        messages.success(request, success)
    return result


def reason_of(error: DomainError) -> str:
    """The refusal in words: the places that are wrong, else the refusal itself."""
    return " ".join(problem.said for problem in error.errors) or error.said


def show_secret(request: HttpRequest, *, title: str, secret: str, note: str, back: str) -> HttpResponse:
    """The one page that shows a secret; answered to the POST itself, so that it is stored nowhere."""
    context = {"title": title, "secret": secret, "note": note, "back": back}
    response = render(request, "accounts/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
