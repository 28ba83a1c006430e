"""REST: the model versions partners named, and which of them may act."""

import uuid
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import model_version_for, visible_model_versions
from routing.actions.models import move_model_version
from routing.api.structs import ModelMoveIn
from routing.api.task_types import PAGE
from routing.payloads import ModelVersionList, ModelVersionOut, model_version_out

_TAGS = ("Policies",)


class ModelVersions(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_model_versions",
        responses={200: ModelVersionList},
        parameters=(*PAGE, query("task_type", "Its slug.")),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Model versions, newest first, each with what its answers count for."""
        asked = self.check_query(request, "limit", "cursor", "task_type")
        rows = visible_model_versions(actor_of(request))
        if "task_type" in asked:
            rows = rows.filter(task_type__slug=asked["task_type"])
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ModelVersionList([model_version_out(row) for row in page.rows], page.next))


class ModelVersionStatus(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"POST": Scope.POLICIES_WRITE}

    @documented(operation_id="move_model_version", request=ModelMoveIn, responses={200: ModelVersionOut}, tags=_TAGS)
    def post(self, request: Request, model_id: uuid.UUID) -> Response:
        """Accept, hold in shadow or withdraw, from the next case on; 409 where it is so already."""
        self.check_query(request)
        actor = actor_of(request)
        asked = self.body(request, ModelMoveIn)
        model = model_version_for(actor, model_id)
        moved = move_model_version(actor=actor, model=model, status=asked.status, reason=asked.reason)
        return Response(model_version_out(moved))
