"""REST: outcomes of cases and audits of decisions."""

import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from feedback.actions.audits import audit_decision
from feedback.actions.outcomes import record_outcome
from feedback.payloads import AuditOut, OutcomeOut, audit_out, outcome_out
from feedback.structs import AuditIn, OutcomeIn
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from reviews.access import case_for_actor


class Outcomes(Endpoint):
    scopes = {"POST": Scope.OUTCOMES_WRITE}

    @documented(operation_id="record_outcome", request=OutcomeIn, responses={201: OutcomeOut}, tags=("Cases",))
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Say what a case turned out to be. Late and repeated outcomes are kept; the latest observed one counts."""
        actor = actor_of(request)
        self.check_query(request)
        case = case_for_actor(actor, case_id)
        body = self.body(request, OutcomeIn)
        recorded = record_outcome(
            actor=actor,
            case=case,
            label=body.label,
            observed_at=body.observed_at,
            source=body.source,
            details=body.details,
        )
        return Response(outcome_out(recorded.signal, counts=recorded.counts), status=201)


class DecisionAudit(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="audit_decision", request=AuditIn, responses={201: AuditOut}, tags=("Audit",))
    def post(self, request: Request, decision_id: uuid.UUID) -> Response:
        """Uphold a standing decision, or call it wrong with the right label, which corrects it. Supervisors only."""
        actor = actor_of(request)
        self.check_query(request)
        body = self.body(request, AuditIn)
        audit = audit_decision(
            actor=actor, decision_id=decision_id, verdict=body.verdict, label=body.label, note=body.note
        )
        return Response(audit_out(audit.signal, audit.correction), status=201)
