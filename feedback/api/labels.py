"""REST: a case's label explained, and where majority and Dawid–Skene part."""

import uuid
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from feedback.crowd_report import CrowdReportOut, crowd_report
from feedback.label_explained import LabelExplainedOut, case_with_label, label_explained
from feedback.selectors import task_types_for_actor
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented

_TAGS = ("Learning",)
_READ: dict[str, Scope | None] = {"GET": Scope.EXPORTS_READ}


class CaseLabel(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="get_case_label", responses={200: LabelExplainedOut}, tags=_TAGS)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """The label to learn from: every factor of its weight, its evidence with versions, and how it changed."""
        self.check_query(request)
        return Response(label_explained(case_with_label(actor_of(request), case_id)))


class LabelComparison(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="compare_label_aggregation", responses={200: CrowdReportOut}, tags=_TAGS)
    def get(self, request: Request) -> Response:
        """Majority beside Dawid–Skene by task type, where two or more people judged the same cases."""
        self.check_query(request)
        actor = actor_of(request)
        return Response(crowd_report(actor, list(task_types_for_actor(actor))))
