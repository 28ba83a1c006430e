"""REST: experiments and what they say."""

import uuid

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import experiment_for_actor, visible_experiments
from feedback.experiment_report import ExperimentReport, report_of
from feedback.models import Experiment
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query

_TAGS = ("Policies",)


class ExperimentOut(msgspec.Struct, frozen=True):
    """`first` is tried, `second` is what it is compared with: policy versions' numbers, model versions, or name=value.

    `report` null in lists.
    """

    id: str
    title: str
    task_type: str
    kind: str
    over: str
    first: str
    second: str
    measure: str
    block_hours: int | None
    washout_hours: int
    status: str
    starts_at: str | None
    ends_at: str | None
    created_at: str | None
    report: ExperimentReport | None


class ExperimentList(msgspec.Struct, frozen=True):
    results: list[ExperimentOut]
    next: str | None


_LIST = (
    query("limit", "1-200, default 50.", int, required=False),
    query("cursor", "`next` of the page before.", str, required=False),
)


class Experiments(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="list_experiments", responses={200: ExperimentList}, parameters=_LIST, tags=_TAGS)
    def get(self, request: Request) -> Response:
        """Declared comparisons of policy or model versions, newest first."""
        asked = self.check_query(request, "limit", "cursor")
        rows = visible_experiments(actor_of(request))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ExperimentList([_out(row, None) for row in page.rows], page.next))


class ExperimentDetail(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_experiment", responses={200: ExperimentOut}, tags=_TAGS)
    def get(self, request: Request, experiment_id: uuid.UUID) -> Response:
        """One, with both arms, their difference with its interval, and what limits it."""
        self.check_query(request)
        found = experiment_for_actor(actor_of(request), experiment_id)
        return Response(_out(found, report_of(found)))


def _out(row: Experiment, report: ExperimentReport | None) -> ExperimentOut:
    return ExperimentOut(
        id=str(row.pk), title=row.title, task_type=row.task_type.slug, kind=row.kind, over=row.over, first=row.first,
        second=row.second, measure=row.measure, block_hours=row.block_hours, washout_hours=row.washout_hours,
        status=row.status, starts_at=rfc3339(row.starts_at), ends_at=rfc3339(row.ends_at),
        created_at=rfc3339(row.created_at), report=report,
    )  # fmt: skip
