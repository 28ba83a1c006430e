"""REST: alerts, and saying that somebody looks after one."""

import uuid

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Permission, Scope
from hitl.core.schema import documented, query
from reviews.actions.alerts import acknowledge_alert
from reviews.alerts import AlertOut, alert_out, alerts_for_actor, in_state
from reviews.models import Alert


class AlertList(msgspec.Struct, frozen=True):
    results: list[AlertOut]
    next: str | None


class Alerts(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(
        operation_id="list_alerts",
        responses={200: AlertList},
        parameters=(
            query("state", "`open`, `acknowledged` or `resolved`; absent: all"),
            query("limit", "1–200, default 50", int),
            query("cursor", "The `next` of the page before"),
        ),
        tags=("Operations",),
    )
    def get(self, request: Request) -> Response:
        """What needs a supervisor's eye, newest first."""
        asked = self.check_query(request, "state", "limit", "cursor")
        state = asked.get("state", "")
        if state and state not in Alert.State.values:
            raise InvalidInput(
                errors=[FieldProblem("?state", f"Use one of: {', '.join(Alert.State.values)}.", "unknown_value")]
            )
        rows = in_state(alerts_for_actor(actor_of(request)), state).select_related("acknowledged_by")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(AlertList([alert_out(a) for a in page.rows], page.next))


class AlertAcknowledge(Endpoint):
    scopes = {"POST": None}

    @documented(operation_id="acknowledge_alert", responses={200: AlertOut}, tags=("Operations",))
    def post(self, request: Request, alert_id: uuid.UUID) -> Response:
        """Say that you look after it. Supervisors and operators; again, it changes nothing."""
        self.check_query(request)
        actor = actor_of(request)
        actor.require(Permission.ANSWER_ALERTS)
        return Response(alert_out(acknowledge_alert(actor=actor, alert_id=alert_id)))
