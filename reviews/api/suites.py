"""REST of policy test suites: the versions of a task type, one with its examples, and the next."""

import msgspec
from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from reviews.actions.suites import write_suite
from reviews.models import SuiteVersion
from reviews.suites import ExampleIn, SuiteIn, suite_for, visible_suites
from routing.access import require_configure, require_read_policies, task_type_for

TAG = ("Guidelines",)


class SuiteOut(msgspec.Struct, frozen=True):
    """A version of a test suite; `size` examples."""

    id: str
    task_type: str
    number: int
    note: str
    size: int
    created_at: str | None


class SuiteWholeOut(SuiteOut, frozen=True):
    """With its examples."""

    examples: list[ExampleIn]


class SuiteList(msgspec.Struct, frozen=True):
    results: list[SuiteOut]
    next: str | None


class SuitesOfType(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ, "POST": Scope.POLICIES_WRITE}

    @documented(
        operation_id="list_suites",
        responses={200: SuiteList},
        parameters=(query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before.")),
        tags=TAG,
    )
    def get(self, request: Request, slug: str) -> Response:
        """The versions of a task type's policy test suite, newest first, without their examples."""
        asked = self.check_query(request, "limit", "cursor")
        actor = actor_of(request)
        require_read_policies(actor)
        rows = visible_suites(actor).filter(task_type=task_type_for(actor, slug))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(SuiteList([suite_out(row) for row in page.rows], page.next))

    @documented(operation_id="write_suite", request=SuiteIn, responses={201: SuiteOut}, tags=TAG)
    def post(self, request: Request, slug: str) -> Response:
        """Write the next version; the newest one's examples again give that one."""
        self.check_query(request)
        actor = actor_of(request)
        require_configure(actor)
        kind = task_type_for(actor, slug)
        body = self.body(request, SuiteIn, max_bytes=settings.HITL_MAX_BATCH_BYTES)
        return Response(
            suite_out(write_suite(actor=actor, task_type=kind, examples=body.examples, note=body.note)), status=201
        )


class SuiteDetail(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_suite", responses={200: SuiteWholeOut}, tags=TAG)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """One version with its examples."""
        self.check_query(request)
        actor = actor_of(request)
        require_read_policies(actor)
        row = suite_for(actor, task_type_for(actor, slug), number)
        plain = msgspec.to_builtins(suite_out(row))
        return Response(plain | {"examples": row.examples})


def suite_out(row: SuiteVersion) -> SuiteOut:
    """The public form of a version, with its task type loaded."""
    return SuiteOut(str(row.pk), row.task_type.slug, row.number, row.note, row.size, rfc3339(row.created_at))
