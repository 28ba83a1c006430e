"""REST: task types and calibrations."""

from typing import ClassVar

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import task_type_for, visible_calibrations, visible_task_types
from routing.actions.configure import create_task_type
from routing.api.structs import TaskTypeIn
from routing.models import TaskType
from routing.payloads import CalibrationList, TaskTypeList, TaskTypeOut, calibration_out, task_type_out

PAGE = (query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before."))


class TaskTypes(Endpoint):
    # Reading needs no scope: partners must know labels and schema; rows are narrowed in access.
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": None, "POST": Scope.POLICIES_WRITE}

    @documented(operation_id="list_task_types", responses={200: TaskTypeList}, parameters=PAGE, tags=("Configuration",))
    def get(self, request: Request) -> Response:
        """The task types you may see, newest first."""
        asked = self.check_query(request, "limit", "cursor")
        rows = visible_task_types(actor_of(request))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(TaskTypeList([task_type_out(row) for row in page.rows], page.next))

    @documented(
        operation_id="create_task_type",
        request=TaskTypeIn,
        responses={201: TaskTypeOut},
        tags=("Configuration",),
    )
    def post(self, request: Request) -> Response:
        """Create a task type and a policy of the same name, without a version: people decide until one is active."""
        self.check_query(request)
        actor = actor_of(request)
        values = msgspec.to_builtins(self.body(request, TaskTypeIn))
        task_type = create_task_type(actor=actor, task_type=TaskType(workspace_id=actor.workspace_id, **values))
        return Response(task_type_out(task_type), status=201)


class TaskTypeDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": None}

    @documented(operation_id="get_task_type", responses={200: TaskTypeOut}, tags=("Configuration",))
    def get(self, request: Request, slug: str) -> Response:
        """One task type: its labels, input schema, stakes and presentation."""
        self.check_query(request)
        return Response(task_type_out(task_type_for(actor_of(request), slug)))


class Calibrations(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_calibrations",
        responses={200: CalibrationList},
        parameters=(query("task_type", "Slug."), query("model_version", "As named in predictions."), *PAGE),
        tags=("Learning",),
    )
    def get(self, request: Request) -> Response:
        """Fitted calibrations, newest first."""
        asked = self.check_query(request, "task_type", "model_version", "limit", "cursor")
        rows = visible_calibrations(actor_of(request))
        if "task_type" in asked:
            rows = rows.filter(task_type__slug=asked["task_type"])
        if "model_version" in asked:
            rows = rows.filter(model_version=asked["model_version"])
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(CalibrationList([calibration_out(row) for row in page.rows], page.next))
