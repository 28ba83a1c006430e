"""REST beside a claim: similar decided cases, and the subject's earlier ones."""

import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from reviews.access import held_by_actor
from reviews.precedents import PrecedentsOut, SubjectHistoryOut, precedents_of, subject_history_of

TAG = ("Reviewing",)


class ClaimPrecedents(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(operation_id="get_claim_precedents", responses={200: PrecedentsOut}, tags=TAG)
    def get(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Similar cases that people decided or whose outcome is known; empty until the machine's answer may be seen."""
        actor = actor_of(request)
        self.check_query(request)
        return Response(precedents_of(actor, held_by_actor(actor, claim_id)))


class ClaimSubjectHistory(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(operation_id="get_claim_subject_history", responses={200: SubjectHistoryOut}, tags=TAG)
    def get(self, request: Request, claim_id: uuid.UUID) -> Response:
        """The subject's earlier cases; what came of them is absent until the machine's answer may be seen."""
        actor = actor_of(request)
        self.check_query(request)
        return Response(subject_history_of(actor, held_by_actor(actor, claim_id)))
