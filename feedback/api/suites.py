"""REST: policy test suites run on models and policy."""

import uuid
from typing import ClassVar, get_args

from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import suite_run_for_actor, visible_suite_runs
from feedback.actions.suite_runs import request_suite_run
from feedback.structs import SuiteRunIn
from feedback.suite_payloads import Only, SuiteResultList, SuiteRunList, SuiteRunOut, results_of, suite_run_out
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, page_of_list, read_limit
from hitl.core.permissions import Permission, Scope
from hitl.core.schema import documented, query
from routing.access import require_configure, require_read_policies, task_type_for

_TAGS = ("Guidelines",)
_PAGED = (query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before."))
_ONLY = ", ".join(f"`{name}`" for name in get_args(Only))


class SuiteRuns(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ, "POST": Scope.POLICIES_WRITE}

    @documented(operation_id="list_suite_runs", responses={200: SuiteRunList}, parameters=_PAGED, tags=_TAGS)
    def get(self, request: Request, slug: str) -> Response:
        """The runs of a task type's test suite, newest first."""
        asked = self.check_query(request, "limit", "cursor")
        actor = actor_of(request)
        require_read_policies(actor)
        rows = visible_suite_runs(actor).filter(task_type=task_type_for(actor, slug))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(SuiteRunList([suite_run_out(row) for row in page.rows], page.next))

    @documented(operation_id="run_suite", request=SuiteRunIn, responses={202: SuiteRunOut}, tags=_TAGS)
    def post(self, request: Request, slug: str) -> Response:
        """Run the newest suite; a worker takes it. Ask `GET /suite-runs/{id}` until `status` is `done`."""
        self.check_query(request)
        actor = actor_of(request)
        require_configure(actor, Permission.WRITE_POLICIES)
        kind = task_type_for(actor, slug)
        body = self.body(request, SuiteRunIn)
        return Response(
            suite_run_out(request_suite_run(actor=actor, task_type=kind, number=body.policy_version)), status=202
        )


class SuiteRunDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_suite_run", responses={200: SuiteRunOut}, tags=_TAGS)
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """How far a run is and, once it is done, what it says in sum."""
        self.check_query(request)
        return Response(suite_run_out(suite_run_for_actor(actor_of(request), run_id)))


class SuiteRunResults(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_suite_results",
        responses={200: SuiteResultList},
        parameters=(query("only", f"One of {_ONLY}."), *_PAGED),
        tags=_TAGS,
    )
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """Example by example, newly failing ones first, then failing, then passing; empty until the run is done."""
        asked = self.check_query(request, "only", "limit", "cursor")
        only = asked.get("only")
        if only is not None and only not in get_args(Only):
            raise InvalidInput(errors=[FieldProblem("?only", f"Give one of {_ONLY}.", "invalid_value")])
        rows = results_of(suite_run_for_actor(actor_of(request), run_id), only)  # type: ignore[arg-type]
        return Response(
            SuiteResultList(*page_of_list(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor")))
        )
