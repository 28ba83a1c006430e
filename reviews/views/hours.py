"""/hours: when I work; /ops/staff: who is on, and the rotation a supervisor sets."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.dates import WEEKDAYS
from django.utils.timezone import get_current_timezone, is_naive, make_aware
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, reason_of
from hitl.core.clock import now
from hitl.core.errors import DomainError, Forbidden, NotFound
from hitl.core.permissions import Permission
from reviews.actions.hours import set_own_hours, set_schedule
from reviews.duty import next_shift, on_duty, read_schedule, zones
from reviews.models import Queue, Reviewer
from reviews.staff import staff_of

DAYS = tuple(WEEKDAYS.values())
_MORE = 2  # empty lines for what is to be added


class Hours(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save the whole page."""
        try:
            set_own_hours(
                actor=self.actor,
                available="available" in request.POST,
                on_call_until=_moment(request.POST.get("on_call_until", "")),
                schedule=hours_sent(request.POST),
            )
        except DomainError as error:
            return self.page(request, error=reason_of(error))
        messages.success(request, _("Saved."))
        return redirect("reviews:hours")

    def page(self, request: HttpRequest, *, error: str = "") -> HttpResponse:
        """What is stored, or what was sent and is wrong."""
        person = Reviewer.objects.filter(workspace_id=self.actor.workspace_id, user_id=self.actor.person_id).first()
        if person is None:
            raise Forbidden("Only a person with a reviewer profile has hours.", code="reviewer_required")
        schedule = read_schedule(person.schedule)
        context = hours_shown(hours_sent(request.POST) if error else person.schedule) | {
            "person": person,
            "on": on_duty(schedule, now(), available=person.available, on_call_until=person.on_call_until),
            "next_shift_at": next_shift(schedule, now()),
            "error": error,
        }
        return render(request, "reviews/hours.html", context, status=422 if error else 200)


class Staff(Page):
    permission = Permission.ASSIGN_REVIEWS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Everybody, those at work first."""
        rows = sorted(staff_of(self.actor.workspace_id), key=lambda row: row.state != "on")
        return render(request, "reviews/staff.html", {"rows": rows})


class StaffMember(Page):
    permission = Permission.ASSIGN_REVIEWS

    def get(self, request: HttpRequest, reviewer_id: uuid.UUID) -> HttpResponse:
        return self.page(request, reviewer_id)

    def post(self, request: HttpRequest, reviewer_id: uuid.UUID) -> HttpResponse:
        """Save hours and rotation."""
        sent = hours_sent(request.POST) | rotation_sent(request.POST)
        try:
            set_schedule(actor=self.actor, reviewer_id=reviewer_id, schedule=sent)
        except NotFound:
            raise
        except DomainError as error:
            return self.page(request, reviewer_id, error=reason_of(error), sent=sent)
        messages.success(request, _("Saved."))
        return redirect("reviews:staff")

    def page(
        self, request: HttpRequest, reviewer_id: uuid.UUID, *, error: str = "", sent: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The schedule as stored, or as sent."""
        rows = Reviewer.objects.filter(workspace_id=self.actor.workspace_id, pk=reviewer_id).select_related("user")
        person = rows.first()
        if person is None:
            raise NotFound()
        stored = sent or person.schedule
        turns = [*stored.get("rotation", []), *[{"queues": [], "weekdays": []} for _n in range(_MORE)]]
        context = hours_shown(stored) | {
            "person": person,
            "turns": turns,
            "days": [(number, _(day)) for number, day in enumerate(DAYS)],
            "queues": Queue.objects.filter(workspace_id=self.actor.workspace_id).order_by("slug"),
            "error": error,
        }
        return render(request, "reviews/staff_member.html", context, status=422 if error else 200)


def hours_shown(stored: dict[str, Any]) -> dict[str, Any]:
    """A line for each shift and absence, one for each day without, and some to add."""
    shifts = [dict(shift) for shift in stored.get("shifts", [])]
    shifts += [{"weekday": day} for day in range(7) if day not in {s.get("weekday") for s in shifts}]
    shifts.sort(key=lambda s: (s.get("weekday") or 0, s.get("start") or ""))
    for shift in shifts:
        shift["day"] = _(DAYS[shift["weekday"]])
    return {
        "shifts": shifts,
        "absences": [*stored.get("absences", []), *[{} for _n in range(_MORE)]],
        "time_zone": stored.get("time_zone", "UTC"),
        "zones": sorted(zones()),
    }


def hours_sent(post: QueryDict) -> dict[str, Any]:
    """Time zone, shifts and absences as the form names them; empty lines are none."""
    days, starts, ends = (post.getlist(f"shift_{name}") for name in ("day", "start", "end"))
    shifts = [
        {"weekday": int(day), "start": start[:5], "end": end[:5]}
        for day, start, end in zip(days, starts, ends, strict=False)
        if (start or end) and day in "0123456" and day
    ]
    firsts, lasts, notes = (post.getlist(f"absence_{name}") for name in ("first", "last", "note"))
    absences = [
        {"first": first, "last": last or first, "note": note}
        for first, last, note in zip(firsts, lasts, notes, strict=False)
        if first
    ]
    return {"time_zone": post.get("time_zone", "UTC"), "shifts": shifts, "absences": absences}


def rotation_sent(post: QueryDict) -> dict[str, Any]:
    """Turns with at least one queue."""
    turns = []
    for number in range(100):
        if queues := post.getlist(f"turn_{number}_queues"):
            turn: dict[str, Any] = {
                "queues": queues,
                "weekdays": [int(d) for d in post.getlist(f"turn_{number}_days") if d and d in "0123456"],
            }
            turn |= {k: v for k in ("first", "last") if (v := post.get(f"turn_{number}_{k}"))}
            turns.append(turn)
    return {"rotation": turns} if turns else {}


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return make_aware(found, get_current_timezone()) if found and is_naive(found) else found
