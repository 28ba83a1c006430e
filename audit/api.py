"""REST: events."""

from datetime import datetime
from typing import ClassVar

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from audit.access import visible_events
from audit.payloads import EventList, event_out
from audit.selectors import EventSearch, as_uuid, found_events
from hitl.core.actors import Actor
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput, Unauthenticated
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query

_FILTERS = ("action", "actor", "object_type", "object_id", "case", "since", "until")


class Events(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.AUDIT_READ}

    @documented(
        operation_id="list_audit_events",
        responses={200: EventList},
        parameters=(
            query("action", "For instance `case.decided`, or `case` for all of a noun."),
            query("actor", "A name as events show it, or an id."),
            query("object_type", "For instance `policyversion`."),
            query("object_id", "With `object_type` or alone."),
            query("case", "A case's id."),
            query("since", "RFC 3339."),
            query("until", "RFC 3339, exclusive."),
            query("limit", "1–200, default 50.", int),
            query("cursor", "`next` of the page before."),
        ),
        tags=("Audit",),
    )
    def get(self, request: Request) -> Response:
        """Events, newest first."""
        if not isinstance(request.auth, Actor):
            raise Unauthenticated()
        asked = self.check_query(request, *_FILTERS, "limit", "cursor")
        rows = found_events(visible_events(request.auth), _search(asked))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(EventList([event_out(event) for event in page.rows], page.next))


def _search(asked: dict[str, str]) -> EventSearch:
    case_id = as_uuid(asked["case"]) if asked.get("case") else None
    if asked.get("case") and case_id is None:
        raise InvalidInput(errors=[FieldProblem("?case", "Give a case's id.", "invalid_value")])
    return EventSearch(
        action=asked.get("action", ""),
        actor=asked.get("actor", ""),
        object_type=asked.get("object_type", ""),
        object_id=asked.get("object_id", ""),
        case_id=case_id,
        since=_time(asked, "since"),
        until=_time(asked, "until"),
    )


def _time(asked: dict[str, str], name: str) -> datetime | None:
    if not asked.get(name):
        return None
    try:
        at = msgspec.convert(asked[name], datetime)
    except msgspec.ValidationError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput(errors=[FieldProblem(f"?{name}", "Give a time as 2026-11-21T10:00:00Z.", "invalid_value")])
    return at
