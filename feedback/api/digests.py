"""REST: the weekly digests."""

from datetime import date
from typing import Annotated, ClassVar

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import visible_digests
from feedback.actions.digests import make_digest
from feedback.digest_payloads import DigestList, DigestOut, digest_out
from feedback.selectors import task_type_by_slug
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, Refused
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query

_PARAMETERS = (
    query("task_type", "Its slug."),
    query("limit", "1–200, default 50.", int),
    query("cursor", "`next` of the page before."),
)


class DigestIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`week`: the Monday of a whole week of the last two years."""

    task_type: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    week: date


class Digests(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ, "POST": Scope.POLICIES_WRITE}

    @documented(operation_id="list_digests", responses={200: DigestList}, parameters=_PARAMETERS, tags=("Learning",))
    def get(self, request: Request) -> Response:
        """Newest first: what people overruled, in which groups, what recurs, and the drafts proposed because of it."""
        asked = self.check_query(request, "task_type", "limit", "cursor")
        rows = visible_digests(actor_of(request))
        if "task_type" in asked:
            rows = rows.filter(task_type__slug=asked["task_type"])
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(DigestList([digest_out(row) for row in page.rows], page.next))

    @documented(operation_id="make_digest", request=DigestIn, responses={200: DigestOut}, tags=("Learning",))
    def post(self, request: Request) -> Response:
        """The digest of a past week, made now where there is none yet; only the last whole week proposes drafts."""
        self.check_query(request)
        actor = actor_of(request)
        body = self.body(request, DigestIn)
        task_type = task_type_by_slug(actor, body.task_type)
        if task_type is None:
            raise _refused("/task_type", "There is no such task type.", "unknown_task_type")
        made = make_digest(actor=actor, task_type=task_type, week=body.week)
        if made is None:
            raise _refused("/week", "Nobody judged a prediction unaided in this week.", "nothing_judged")
        return Response(digest_out(made))


def _refused(pointer: str, detail: str, code: str) -> Refused:
    return Refused(detail, code=code, errors=[FieldProblem(pointer, detail, code)])
