"""REST: several reviews of one kind judged at once, with a result each."""

import uuid
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.rest import problem_body
from hitl.core.schema import documented
from reviews.actions.bulk import BulkJudgement, judge_in_bulk
from reviews.payloads import CaseOut


class BulkIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`count` confirms how many; `undo_seconds` 0–60 as for one judgement."""

    queue: str
    task_type: str
    label: str
    reviews: list[uuid.UUID]
    count: int
    reasoning: Annotated[str, Meta(max_length=20_000)] = ""
    undo_seconds: Annotated[int, Meta(ge=0, le=60)] = 0


class BulkResult(msgspec.Struct, frozen=True, omit_defaults=True):
    review: str
    status: int
    case: CaseOut | None = None
    problem: dict[str, Any] | None = None


class BulkOut(msgspec.Struct, frozen=True):
    results: list[BulkResult]


class BulkJudgements(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="judge_in_bulk", request=BulkIn, responses={207: BulkOut}, tags=("Reviewing",))
    def post(self, request: Request) -> Response:
        """Judge up to 25 reviews of one queue, task type and label; each by itself, with a result each."""
        body = self.body(request, BulkIn)
        asked = BulkJudgement(body.queue, body.task_type, body.label, body.reasoning, body.reviews, body.count)
        items = judge_in_bulk(actor=actor_of(request), asked=asked, hold=timedelta(seconds=body.undo_seconds))
        results = [
            BulkResult(str(item.review_id), 200, item.case)
            if item.error is None
            else BulkResult(str(item.review_id), item.error.status, None, msgspec.json.decode(problem_body(item.error)))
            for item in items
        ]
        return Response(BulkOut(results), status=207)
