"""REST: what automation changed between two versions of a policy."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from routing.access import policy_for
from routing.adjustment_payloads import AdjustmentList, adjustment_out, look_out
from routing.api.task_types import PAGE
from routing.models import Adjustment, AdjustmentLook


class PolicyAdjustments(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_policy_adjustments",
        responses={200: AdjustmentList},
        parameters=PAGE,
        tags=("Policies",),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Automatic changes of one policy's audit rate and thresholds, newest first, and what the last look found."""
        asked = self.check_query(request, "limit", "cursor")
        policy = policy_for(actor_of(request), slug)
        rows = Adjustment.objects.filter(policy=policy).select_related("policy_version")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        look = AdjustmentLook.objects.filter(policy=policy).first()
        return Response(
            AdjustmentList([adjustment_out(row) for row in page.rows], page.next, look_out(look) if look else None)
        )
