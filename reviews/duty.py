"""When a person works and which queues are theirs at that time. Pure: schedule and time in, answer out."""

import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Weekday = Annotated[int, Meta(ge=0, le=6)]
Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Slug = Annotated[str, Meta(min_length=1, max_length=60)]


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Work on this weekday (0 Monday) from `start` to `end`; an `end` not after `start` is the next day's."""

    weekday: Weekday
    start: Clock
    end: Clock


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Away for whole days, first and last included."""

    first: date
    last: date
    note: Annotated[str, Meta(max_length=200)] = ""


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For this period and these weekdays (none: all) these are the person's own queues."""

    queues: Annotated[list[Slug], Meta(min_length=1, max_length=50)]
    weekdays: list[Weekday] = []
    first: date | None = None
    last: date | None = None


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without shifts a person is always on but for absences; without a turn for today, own queues are the usual."""

    time_zone: Annotated[str, Meta(max_length=60)] = "UTC"
    shifts: Annotated[list[Shift], Meta(max_length=50)] = []
    absences: Annotated[list[Absence], Meta(max_length=100)] = []
    rotation: Annotated[list[Turn], Meta(max_length=100)] = []


EMPTY = Schedule()


def read_schedule(stored: Mapping[str, Any] | str | None) -> Schedule:
    """The schedule as stored, or its JSON. Raises msgspec.ValidationError where it is not one."""
    if isinstance(stored, str):
        return _from_json(stored)
    return msgspec.convert(stored, Schedule) if stored else EMPTY


@lru_cache(maxsize=1024)
def _from_json(text: str) -> Schedule:
    return msgspec.json.decode(text, type=Schedule)


def schedule_problems(stored: Any) -> list[str]:
    """What is wrong with a schedule, in words; nothing where it is right."""
    try:
        schedule = msgspec.convert(stored, Schedule)
    except msgspec.ValidationError as error:
        return [str(error)]
    found = [] if is_zone(schedule.time_zone) else [f"There is no time zone “{schedule.time_zone}”."]
    periods: list[tuple[date | None, date | None]] = [(a.first, a.last) for a in schedule.absences]
    periods += [(turn.first, turn.last) for turn in schedule.rotation]
    return found + [f"{last} lies before {first}." for first, last in periods if first and last and last < first]


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Every time zone there is."""
    return frozenset(zoneinfo.available_timezones())


def is_zone(name: str) -> bool:
    return name in zones()


def on_shift(schedule: Schedule, at: datetime) -> bool:
    """Whether the schedule has this person at work."""
    local = at.astimezone(zoneinfo.ZoneInfo(schedule.time_zone))
    if any(a.first <= local.date() <= a.last for a in schedule.absences):
        return False
    return not schedule.shifts or any(_covers(shift, local) for shift in schedule.shifts)


def _covers(shift: Shift, local: datetime) -> bool:
    start, end, clock = _clock(shift.start), _clock(shift.end), local.time()
    if start < end:
        return local.weekday() == shift.weekday and start <= clock < end
    begun = local.weekday() == shift.weekday and clock >= start
    return begun or (local.weekday() == (shift.weekday + 1) % 7 and clock < end)


def _clock(text: str) -> time:
    return time.fromisoformat(text)


def on_duty(schedule: Schedule, at: datetime, *, available: bool, on_call_until: datetime | None) -> bool:
    """Whether this person is offered claims: marked available, and on shift or working anyway for now."""
    if not available:
        return False
    return (on_call_until is not None and at < on_call_until) or on_shift(schedule, at)


def turn_of(schedule: Schedule, at: datetime) -> Sequence[str] | None:
    """The own queues of this day by rotation, the first turn that fits; null: the usual ones."""
    if not schedule.rotation:
        return None
    today = at.astimezone(zoneinfo.ZoneInfo(schedule.time_zone)).date()
    for turn in schedule.rotation:
        begun = turn.first is None or turn.first <= today
        over = turn.last is not None and turn.last < today
        if begun and not over and (not turn.weekdays or today.weekday() in turn.weekdays):
            return turn.queues
    return None


def next_shift(schedule: Schedule, at: datetime) -> datetime | None:
    """When the next shift begins, within two weeks; null where none does."""
    zone = zoneinfo.ZoneInfo(schedule.time_zone)
    local = at.astimezone(zone)
    starts = []
    for days in range(15):
        day = local.date() + timedelta(days=days)
        if any(a.first <= day <= a.last for a in schedule.absences):
            continue
        starts += [
            datetime.combine(day, _clock(shift.start), zone)
            for shift in schedule.shifts
            if shift.weekday == day.weekday()
        ]
    return min((start for start in starts if start > at), default=None)
