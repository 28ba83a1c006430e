"""REST: mark a case as known bad, so that cases like it can be kept from the machine."""

import uuid

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from reviews.actions.known_bad import mark_known_bad, unmark_known_bad
from reviews.structs import KnownBadIn


class KnownBadOut(msgspec.Struct, frozen=True):
    """Whether the case is marked now."""

    known_bad: bool


class CaseKnownBad(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE, "DELETE": Scope.REVIEWS_WRITE}

    @documented(operation_id="mark_known_bad", request=KnownBadIn, responses={200: KnownBadOut}, tags=("Cases",))
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Mark a decided case as known bad. Supervisors only; again, it changes nothing."""
        self.check_query(request)
        body = self.body(request, KnownBadIn)
        mark_known_bad(actor=actor_of(request), case_id=case_id, reason=body.reason)
        return Response(KnownBadOut(known_bad=True))

    @documented(operation_id="unmark_known_bad", responses={200: KnownBadOut}, tags=("Cases",))
    def delete(self, request: Request, case_id: uuid.UUID) -> Response:
        """Take the mark away, if there is one. Supervisors only."""
        self.check_query(request)
        unmark_known_bad(actor=actor_of(request), case_id=case_id)
        return Response(KnownBadOut(known_bad=False))
