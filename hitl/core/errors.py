"""Every refusal a client can meet. One tree; `hitl.core.rest` renders it for REST, `hitl.core.pages` for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from hitl.core.said import said


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong place: `pointer` is an RFC 6901 JSON pointer into the request body (or the query as ``?name``)."""

    pointer: str
    detail: str
    code: str

    @property
    def said(self) -> str:
        """The detail in the reader's language, for pages."""
        return said(self.detail)


class DomainError(Exception):
    """A refusal with a stable `code`, an HTTP `status`, and a `detail` that names the cure.

    `extra` members are added to the problem document (for instance `submitted`); `retry_after_s` becomes the header.
    """

    status = 400
    code = "invalid"
    title = _("The request cannot be carried out")

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[FieldProblem] = (),
        extra: dict[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.code = code or self.code
        self.errors = tuple(errors)
        self.extra = extra or {}
        self.retry_after_s = retry_after_s

    @property
    def said(self) -> str:
        """The detail in the reader's language, for pages."""
        return said(self.detail)

    @property
    def headline(self) -> str:
        """The title in the reader's language, for pages."""
        return gettext(self.title)


class InvalidInput(DomainError):
    """The body alone is wrong."""

    status = 400
    code = "invalid_input"
    title = _("The request is not valid")


class Unauthenticated(DomainError):
    status = 401
    code = "not_authenticated"
    title = _("Authentication is needed")


class Forbidden(DomainError):
    """Lacking scope or permission on something the caller may see."""

    status = 403
    code = "permission_denied"
    title = _("Not allowed")


class NotFound(DomainError):
    """Absent or invisible: the same body for both."""

    status = 404
    code = "not_found"
    title = _("Not found")


class Conflict(DomainError):
    """The state has moved on."""

    status = 409
    code = "conflict"
    title = _("Conflict with the present state")


class TooLarge(DomainError):
    status = 413
    code = "too_large"
    title = _("The request is too large or too deep")


class Refused(DomainError):
    """Well-formed, but refused against what is stored."""

    status = 422
    code = "refused"
    title = _("Refused against what is stored")


class RateLimited(DomainError):
    status = 429
    code = "rate_limited"
    title = _("Too many requests")


class Unavailable(DomainError):
    status = 503
    code = "unavailable"
    title = _("Not available at the moment")


def unexpected(error: Exception) -> str:
    """What is kept of a failure nobody foresaw, for whoever reads the result: its kind alone.

    The text of such an error may quote data, statements or hosts; it goes to the log.
    """
    return f"It failed unexpectedly ({type(error).__name__}); the log says why."
