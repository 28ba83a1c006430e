"""REST: models of when people overrule the machine."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import visible_disagreement_models
from routing.api.task_types import PAGE
from routing.disagreement_payloads import DisagreementModelList, disagreement_out
from routing.selectors import pinned_disagreement_models


class DisagreementModels(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_disagreement_models",
        responses={200: DisagreementModelList},
        parameters=(query("task_type", "Slug."), *PAGE),
        tags=("Learning",),
    )
    def get(self, request: Request) -> Response:
        """Models of when people overrule the machine, newest first, each with its figures and where it happens."""
        asked = self.check_query(request, "task_type", "limit", "cursor")
        rows = visible_disagreement_models(actor_of(request)).defer("trees")
        if "task_type" in asked:
            rows = rows.filter(task_type__slug=asked["task_type"])
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        pinned = pinned_disagreement_models([row.task_type_id for row in page.rows])
        found = [disagreement_out(row, pinned.get(row.task_type_id)) for row in page.rows]
        return Response(DisagreementModelList(found, page.next))
