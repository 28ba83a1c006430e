"""REST: what the layers of cascades and the adapters did."""

from datetime import timedelta
from typing import ClassVar

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.clock import now
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from reviews.cascade_report import asks_waiting, layer_reports
from routing.access import require_read_policies, task_type_for

MAX_DAYS = 90


class LayerReportOut(msgspec.Struct, frozen=True):
    """Outcomes of one layer or adapter; `mean_cost` null where none is known; `p95_ms` of the call that answered."""

    task_type: str
    layer: str
    kind: str
    runs: int
    passed: int
    failed: int
    errors: int
    mean_cost: float | None
    total_cost: float
    p95_ms: float
    attempts: float


class CascadeReport(msgspec.Struct, frozen=True):
    """`waiting`: cases that wait for a model right now."""

    days: int
    waiting: int
    results: list[LayerReportOut]


class Report(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="get_cascade_report",
        responses={200: CascadeReport},
        parameters=(query("days", f"1–{MAX_DAYS}, default 7", int), query("task_type", "Slug.")),
        tags=("Learning",),
    )
    def get(self, request: Request) -> Response:
        """Per layer and adapter: pass, fail, error, cost and 95th percentile of the time, over the last days."""
        actor = actor_of(request)
        require_read_policies(actor)
        asked = self.check_query(request, "days", "task_type")
        days = read_days(asked.get("days"))
        kinds = None if actor.task_type_ids is None else list(actor.task_type_ids)
        if "task_type" in asked:
            kinds = [task_type_for(actor, asked["task_type"]).pk]
        found = layer_reports(actor.workspace_id, now() - timedelta(days=days), kinds)
        rows = [msgspec.convert(row, LayerReportOut, from_attributes=True) for row in found]
        return Response(CascadeReport(days, asks_waiting(actor.workspace_id), rows))


def read_days(raw: str | None) -> int:
    """1 to 90, 7 where not given. Raises InvalidInput."""
    if raw is None:
        return 7
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw[:4]) <= MAX_DAYS:
        detail = f"Give a whole number from 1 to {MAX_DAYS}."
        raise InvalidInput(errors=[FieldProblem("?days", detail, "out_of_range")])
    return int(raw)
