"""REST of guidelines: what is in force in a queue, acknowledge it, write a version, put it in force."""

import uuid
from datetime import datetime

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission, Scope
from hitl.core.schema import documented
from reviews.access import queue_for_actor
from reviews.actions.guidelines import acknowledge_guideline, put_in_force, write_guideline
from reviews.guidelines import acknowledged, acknowledged_of, in_force, visible_guidelines
from reviews.models import GuidelineVersion
from routing.access import task_type_for

TAG = ("Guidelines",)


class GuidelineOut(msgspec.Struct, frozen=True):
    """A version; `text` is Markdown. `acknowledged`: by you."""

    id: str
    task_type: str
    number: int
    title: str
    text: str
    note: str
    created_at: str | None
    acknowledged: bool
    must_acknowledge: bool | msgspec.UnsetType = msgspec.UNSET
    in_force_from: str | None | msgspec.UnsetType = msgspec.UNSET


class GuidelineList(msgspec.Struct, frozen=True):
    results: list[GuidelineOut]
    next: str | None = None


class GuidelineIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`note`: what changed, and why."""

    title: str
    text: str
    note: str


class GuidelineUseIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`from` null: now. `number`: a version of the queue's task type; `task_type` for a general queue."""

    number: int
    task_type: str | None = None
    from_: datetime | None = msgspec.field(default=None, name="from")
    must_acknowledge: bool = True


class AcknowledgeIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that was read; refused with `guideline_changed` when another is in force by now."""

    version: uuid.UUID | None = None


def guideline_out(version: GuidelineVersion, read: bool) -> GuidelineOut:
    """The public form."""
    return GuidelineOut(
        id=str(version.pk),
        task_type=version.task_type.slug,
        number=version.number,
        title=version.title,
        text=version.text,
        note=version.note,
        created_at=rfc3339(version.created_at),
        acknowledged=read,
    )


class QueueGuidelineApi(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE, "POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="get_queue_guideline", responses={200: GuidelineOut}, tags=TAG)
    def get(self, request: Request, slug: str) -> Response:
        """What reviewers of this queue go by now; 404 where nothing is in force."""
        actor = actor_of(request)
        self.check_query(request)
        use = in_force(queue_for_actor(actor, slug).pk)
        if use is None:
            raise NotFound()
        out = guideline_out(use.version, acknowledged(actor, use.version))
        out = msgspec.structs.replace(out, must_acknowledge=use.must_acknowledge, in_force_from=rfc3339(use.from_at))
        return Response(out)

    @documented(operation_id="put_guideline_in_force", request=GuidelineUseIn, responses={201: GuidelineOut}, tags=TAG)
    def post(self, request: Request, slug: str) -> Response:
        """Put a version in force in this queue from a time. Supervisors only."""
        actor = actor_of(request)
        self.check_query(request)
        actor.require(Permission.CONFIGURE)
        queue = queue_for_actor(actor, slug)
        body = self.body(request, GuidelineUseIn)
        kind = body.task_type or (queue.task_type.slug if queue.task_type else "")
        version = visible_guidelines(actor).filter(task_type__slug=kind, number=body.number).first()
        if version is None:
            problem = FieldProblem("/number", "There is no such version.", "unknown_version")
            raise Refused(problem.detail, code="unknown_version", errors=[problem])
        use = put_in_force(
            actor=actor, version=version, queue=queue, from_at=body.from_, must_acknowledge=body.must_acknowledge
        )
        out = guideline_out(version, acknowledged(actor, version))
        out = msgspec.structs.replace(out, must_acknowledge=use.must_acknowledge, in_force_from=rfc3339(use.from_at))
        return Response(out, status=201)


class QueueGuidelineAcknowledge(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="acknowledge_guideline", request=AcknowledgeIn, responses={200: GuidelineOut}, tags=TAG)
    def post(self, request: Request, slug: str) -> Response:
        """You have read what is in force here; claiming from the queue works again."""
        actor = actor_of(request)
        self.check_query(request)
        body = self.body(request, AcknowledgeIn)
        version = acknowledge_guideline(actor=actor, queue=queue_for_actor(actor, slug), version_id=body.version)
        return Response(guideline_out(version, True))


class GuidelinesOfType(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE, "POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="list_guideline_versions", responses={200: GuidelineList}, tags=TAG)
    def get(self, request: Request, slug: str) -> Response:
        """The versions of a task type's guideline, newest first."""
        actor = actor_of(request)
        self.check_query(request)
        kind = task_type_for(actor, slug)
        rows = list(visible_guidelines(actor).filter(task_type=kind).order_by("-number")[:200])
        read = acknowledged_of(actor, rows)
        return Response(GuidelineList([guideline_out(v, v.pk in read) for v in rows]))

    @documented(operation_id="write_guideline", request=GuidelineIn, responses={201: GuidelineOut}, tags=TAG)
    def post(self, request: Request, slug: str) -> Response:
        """Write the next version. Supervisors only; it is in force nowhere until put there."""
        actor = actor_of(request)
        self.check_query(request)
        kind = task_type_for(actor, slug)
        body = self.body(request, GuidelineIn)
        version = write_guideline(actor=actor, task_type=kind, title=body.title, text=body.text, note=body.note)
        return Response(guideline_out(version, False), status=201)
