"""REST: what labels and reviews are worth."""

from rest_framework.request import Request
from rest_framework.response import Response

from feedback.roi_payloads import RoiList
from feedback.roi_report import roi_reports
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query

_QUERY = (
    query("task_type", "The slug of one; all of them unless told."),
    query("hours", "Further hours of review a week to place; the task type's setting unless told."),
)


class Roi(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(operation_id="get_roi", responses={200: RoiList}, parameters=_QUERY, tags=("Learning",))
    def get(self, request: Request) -> Response:
        """Learning curves, accuracy and cost by the share reviewed, cost per correct decision and effort by tier."""
        asked = self.check_query(request, "task_type", "hours")
        rows = roi_reports(actor_of(request), asked.get("hours", ""), asked.get("task_type", ""))
        return Response(RoiList([out for _, out in rows]))
