"""REST: training sets, streamed or as files, their manifests and rebuilds."""

import uuid
from dataclasses import replace
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import export_for_actor, visible_exports
from feedback.actions.export_work import kept_file, stream_export
from feedback.actions.exports import begin_stream, note_download, request_export, request_rebuild
from feedback.export_files import file_response
from feedback.export_formats import KINDS
from feedback.export_payloads import ExportList, ManifestOut, export_out, manifest_out
from feedback.structs import ExportIn
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import DomainError, FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.parsing import convert, read_time
from hitl.core.permissions import Scope
from hitl.core.rest import JsonRenderer
from hitl.core.schema import documented, query

_TAGS = ("Learning",)
_READ: dict[str, Scope | None] = {"GET": Scope.EXPORTS_READ}
_FILES = tuple(kind.content_type.partition(";")[0] for kind in KINDS.values())
_MANIFEST = OpenApiParameter(
    "X-Manifest", str, OpenApiParameter.HEADER, response=[200], description="Where the manifest is."
)


class _Files(Endpoint):
    """Answers files: whatever `Accept` says, and `format` is our own parameter."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return JsonRenderer(), JsonRenderer.media_type


class TrainingExport(_Files):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(
        operation_id="export_training_set",
        responses={},
        files=_FILES,
        parameters=(
            query("format", "jsonl (default), csv, parquet, huggingface or label-studio."),
            query("kind", "training (default) or interactions."),
            query("task_type", "Its slug; all when left out."),
            query("model_version", "Only cases this version predicted."),
            query("since", "RFC 3339; only labels made or changed from then on."),
            query("raw", "`true`: not pseudonymised; needs the permission “export raw”, and is recorded."),
            _MANIFEST,
        ),
        tags=_TAGS,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The labels as they are now, with weights, factors, versions and evidence; one row a case.

        Streamed while it is made. For more than some hundred thousand rows let a worker make it: `POST /exports`.
        """
        asked = self.check_query(request, "format", "kind", "task_type", "model_version", "since", "raw")
        try:
            export = begin_stream(actor=actor_of(request), wanted=_wanted(asked))
        except DomainError as error:
            raise _about_query(error) from None
        return file_response(export, stream_export(export))


class Exports(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.EXPORTS_READ, "POST": Scope.EXPORTS_READ}

    @documented(
        operation_id="list_exports",
        responses={200: ExportList},
        parameters=(query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before.")),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Exports, newest first."""
        asked = self.check_query(request, "limit", "cursor")
        rows = visible_exports(actor_of(request)).defer("chunks", "versions", "withheld")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(ExportList([export_out(row) for row in page.rows], page.next))

    @documented(operation_id="create_export", request=ExportIn, responses={202: ManifestOut}, tags=_TAGS)
    def post(self, request: Request) -> Response:
        """Let a worker make a file; ask `GET /exports/{id}` until `status` is `done`, then take `file`."""
        self.check_query(request)
        export = request_export(actor=actor_of(request), wanted=self.body(request, ExportIn))
        return Response(manifest_out(export), status=202)


class ExportDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="get_export", responses={200: ManifestOut}, tags=_TAGS)
    def get(self, request: Request, export_id: uuid.UUID) -> Response:
        """The manifest."""
        self.check_query(request)
        return Response(manifest_out(export_for_actor(actor_of(request), export_id)))


class ExportFile(_Files):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(
        operation_id="download_export",
        responses={},
        files=_FILES,
        parameters=(_MANIFEST,),
        tags=_TAGS,
    )
    def get(self, request: Request, export_id: uuid.UUID) -> StreamingHttpResponse:
        """The kept file; 422 `no_file` where it was streamed, is not done, or was forgotten."""
        self.check_query(request)
        actor = actor_of(request)
        export = export_for_actor(actor, export_id)
        note_download(actor=actor, export=export)
        return file_response(export, kept_file(export))


class ExportRebuild(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"POST": Scope.EXPORTS_READ}

    @documented(operation_id="rebuild_export", responses={202: ManifestOut}, tags=_TAGS)
    def post(self, request: Request, export_id: uuid.UUID) -> Response:
        """Make it again as of its own moment, and compare: `identical` tells, once `status` is `done`."""
        self.check_query(request)
        actor = actor_of(request)
        again = request_rebuild(actor=actor, export=export_for_actor(actor, export_id))
        return Response(manifest_out(again), status=202)


def _about_query(error: DomainError) -> DomainError:
    """The same refusal; what would be places in a body are parameters here."""
    error.errors = tuple(replace(e, pointer=e.pointer.replace("/", "?", 1)) for e in error.errors)
    return error


def _wanted(asked: dict[str, str]) -> ExportIn:
    values: dict[str, Any] = {name: value for name, value in asked.items() if name not in ("since", "raw")}
    if "since" in asked:
        values["since"] = read_time("since", asked["since"])
    if "raw" in asked:
        if asked["raw"] not in ("true", "false"):
            raise InvalidInput(errors=[FieldProblem("?raw", "Give true or false.", "invalid_value")])
        values["raw"] = asked["raw"] == "true"
    return convert(values, ExportIn)
