"""REST for partners: submit, look up, cancel, trace."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.conf import settings
from django.http import HttpResponse
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.actors import Actor
from hitl.core.endpoint import Endpoint
from hitl.core.errors import DomainError, FieldProblem, InvalidInput, NotFound, TooLarge
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.parsing import parse_json, read_time
from hitl.core.permissions import Permission, Scope
from hitl.core.rest import problem_body
from hitl.core.schema import Problem, any_of, documented, query
from reviews.access import case_for_actor, desk_of, kept_apart, sealed_ids, unsealed_cases, visible_cases
from reviews.actions import batch, idempotency, intake
from reviews.actions.decisions import cancel_case
from reviews.chain import ProposalOut, proposal_chain
from reviews.features import content_hash
from reviews.inline import Waited, wait_for_decision
from reviews.models import Case, CaseContent
from reviews.payloads import CaseOut, ReviewCaseOut, case_outs, sealed_case_out
from reviews.structs import BatchDoc, BatchIn, CancelIn, CaseIn
from reviews.trace import TraceOut, trace_of

MAX_BATCH = 500


class CaseList(msgspec.Struct, frozen=True):
    """One page; a reviewer's unjudged cases of judge-first queues come in their sealed form."""

    results: Annotated[list[Any], Meta(extra_json_schema={"items": any_of(CaseOut, ReviewCaseOut)})]
    next: str | None


class BatchItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either `case` (201, 200) or `problem`."""

    status: int
    case: CaseOut | None = None
    problem: Problem | None = None


class BatchOut(msgspec.Struct, frozen=True):
    """Answers in the order of the items."""

    results: list[BatchItem]


IDEMPOTENCY_HEADER = query(
    "Idempotency-Key", "Any text up to 200 characters; the same key, the same answer for 24 hours."
)
IDEMPOTENCY_HEADER.location = "header"


class Cases(Endpoint):
    scopes = {"POST": Scope.CASES_WRITE, "GET": Scope.CASES_READ}

    @documented(
        operation_id="submit_case",
        request=CaseIn,
        responses={201: CaseOut, 200: CaseOut},
        parameters=(IDEMPOTENCY_HEADER,),
        tags=("Cases",),
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit one case; the answer carries the decision or the review ticket.

        Mode `inline` waits up to `wait_seconds` for a person; the header `Inline-Wait` then says `decided`, `timed-out`
        or `busy` (all places for waiting are taken), and the last two come with the ticket.
        """
        actor = submitter(request)
        raw = self.raw_body(request)
        body = parse_json(raw, CaseIn, max_bytes=settings.HITL_MAX_CASE_BYTES)
        claim = claim_of(request, actor, raw)
        answer = intake.submit_case(actor=actor, submission=intake.Submission(body, raw), claim=claim)
        if answer.waits_for is None:
            return as_response(answer)
        waited = wait_for_decision(answer.waits_for, body.wait_seconds)
        if waited is Waited.DECIDED:
            answer = _answer_now(actor, answer.waits_for, claim)
        response = as_response(answer)
        response["Inline-Wait"] = waited.value
        return response

    @documented(
        operation_id="list_cases",
        responses={200: CaseList},
        parameters=(
            query("status", "decided, provisional, pending, in_review, awaiting_adjudication, cancelled or shadow"),
            query("task_type", "A task type's slug"),
            query("external_id", "Exact match"),
            query("subject", "Exact match"),
            query("created_after", "RFC 3339 time", datetime),
            query("created_before", "RFC 3339 time", datetime),
            query("limit", "1–200, default 50", int),
            query("cursor", "The `next` of the page before"),
        ),
        tags=("Cases",),
    )
    def get(self, request: Request) -> Response:
        """The cases you may see, newest first, without their routing trace. Sealed ones have no status to filter by."""
        actor = actor_of(request)
        asked = self.check_query(
            request,
            *("status", "task_type", "external_id", "subject", "created_after", "created_before", "limit", "cursor"),
        )
        desk = desk_of(actor)
        rows = _filtered(visible_cases(actor, desk).select_related("task_type", "queue"), asked)
        if asked.get("status"):
            rows = unsealed_cases(rows, actor, desk)
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        sealed = sealed_ids(actor, page.rows, desk)
        contents = CaseContent.objects.in_bulk(sealed) if sealed else {}
        outs = case_outs(page.rows, with_trace=False)
        results = [
            sealed_case_out(case, contents[case.pk], case.task_type) if case.pk in sealed else out
            for case, out in zip(page.rows, outs, strict=True)
        ]
        return Response(CaseList(results, page.next))


