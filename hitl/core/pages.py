"""Pages that belong to no app: refusals, the API's documentation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from hitl.core.errors import Forbidden, NotFound
from hitl.core.middleware import refusal_page
from hitl.core.rest import problem_response


def api_docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI from the sidecar package, started by our own script file (strict CSP)."""
    return render(request, "api_docs.html")


@csrf_exempt  # keys carry no CSRF token, and there is nothing here to protect
def api_not_found(request: HttpRequest) -> HttpResponse:
    """An unknown API address answers as a hidden object does."""
    return problem_response(NotFound())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for pages; the API's as problem+json."""
    if request.path.startswith("/api/"):
        return problem_response(NotFound())
    return refusal_page(request, NotFound("This page does not exist, or is not yours to see."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long, or came from elsewhere."""
    detail = "This form has expired or came from elsewhere; go back, reload and try again."
    return refusal_page(request, Forbidden(detail))


def server_error(request: HttpRequest) -> HttpResponse:
    """500 without details; the log has them."""
    text = gettext("Something went wrong on our side. It has been logged.")
    return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")
