"""The base of every REST endpoint: parse → access → action or selector → render."""

from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hitl.core.errors import FieldProblem, InvalidInput, TooLarge
from hitl.core.key_requests import carries_key
from hitl.core.parsing import parse_json
from hitl.core.permissions import Scope
from hitl.core.rest import JsonRenderer

T = TypeVar("T")


class Endpoint(APIView):
    """Subclasses name `scopes` per method (null: any authenticated caller) and describe methods with `documented`."""

    scopes: ClassVar[dict[str, Scope | None]] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As DRF does it; where a key comes and JSON is wanted there is nothing to negotiate, and that costs nothing.

        Authentication, permissions and refusals are the same methods either way.
        """
        handler = getattr(self, (request.method or "").lower(), None)
        if handler is None or request.method == "OPTIONS" or not _plain(request):
            return super().dispatch(request, *args, **kwargs)
        self.args, self.kwargs = args, kwargs
        asked = self.request = Request(request, authenticators=self.get_authenticators())
        self.headers: dict[str, str] = {}
        try:
            self.perform_authentication(asked)
            self.check_permissions(asked)
            response: HttpResponseBase = handler(asked, *args, **kwargs)
        except Exception as error:  # as DRF: what is no refusal is raised again
            response = self.handle_exception(error)
        if isinstance(response, Response):
            response.accepted_renderer, response.accepted_media_type = JsonRenderer(), JsonRenderer.media_type
            response.renderer_context = {}  # type: ignore[attr-defined]
        return response

    def body(self, request: Request, kind: type[T], *, max_bytes: int | None = None) -> T:
        """The request body as `kind`. Raises InvalidInput, TooLarge, or 415 for another media type."""
        return parse_json(self.raw_body(request), kind, max_bytes=max_bytes or settings.HITL_MAX_CASE_BYTES)

    def raw_body(self, request: Request) -> bytes:
        """The bytes of the body; refuses a media type other than JSON, and what no endpoint takes (TooLarge)."""
        content_type = (request.META.get("CONTENT_TYPE") or "application/json").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise UnsupportedMediaType(content_type, "Send application/json.")
        try:
            return request._request.body
        except RequestDataTooBig:
            raise TooLarge(f"The body has more than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.") from None

    def check_query(self, request: Request, *known: str) -> dict[str, str]:
        """The query parameters, each at most once; an unknown one is refused by name."""
        found: dict[str, str] = {}
        for name, values in request.query_params.lists():
            if name not in known:
                raise InvalidInput(
                    errors=[FieldProblem(f"?{name}", "This parameter is not known here.", "unknown_field")]
                )
            if "\x00" in values[-1]:
                raise InvalidInput(errors=[FieldProblem(f"?{name}", "No NUL characters.", "nul_character")])
            found[name] = values[-1]
        return found


def _plain(request: HttpRequest) -> bool:
    """A key, and no wish for anything but JSON."""
    accepts = request.META.get("HTTP_ACCEPT", "*/*")
    return (
        carries_key(request)
        and accepts in ("*/*", "application/json")
        and "format=" not in request.META.get("QUERY_STRING", "")
    )
