"""REST: notes of a case, and the course of its judgements."""

import uuid

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import NotFound
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Permission, Scope
from hitl.core.schema import documented, query
from reviews.access import case_for_actor, kept_apart, sealed_ids
from reviews.actions.interactions import record_interactions
from reviews.actions.notes import write_note
from reviews.interactions import AcceptedOut, Course, InteractionsIn, courses_of
from reviews.models import Interactions, Note
from reviews.notes import notes_for_actor
from reviews.structs import NoteIn

TAG = ("Reviewing",)
PAGING = (query("limit", "1–200, default 50", int), query("cursor", "`next` of the page before"))
MAX_BATCH_BYTES = 16_384


class NoteOut(msgspec.Struct, frozen=True):
    """A note; `author` is a user name."""

    id: str
    author: str
    text: str
    created_at: str | None


class NoteList(msgspec.Struct, frozen=True):
    """Newest first."""

    results: list[NoteOut]
    next: str | None


class InteractionOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind` is an interaction's, or `judgement` with its stage and label; `ms` since the case was shown."""

    kind: str
    ms: int
    about: str = ""
    stage: str = ""
    label: str = ""


class CourseOut(msgspec.Struct, frozen=True):
    """What one person did under one claim, in order."""

    claim: str
    reviewer: str
    started_at: str | None
    guideline_version: int | None
    visibility: str
    decision_time_s: float | None
    events: list[InteractionOut]


class CourseList(msgspec.Struct, frozen=True):
    """Newest claim first."""

    results: list[CourseOut]
    next: str | None


class CaseNotes(Endpoint):
    scopes = {"GET": Scope.CASES_READ, "POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="list_notes", responses={200: NoteList}, parameters=PAGING, tags=TAG)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """What people noted on a case. While you may still judge it unaided, your own notes only."""
        actor = actor_of(request)
        asked = self.check_query(request, "limit", "cursor")
        case = case_for_actor(actor, case_id)
        rows = notes_for_actor(actor, case)
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(NoteList([note_out(note) for note in page.rows], page.next))

    @documented(operation_id="write_note", request=NoteIn, responses={201: NoteOut}, tags=TAG)
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Note something on a case for colleagues. It is never changed."""
        actor = actor_of(request)
        self.check_query(request)
        body = self.body(request, NoteIn)
        note = write_note(actor=actor, case=case_for_actor(actor, case_id), text=body.text)
        return Response(note_out(note), status=201)


class ClaimInteractions(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="record_interactions", request=InteractionsIn, responses={200: AcceptedOut}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """What you did on the page of your claim: kinds and times, at most 50 a batch and 500 a claim."""
        actor = actor_of(request)
        self.check_query(request)
        batch = self.body(request, InteractionsIn, max_bytes=MAX_BATCH_BYTES)
        return Response(AcceptedOut(record_interactions(actor=actor, claim_id=claim_id, batch=batch)))


class CaseInteractions(Endpoint):
    scopes = {"GET": Scope.AUDIT_READ}

    @documented(operation_id="list_interactions", responses={200: CourseList}, parameters=PAGING, tags=TAG)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """How each judgement of a case came about. For supervisors and auditors; absent while sealed for you."""
        actor = actor_of(request)
        asked = self.check_query(request, "limit", "cursor")
        actor.require(Permission.READ_AUDIT)
        case = case_for_actor(actor, case_id)
        if sealed_ids(actor, [case]) or kept_apart(actor, case):
            raise NotFound()
        rows = Interactions.objects.filter(case_id=case.pk, workspace_id=actor.workspace_id)
        rows = rows.select_related("claim__user")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(CourseList([course_out(course) for course in courses_of(page.rows)], page.next))


def note_out(note: Note) -> NoteOut:
    """A note with its author, whose row is loaded."""
    return NoteOut(str(note.pk), note.user.get_username(), note.text, rfc3339(note.created_at))


def course_out(course: Course) -> CourseOut:
    """A course as JSON."""
    return CourseOut(
        claim=str(course.claim_id),
        reviewer=course.reviewer,
        started_at=rfc3339(course.started_at),
        guideline_version=course.guideline_version,
        visibility=course.visibility,
        decision_time_s=course.decision_time_s,
        events=[InteractionOut(s.kind, s.ms, s.about, s.stage, s.label) for s in course.steps],
    )
