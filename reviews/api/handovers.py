"""REST: hand a review on instead of judging it, and a supervisor's assignments."""

import uuid

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import NotFound
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Permission, Scope
from hitl.core.schema import documented, query
from reviews.access import claim_for_actor, desk_of, sealed_ids
from reviews.actions import assignment, handovers
from reviews.handed import HandoverOut, handover_out, handovers_with
from reviews.models import Claim, ReviewTask
from reviews.payloads import ClaimEnvelope, claim_out
from reviews.people import qualified
from reviews.structs import AnswerIn, AssignIn, ConflictIn, ReturnIn, SnoozeIn, TransferIn, UnassignIn
from reviews.visibility import arm_of_claim

TAG = ("Reviewing",)


class ColleagueOut(msgspec.Struct, frozen=True):
    username: str
    name: str


class ColleagueList(msgspec.Struct, frozen=True):
    results: list[ColleagueOut]
    next: str | None = None


class HandoverList(msgspec.Struct, frozen=True):
    results: list[HandoverOut]
    next: str | None


class AssignmentOut(msgspec.Struct, frozen=True):
    review: str
    status: str
    assigned_to: str | None
    due_at: str


def _over(claim: Claim) -> Response:
    """The claim as it now stands: closed."""
    fresh = Claim.objects.select_related("review__queue__tier").get(pk=claim.pk)
    review, sealed = fresh.review, arm_of_claim(fresh).sealed
    return Response(ClaimEnvelope(claim_out(fresh, review, review.queue, None, judge_first=sealed)))


class ClaimSnooze(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="snooze_claim", request=SnoozeIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Put the review off until a time; it comes back by itself then, or when it is due. The clock runs on."""
        body = self.body(request, SnoozeIn)
        claim = handovers.snooze_claim(
            actor=actor_of(request),
            claim_id=claim_id,
            token=body.token,
            until=body.until,
            reason=body.reason,
            to_me=body.to_me,
        )
        return _over(claim)


class ClaimTransfer(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="transfer_claim", request=TransferIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Hand the review to a colleague, who is offered it first, or to another queue."""
        body = self.body(request, TransferIn)
        claim = handovers.transfer_claim(
            actor=actor_of(request),
            claim_id=claim_id,
            token=body.token,
            to=body.to or "",
            queue=body.queue or "",
            note=body.note,
        )
        return _over(claim)


class ClaimReturn(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="return_claim", request=ReturnIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Hand the review back to whom and where it came from; a question that came with it is thereby answered."""
        body = self.body(request, ReturnIn)
        return _over(
            handovers.return_claim(actor=actor_of(request), claim_id=claim_id, token=body.token, reason=body.reason)
        )


class ClaimConflict(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="declare_conflict", request=ConflictIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """You are too close to the subject: others judge it, and you are not offered it again."""
        body = self.body(request, ConflictIn)
        return _over(
            handovers.declare_conflict(
                actor=actor_of(request),
                claim_id=claim_id,
                token=body.token,
                note=body.note,
                remember=body.remember,
            )
        )


class ClaimAnswer(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="answer_question", request=AnswerIn, responses={200: HandoverOut}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Answer the question with which the review was escalated; you go on holding it."""
        body = self.body(request, AnswerIn)
        actor = actor_of(request)
        asked = handovers.answer_question(actor=actor, claim_id=claim_id, token=body.token, answer=body.answer)
        return Response(handover_out(asked, sealed=False))


class ClaimColleagues(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(operation_id="list_colleagues", responses={200: ColleagueList}, tags=TAG)
    def get(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Who may be handed the review you hold: qualified for its queue and not excluded from its case."""
        self.check_query(request)
        claim = claim_for_actor(actor_of(request), claim_id)
        found = [p for p in qualified(claim.review, claim.review.queue) if p.id != claim.user_id]
        return Response(ColleagueList([ColleagueOut(p.username, p.name) for p in found]))


class Handovers(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(
        operation_id="list_handovers",
        responses={200: HandoverList},
        parameters=(
            query("limit", "1–200, default 50", int),
            query("cursor", "The `next` of the page before"),
        ),
        tags=TAG,
    )
    def get(self, request: Request) -> Response:
        """What you handed on or were handed, newest first, with the answers to your questions."""
        actor = actor_of(request)
        asked = self.check_query(request, "limit", "cursor")
        rows = handovers_with(actor.workspace_id, actor.person_id).select_related("review__case")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        sealed = sealed_ids(actor, [row.review.case for row in page.rows], desk_of(actor))
        results = [handover_out(row, sealed=row.review.case_id in sealed) for row in page.rows]
        return Response(HandoverList(results, page.next))


class Assignment(Endpoint):
    scopes = {"PUT": Scope.REVIEWS_WRITE, "DELETE": Scope.REVIEWS_WRITE}

    @documented(operation_id="assign_review", request=AssignIn, responses={200: AssignmentOut}, tags=TAG)
    def put(self, request: Request, review_id: uuid.UUID) -> Response:
        """Keep a review for one person, who is served it before anything else. Supervisors only."""
        actor, body = actor_of(request), self.body(request, AssignIn)
        review = assignment.assign_review(
            actor=actor, review_id=review_id, to=body.to, note=body.note, instead_of=body.instead_of
        )
        return Response(_assignment(review))

    @documented(operation_id="unassign_review", request=UnassignIn, responses={200: AssignmentOut}, tags=TAG)
    def delete(self, request: Request, review_id: uuid.UUID) -> Response:
        """Open it to everybody again. Supervisors only."""
        actor = actor_of(request)
        reason = self.body(request, UnassignIn).reason if request._request.body else ""
        return Response(_assignment(assignment.unassign_review(actor=actor, review_id=review_id, reason=reason)))


class ReviewColleagues(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(operation_id="list_assignable", responses={200: ColleagueList}, tags=TAG)
    def get(self, request: Request, review_id: uuid.UUID) -> Response:
        """Whom a supervisor may assign the review to."""
        self.check_query(request)
        actor = actor_of(request)
        actor.require(Permission.ASSIGN_REVIEWS)
        rows = ReviewTask.objects.filter(pk=review_id, workspace_id=actor.workspace_id)
        review = rows.select_related("case", "queue__tier").first()
        if review is None or not actor.sees_task_type(review.case.task_type_id):
            raise NotFound()
        return Response(ColleagueList([ColleagueOut(p.username, p.name) for p in qualified(review, review.queue)]))


def _assignment(review: ReviewTask) -> AssignmentOut:
    to = review.assigned_to.username if review.assigned_to else None
    return AssignmentOut(str(review.pk), review.status, to, review.due_at.isoformat().replace("+00:00", "Z"))
