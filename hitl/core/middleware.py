"""The outermost layer: a database that is away is 503 for everyone, never a stack trace."""

from collections.abc import Callable

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from hitl.core.errors import DomainError, FieldProblem, InvalidInput, Unavailable
from hitl.core.rest import problem_response


class DatabaseAwayMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except (OperationalError, InterfaceError):
            return database_away(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Refusals raised in pages become pages; a database error becomes 503, a NUL that it will not store 400."""
        if isinstance(exception, OperationalError | InterfaceError):
            return database_away(request)
        if isinstance(exception, DataError) and (problem := _nul_in(request)):
            return refusal_page(request, InvalidInput(problem.detail, errors=[problem]))
        if isinstance(exception, DomainError):
            return refusal_page(request, exception)
        return None


def _nul_in(request: HttpRequest) -> FieldProblem | None:
    """The field that was sent with a NUL character, which PostgreSQL's text has not; null where none was."""
    for given in (request.GET, request.POST):
        for name, values in given.lists():
            if "\x00" in name or any("\x00" in str(value) for value in values):
                return FieldProblem(name.replace("\x00", "�"), "No NUL characters.", "nul_character")
    return None


def database_away(request: HttpRequest) -> HttpResponse:
    """503: as a problem document for programs, as a plain line for people."""
    error = Unavailable("The database does not answer; nothing was accepted.", retry_after_s=5)
    if request.path.startswith(("/api/", "/readyz", "/metrics")):
        return problem_response(error)
    return HttpResponse(
        gettext("hitl cannot reach its database. Nothing was lost; try again in a few seconds."),
        status=503,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": "5"},
    )


def refusal_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A refusal for people: the plain reason and the way back. htmx gets 200 with a partial (Chromium logs 4xx)."""
    if request.headers.get("HX-Request"):
        return render(request, "_refusal.html", {"error": error})
    response = render(request, "refusal.html", {"error": error}, status=error.status)
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response
