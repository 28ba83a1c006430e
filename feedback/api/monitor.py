"""REST: whether the error of automated decisions stays within its budget."""

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.models import ErrorMonitor
from feedback.monitors import monitors_for_actor, state_of
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query


class MonitorOut(msgspec.Struct, frozen=True):
    """One epoch of one policy version. `state`: `not_enough`, `holding`, `refuted`, `lifted`, `ended`.

    `judged` audits of cases drawn at random, `wrong` of them, `waiting` still open (they count as right); `error` is
    weighted by inverse probability, null without audits, with a confidence sequence at 1 − `delta` that holds at every
    moment at once. `e_value`: the highest evidence against the budget; from 1/`delta` on it is refuted.
    """

    id: str
    task_type: str
    policy: str
    policy_version: int
    epoch: int
    state: str
    budget: float
    delta: float
    since: str | None
    looked_at: str | None
    judged: int
    wrong: int
    waiting: int
    effective: float
    needed: int
    error: float | None
    error_low: float
    error_high: float
    e_value: float
    refuted_at: str | None
    closed_at: str | None
    lifted_by: str | None
    reason: str


class MonitorList(msgspec.Struct, frozen=True):
    results: list[MonitorOut]
    next: str | None


class Monitors(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(
        operation_id="list_error_monitors",
        responses={200: MonitorList},
        parameters=(
            query("task_type", "The slug of one task type", required=False),
            query("open", "`true`: only those that go on", required=False),
            query("limit", "1–200, default 50", int, required=False),
            query("cursor", "The `next` of the page before", required=False),
        ),
        tags=("Learning",),
    )
    def get(self, request: Request) -> Response:
        """The error of automated decisions against its budget, newest epoch first."""
        asked = self.check_query(request, "task_type", "open", "limit", "cursor")
        rows = monitors_for_actor(actor_of(request))
        if asked.get("task_type"):
            rows = rows.filter(task_type__slug=asked["task_type"])
        if asked.get("open", "") not in ("", "true", "false"):
            raise InvalidInput(errors=[FieldProblem("?open", "Say true or false.", "unknown_value")])
        if asked.get("open") == "true":
            rows = rows.filter(status__in=ErrorMonitor.OPEN)
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(MonitorList([_out(row) for row in page.rows], page.next))


def _out(row: ErrorMonitor) -> MonitorOut:
    reading: dict[str, Any] = row.reading
    last = (reading.get("points") or [{"estimate": None, "low": 0.0, "high": 1.0}])[-1]
    return MonitorOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        policy=row.policy_version.policy.slug,
        policy_version=row.policy_version.number,
        epoch=row.epoch,
        state=state_of(row),
        budget=row.budget,
        delta=row.delta,
        since=rfc3339(row.since),
        looked_at=rfc3339(row.looked_at),
        judged=reading.get("judged", 0),
        wrong=reading.get("wrong", 0),
        waiting=reading.get("waiting", 0),
        effective=reading.get("effective", 0.0),
        needed=reading.get("needed", 0),
        error=last["estimate"],
        error_low=last["low"],
        error_high=last["high"],
        e_value=reading.get("peak", 1.0),
        refuted_at=rfc3339(row.refuted_at),
        closed_at=rfc3339(row.closed_at),
        lifted_by=row.lifted_by.get_username() if row.lifted_by else None,
        reason=row.reason,
    )
