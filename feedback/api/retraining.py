"""REST: suggestions to retrain, and the data sets they name."""

import uuid
from typing import Annotated, ClassVar, Literal

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import dataset_for_actor, examples_for_actor, visible_datasets, visible_suggestions
from feedback.actions.retraining import answer_suggestion
from feedback.models import RetrainingSuggestion
from feedback.retraining_payloads import (
    DatasetExampleList,
    DatasetVersionList,
    DatasetVersionOut,
    RetrainingSuggestionList,
    RetrainingSuggestionOut,
    dataset_out,
    example_out,
    suggestion_out,
)
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query

_TAGS = ("Learning",)
_PAGE = (query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before."))
_TYPE = query("task_type", "Its slug.")
_STATUSES = ", ".join(f"`{status}`" for status in RetrainingSuggestion.Status)


class AnswerIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a person says to a suggestion, and why."""

    status: Literal["acknowledged", "dismissed"]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class RetrainingSuggestions(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_retraining_suggestions",
        responses={200: RetrainingSuggestionList},
        parameters=(_TYPE, query("status", f"Only {_STATUSES}."), *_PAGE),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Newest first, each with its reason, state and data set."""
        asked = self.check_query(request, "task_type", "status", "limit", "cursor")
        rows = visible_suggestions(actor_of(request))
        if "task_type" in asked:
            rows = rows.filter(task_type__slug=asked["task_type"])
        if "status" in asked:
            if asked["status"] not in RetrainingSuggestion.TRANSITIONS:
                raise InvalidInput(errors=[FieldProblem("?status", f"Give one of {_STATUSES}.", "invalid_value")])
            rows = rows.filter(status=asked["status"])
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(RetrainingSuggestionList([suggestion_out(row) for row in page.rows], page.next))


class RetrainingStatus(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"POST": Scope.POLICIES_WRITE}

    @documented(
        operation_id="answer_retraining_suggestion",
        request=AnswerIn,
        responses={200: RetrainingSuggestionOut},
        tags=_TAGS,
    )
    def post(self, request: Request, suggestion_id: uuid.UUID) -> Response:
        """Acknowledge or dismiss it; people only. 409 where it was answered already."""
        self.check_query(request)
        asked = self.body(request, AnswerIn)
        answered = answer_suggestion(
            actor=actor_of(request), suggestion_id=suggestion_id, status=asked.status, reason=asked.reason
        )
        return Response(suggestion_out(answered))


class DatasetVersions(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(
        operation_id="list_dataset_versions",
        responses={200: DatasetVersionList},
        parameters=(_TYPE, *_PAGE),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """The training sets that suggestions named, newest first."""
        asked = self.check_query(request, "task_type", "limit", "cursor")
        rows = visible_datasets(actor_of(request))
        if "task_type" in asked:
            rows = rows.filter(task_type__slug=asked["task_type"])
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(DatasetVersionList([dataset_out(row) for row in page.rows], page.next))


class DatasetVersionDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_dataset_version", responses={200: DatasetVersionOut}, tags=_TAGS)
    def get(self, request: Request, dataset_id: uuid.UUID) -> Response:
        """One training set: what was asked, when, how many examples answered, and their SHA-256."""
        self.check_query(request)
        return Response(dataset_out(dataset_for_actor(actor_of(request), dataset_id)))


class DatasetExamples(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.EXPORTS_READ}

    @documented(operation_id="list_dataset_examples", responses={200: DatasetExampleList}, parameters=_PAGE, tags=_TAGS)
    def get(self, request: Request, dataset_id: uuid.UUID) -> Response:
        """Cases with the labels they had then, without those you may still have to judge unaided."""
        asked = self.check_query(request, "limit", "cursor")
        actor = actor_of(request)
        rows = examples_for_actor(actor, dataset_for_actor(actor, dataset_id))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(DatasetExampleList([example_out(row) for row in page.rows], page.next))