class CaseBatch(Endpoint):
    scopes = {"POST": Scope.CASES_WRITE}

    @documented(
        operation_id="submit_batch",
        request=BatchDoc,
        responses={207: BatchOut},
        parameters=(IDEMPOTENCY_HEADER,),
        tags=("Cases",),
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit up to 500 cases; one bad item never rejects the others."""
        actor = submitter(request)
        raw = self.raw_body(request)
        body = parse_json(raw, BatchIn, max_bytes=settings.HITL_MAX_BATCH_BYTES)
        if len(body.cases) > MAX_BATCH:
            raise TooLarge(f"A batch holds at most {MAX_BATCH} cases; this one has {len(body.cases)}.")
        claim = claim_of(request, actor, raw)
        with idempotency.batch_in_flight(claim):
            if claim and (first := idempotency.batch_answer(claim)):
                return as_response(first)
            results = batch.submit_batch(actor=actor, items=[_item(bytes(item)) for item in body.cases])
            answer = b'{"results":[' + b",".join(_result(status, answer) for status, answer in results) + b"]}"
            if claim:
                idempotency.remember_batch(actor=actor, claim=claim, body=answer)
        return HttpResponse(answer, status=207, content_type="application/json")


def _unless_sealed(actor: Actor, case_id: uuid.UUID, answer: Callable[[Case], object]) -> Response:
    """What `answer` says of the case; its sealed form for whoever may yet judge it. Raises NotFound."""
    desk = desk_of(actor)
    case = case_for_actor(actor, case_id, desk)
    if sealed_ids(actor, [case], desk):
        return Response(sealed_case_out(case, case.content, case.task_type))
    return Response(answer(case))


class CaseDetail(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(operation_id="get_case", responses={200: (CaseOut, ReviewCaseOut)}, tags=("Cases",))
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """One case: decision, routing with its trace, open review. Sealed for whoever may yet judge it."""
        return _unless_sealed(actor_of(request), case_id, lambda case: case_outs([case], with_trace=True)[0])


class CaseTrace(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(operation_id="get_case_trace", responses={200: (TraceOut, ReviewCaseOut)}, tags=("Cases",))
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """The whole path: prediction → routing → judgements → decisions → deliveries → outcomes, with every event."""
        actor = actor_of(request)

        def trace(case: Case) -> TraceOut:
            if kept_apart(actor, case):  # its panel still sits, and this person may have a seat
                raise NotFound()
            return trace_of(actor, case)

        return _unless_sealed(actor, case_id, trace)


class ProposalList(msgspec.Struct, frozen=True):
    """The chain of proposals, oldest first, the case asked about last."""

    results: list[ProposalOut]


class CaseProposals(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(operation_id="get_case_proposals", responses={200: (ProposalList, ReviewCaseOut)}, tags=("Cases",))
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """The proposed action, its approval or rejection with the feedback, and the proposals it resubmits."""
        return _unless_sealed(actor_of(request), case_id, lambda case: ProposalList(proposal_chain(case.pk)))


class CaseCancel(Endpoint):
    scopes = {"POST": Scope.CASES_WRITE}

    @documented(operation_id="cancel_case", request=CancelIn, responses={200: CaseOut}, tags=("Cases",))
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Withdraw an undecided case; open reviews end."""
        actor = submitter(request)
        case = case_for_actor(actor, case_id)
        body = self.body(request, CancelIn)
        cancelled = cancel_case(actor=actor, case_id=case.pk, reason=body.reason)
        return Response(case_outs([cancelled], with_trace=True)[0])


def submitter(request: Request) -> Actor:
    """A client, or a person whose role may submit."""
    actor = actor_of(request)
    if actor.user_id is not None:
        actor.require(Permission.SUBMIT_CASES)
    return actor


def claim_of(request: Request, actor: Actor, raw: bytes) -> idempotency.IdempotencyClaim | None:
    """The request's Idempotency-Key; equal parsed JSON on the same path counts as the same content."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        detail = "Give 1 to 200 printable characters."
        raise InvalidInput(errors=[FieldProblem("!Idempotency-Key", detail, "out_of_range")])
    assert actor.id is not None
    digest = hashlib.sha256(request.path.encode() + content_hash(raw)).digest()
    return idempotency.IdempotencyClaim(actor.workspace_id, actor.id, key, digest)


def as_response(answer: idempotency.Answer) -> HttpResponse:
    """The stored bytes as they are."""
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _answer_now(actor: Actor, case_id: uuid.UUID, claim: idempotency.IdempotencyClaim | None) -> idempotency.Answer:
    """The case as it is after waiting, which is then also the first answer to the key."""
    body = msgspec.json.encode(case_outs([case_for_actor(actor, case_id)], with_trace=True)[0])
    if claim:
        idempotency.remember_instead(claim, body)
    return idempotency.Answer(201, body)


def _item(raw: bytes) -> intake.Submission | DomainError:
    try:
        return intake.Submission(parse_json(raw, CaseIn, max_bytes=settings.HITL_MAX_CASE_BYTES), raw)
    except DomainError as error:
        return error


def _result(status: int, answer: bytes | DomainError) -> bytes:
    if isinstance(answer, DomainError):
        return b'{"status":%d,"problem":%s}' % (status, problem_body(answer))
    return b'{"status":%d,"case":%s}' % (status, answer)


def _filtered(rows: Any, asked: dict[str, str]) -> Any:
    if status := asked.get("status"):
        if status not in Case.Status.values:
            detail = f"One of {', '.join(Case.Status.values)}."
            raise InvalidInput(errors=[FieldProblem("?status", detail, "invalid_value")])
        rows = rows.filter(status=status)
    if slug := asked.get("task_type"):
        rows = rows.filter(task_type__slug=slug)
    for name in ("external_id", "subject"):
        if name in asked:
            rows = rows.filter(**{name: asked[name]})
    for name, lookup in (("created_after", "created_at__gt"), ("created_before", "created_at__lt")):
        if name in asked:
            rows = rows.filter(**{lookup: read_time(name, asked[name])})
    return rows
