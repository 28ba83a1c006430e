"""REST for supervisors: panels whose people disagree, and ending a conflict that came back."""

import uuid
from typing import Annotated

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from reviews.access import conflicts_for_actor, desk_of, kept_apart_ids
from reviews.actions.panels import settle_panel
from reviews.models import Case
from reviews.panel_payloads import PanelOut, panel_out
from reviews.payloads import CaseOut, case_outs

TAG = ("Reviewing",)


class PanelList(msgspec.Struct, frozen=True):
    results: list[PanelOut]
    next: str | None = None


class SettleIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class Panels(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(
        operation_id="list_panels_in_conflict",
        responses={200: PanelList},
        parameters=(
            query("limit", "1–200, default 50", int),
            query("cursor", "The `next` of the page before"),
        ),
        tags=TAG,
    )
    def get(self, request: Request) -> Response:
        """Panels that disagree and wait for an adjudicator (`adjudication`) or for a supervisor (`returned`)."""
        actor = actor_of(request)
        asked = self.check_query(request, "limit", "cursor")
        desk = desk_of(actor)
        rows = conflicts_for_actor(actor, desk)
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        apart = kept_apart_ids(actor, [p.case_id for p in page.rows], desk)
        found = [panel_out(p, apart=p.case_id in apart) for p in page.rows]
        return Response(PanelList(found, page.next))


class PanelSettle(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="settle_panel", request=SettleIn, responses={200: CaseOut}, tags=TAG)
    def post(self, request: Request, panel_id: uuid.UUID) -> Response:
        """End a conflict that came back to the supervisors; answers with the case."""
        actor = actor_of(request)
        body = self.body(request, SettleIn)
        made = settle_panel(actor=actor, panel_id=panel_id, label=body.label, reason=body.reason)
        case = Case.objects.select_related("task_type", "queue").get(pk=made.case_id)
        return Response(case_outs([case], with_trace=True)[0])
