"""REST: appeals and reports, the chain of decisions, and what the subject is told."""

import uuid
from collections.abc import Callable

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from reviews.access import case_for_actor, desk_of, sealed_ids
from reviews.actions.appeals import file_appeal_once
from reviews.actions.reports import file_report_once
from reviews.api.cases import as_response, claim_of, submitter
from reviews.appeals import (
    AppealOut,
    ReportOut,
    appeal_for_actor,
    appeal_outs,
    appeals_for_actor,
    report_out,
)
from reviews.decision_chain import DecisionChain, decision_chain
from reviews.explanation import ExplanationOut, explanation_of
from reviews.models import Case, Report
from reviews.payloads import ReviewCaseOut, sealed_case_out
from reviews.selectors import latest_routings
from reviews.structs import AppealIn, ReportIn

TAG = ("Appeals and reports",)
_PAGING = (query("limit", "1–200, default 50", int), query("cursor", "The `next` of the page before"))


class AppealList(msgspec.Struct, frozen=True):
    results: list[AppealOut]
    next: str | None


class ReportList(msgspec.Struct, frozen=True):
    results: list[ReportOut]
    next: str | None


class CaseAppeals(Endpoint):
    scopes = {"GET": Scope.CASES_READ, "POST": Scope.CASES_WRITE}

    @documented(operation_id="appeal", request=AppealIn, responses={201: AppealOut}, tags=TAG)
    def post(self, request: Request, case_id: uuid.UUID) -> HttpResponse:
        """Contest a decision: a person who had no part in it judges the case anew. One open appeal per case.

        409 `not_decided`, `appeal_open`, `appeals_closed`. Repeatable with an Idempotency-Key.
        """
        actor = submitter(request)
        self.check_query(request)
        case = case_for_actor(actor, case_id)
        raw = self.raw_body(request)
        body = self.body(request, AppealIn)
        claim = claim_of(request, actor, raw)
        answer = file_appeal_once(
            actor=actor, case_id=case.pk, reason=body.reason, submitted_by=body.submitted_by, claim=claim
        )
        return as_response(answer)

    @documented(operation_id="list_case_appeals", responses={200: AppealList}, tags=TAG)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """The appeals against this case's decisions, newest first."""
        actor = actor_of(request)
        self.check_query(request)
        desk = desk_of(actor)
        case = case_for_actor(actor, case_id, desk)
        rows = list(appeals_for_actor(actor, desk).filter(case_id=case.pk).order_by("-id")[:200])
        return Response(AppealList(appeal_outs(actor, rows, desk), None))


class Appeals(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(
        operation_id="list_appeals",
        responses={200: AppealList},
        parameters=(
            query("status", "`open` or `resolved`"),
            query("task_type", "Slug"),
            *_PAGING,
        ),
        tags=TAG,
    )
    def get(self, request: Request) -> Response:
        """Appeals against decisions of the cases you may see, newest first."""
        actor = actor_of(request)
        asked = self.check_query(request, "status", "task_type", "limit", "cursor")
        desk = desk_of(actor)
        rows = appeals_for_actor(actor, desk)
        if status := asked.get("status"):
            if status not in ("open", "resolved"):
                raise InvalidInput(errors=[FieldProblem("?status", "One of open, resolved.", "invalid_value")])
            rows = rows.filter(resolved_at__isnull=status == "open")
        if slug := asked.get("task_type"):
            rows = rows.filter(task_type__slug=slug)
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(AppealList(appeal_outs(actor, page.rows, desk), page.next))


class AppealDetail(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(operation_id="get_appeal", responses={200: AppealOut}, tags=TAG)
    def get(self, request: Request, appeal_id: uuid.UUID) -> Response:
        """One appeal. Whoever may yet judge it gets neither its reason nor the decision."""
        actor = actor_of(request)
        self.check_query(request)
        return Response(appeal_outs(actor, [appeal_for_actor(actor, appeal_id)])[0])


class CaseReports(Endpoint):
    scopes = {"GET": Scope.CASES_READ, "POST": Scope.CASES_WRITE}

    @documented(operation_id="report_case", request=ReportIn, responses={201: ReportOut}, tags=TAG)
    def post(self, request: Request, case_id: uuid.UUID) -> HttpResponse:
        """What a user says is wrong with a case. Enough reports make people look at it, soon."""
        actor = submitter(request)
        self.check_query(request)
        case = case_for_actor(actor, case_id)
        raw = self.raw_body(request)
        body = self.body(request, ReportIn)
        answer = file_report_once(
            actor=actor,
            case_id=case.pk,
            category=body.category,
            text=body.text,
            submitted_by=body.submitted_by,
            claim=claim_of(request, actor, raw),
        )
        return as_response(answer)

    @documented(operation_id="list_case_reports", responses={200: ReportList}, parameters=_PAGING, tags=TAG)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """The reports on this case, newest first; none for whoever may yet judge it."""
        actor = actor_of(request)
        asked = self.check_query(request, "limit", "cursor")
        desk = desk_of(actor)
        case = case_for_actor(actor, case_id, desk)
        rows = Report.objects.filter(case_id=case.pk)
        if sealed_ids(actor, [case], desk):
            rows = rows.none()  # they tell what was decided
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ReportList([report_out(r) for r in page.rows], page.next))


class _OfCase(Endpoint):
    """Something about a case, unless it is sealed to the caller."""

    scopes = {"GET": Scope.CASES_READ}

    def answer(self, request: Request, case_id: uuid.UUID, what: Callable[[Case], object]) -> Response:
        actor = actor_of(request)
        self.check_query(request)
        desk = desk_of(actor)
        case = case_for_actor(actor, case_id, desk)
        if sealed_ids(actor, [case], desk):
            return Response(sealed_case_out(case, case.content, case.task_type))
        return Response(what(case))


class CaseDecisions(_OfCase):
    @documented(operation_id="get_case_decisions", responses={200: (DecisionChain, ReviewCaseOut)}, tags=("Cases",))
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """Every decision of the case, oldest first: owner, reason, what it replaced."""
        return self.answer(request, case_id, decision_chain)


class CaseExplanation(_OfCase):
    @documented(operation_id="explain_case", responses={200: (ExplanationOut, ReviewCaseOut)}, tags=("Cases",))
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """What the subject may be told, in plain words, without numbers or names of rules."""
        return self.answer(request, case_id, lambda case: explanation_of(case, latest_routings([case]).get(case.pk)))
