"""REST: when people work, and who is on."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.clock import now, rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import Forbidden
from hitl.core.permissions import Permission, Scope
from hitl.core.schema import documented
from reviews.actions.hours import set_own_hours, set_schedule
from reviews.duty import Absence, Schedule, Shift, on_duty, read_schedule
from reviews.models import Reviewer
from reviews.staff import staff_of

TAG = ("Reviewing",)


class HoursIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """My own hours; without shifts I am always on but for absences."""

    available: bool = True
    on_call_until: Annotated[datetime, Meta(tz=True)] | None = None
    time_zone: Annotated[str, Meta(max_length=60)] = "UTC"
    shifts: Annotated[list[Shift], Meta(max_length=50)] = []
    absences: Annotated[list[Absence], Meta(max_length=100)] = []


class HoursOut(msgspec.Struct, frozen=True):
    """`on_duty`: offered claims at this moment. `rotation` is the supervisor's."""

    available: bool
    on_duty: bool
    on_call_until: str | None
    schedule: Schedule


class StaffOut(msgspec.Struct, frozen=True):
    reviewer: str
    username: str
    name: str
    tier: str
    state: str
    own_queues: list[str]
    rotated: bool
    open_claims: int
    assigned: int
    next_shift_at: str | None


class StaffList(msgspec.Struct, frozen=True):
    results: list[StaffOut]
    next: str | None = None


class Availability(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE, "PUT": Scope.REVIEWS_WRITE}

    @documented(operation_id="get_availability", responses={200: HoursOut}, tags=TAG)
    def get(self, request: Request) -> Response:
        """Your own hours, and whether you are offered claims now."""
        actor = actor_of(request)
        person = Reviewer.objects.filter(workspace_id=actor.workspace_id, user_id=actor.person_id).first()
        if person is None:
            raise Forbidden("Only a person with a reviewer profile has hours.", code="reviewer_required")
        return Response(_hours(person))

    @documented(operation_id="set_availability", request=HoursIn, responses={200: HoursOut}, tags=TAG)
    def put(self, request: Request) -> Response:
        """Say when you work."""
        body = self.body(request, HoursIn)
        person = set_own_hours(
            actor=actor_of(request),
            available=body.available,
            on_call_until=body.on_call_until,
            schedule=_plain({"time_zone": body.time_zone, "shifts": body.shifts, "absences": body.absences}),
        )
        return Response(_hours(person))


class Staff(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(operation_id="list_staff", responses={200: StaffList}, tags=TAG)
    def get(self, request: Request) -> Response:
        """Who is on, at which queues, with how much in hand. Supervisors only; at most 500 people."""
        self.check_query(request)
        actor = actor_of(request)
        actor.require(Permission.ASSIGN_REVIEWS)
        return Response(
            StaffList(
                [
                    StaffOut(
                        str(row.reviewer_id),
                        row.username,
                        row.name,
                        row.tier,
                        row.state,
                        list(row.own),
                        row.rotated,
                        row.held,
                        row.assigned,
                        rfc3339(row.next_shift_at),
                    )
                    for row in staff_of(actor.workspace_id)
                ]
            )
        )


class StaffSchedule(Endpoint):
    scopes = {"PUT": Scope.REVIEWS_WRITE}

    @documented(operation_id="set_staff_schedule", request=Schedule, responses={200: HoursOut}, tags=TAG)
    def put(self, request: Request, reviewer_id: uuid.UUID) -> Response:
        """Set somebody's shifts, absences and rotation. Supervisors only."""
        schedule = _plain(msgspec.structs.asdict(self.body(request, Schedule)))
        return Response(_hours(set_schedule(actor=actor_of(request), reviewer_id=reviewer_id, schedule=schedule)))


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {name: given for name, given in plain.items() if given}


def _hours(person: Reviewer) -> HoursOut:
    schedule = read_schedule(person.schedule)
    on = on_duty(schedule, now(), available=person.available, on_call_until=person.on_call_until)
    return HoursOut(person.available, on, rfc3339(person.on_call_until), schedule)
