"""REST: what has moved since before."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.drift_page import reports_for_actor
from feedback.models import DriftReport
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query


class DriftTestOut(msgspec.Struct, frozen=True):
    """One test. `detector`: `confidence`, `labels` (effect: population stability index), `routing` (share automated,
    recent less reference), `calibration` (mean residual, recent less reference), `divergence` (share in which people
    overrule the machine), `bunching` (factor by which the density of confidences jumps at the threshold).

    `window`: `time` (7 days against the 28 before) or `count` (500 cases against the 5,000 before). `about`: the
    segment, or `outcomes` where calibration was held against outcomes. `adjusted`: the p-value after Holm's correction.
    `effect`, its 95 % interval and p null with the `reason` where nothing can be said.
    """

    detector: str
    window: str
    about: str
    n_reference: int
    n_recent: int
    effect: float | None
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None
    significant: bool
    reason: str


class DriftReportOut(msgspec.Struct, frozen=True):
    """One look. `causes`, the most telling first: `probing`, `new_model`, `new_policy`, `inputs_moved`,
    `training_skewed`, `calibration_stale`, `reviewers_changed`."""

    id: str
    task_type: str
    created_at: str | None
    alpha: float
    significant: bool
    causes: list[str]
    tests: list[DriftTestOut]


class DriftReportList(msgspec.Struct, frozen=True):
    results: list[DriftReportOut]
    next: str | None


class Drift(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(
        operation_id="list_drift_reports",
        responses={200: DriftReportList},
        parameters=(
            query("task_type", "The slug of one task type", required=False),
            query("significant", "`true`: only those in which something moved", required=False),
            query("limit", "1–200, default 50", int, required=False),
            query("cursor", "The `next` of the page before", required=False),
        ),
        tags=("Learning",),
    )
    def get(self, request: Request) -> Response:
        """Reports of drift, newest first."""
        asked = self.check_query(request, "task_type", "significant", "limit", "cursor")
        rows = reports_for_actor(actor_of(request))
        if asked.get("task_type"):
            rows = rows.filter(task_type__slug=asked["task_type"])
        if asked.get("significant", "") not in ("", "true", "false"):
            raise InvalidInput(errors=[FieldProblem("?significant", "Say true or false.", "unknown_value")])
        if asked.get("significant") == "true":
            rows = rows.filter(significant=True)
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(DriftReportList([_out(row) for row in page.rows], page.next))


def _out(row: DriftReport) -> DriftReportOut:
    return DriftReportOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        created_at=rfc3339(row.created_at),
        alpha=row.alpha,
        significant=row.significant,
        causes=list(row.causes),
        tests=[DriftTestOut(**found) for found in row.findings],
    )
