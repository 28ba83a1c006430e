"""REST: import labelled history."""

import uuid
from typing import ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import import_for_actor, visible_imports
from feedback.actions.imports import request_import
from feedback.import_payloads import ImportList, ImportOut, import_out
from feedback.structs import ImportIn
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query

_TAGS = ("Learning",)


class Imports(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.CASES_WRITE, "POST": Scope.CASES_WRITE}

    @documented(
        operation_id="list_imports",
        responses={200: ImportList},
        parameters=(query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before.")),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Imports, newest first, without their errors."""
        asked = self.check_query(request, "limit", "cursor")
        rows = visible_imports(actor_of(request)).defer("body", "errors")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ImportList([import_out(row, with_errors=False) for row in page.rows], page.next))

    @documented(operation_id="import_history", request=ImportIn, responses={202: ImportOut}, tags=_TAGS)
    def post(self, request: Request) -> Response:
        """Let a worker check a file (`dry_run`, the default) or bring it in; ask `GET /imports/{id}` until `done`."""
        self.check_query(request)
        wanted = self.body(request, ImportIn, max_bytes=settings.HITL_MAX_BATCH_BYTES)
        return Response(import_out(request_import(actor=actor_of(request), wanted=wanted)), status=202)


class ImportDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.CASES_WRITE}

    @documented(operation_id="get_import", responses={200: ImportOut}, tags=_TAGS)
    def get(self, request: Request, import_id: uuid.UUID) -> Response:
        """How far an import is, and which rows were refused."""
        self.check_query(request)
        return Response(import_out(import_for_actor(actor_of(request), import_id)))
