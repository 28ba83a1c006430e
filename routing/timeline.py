"""What was in force when: read from the versions' history, of which every move left a row."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from routing.models import Policy, PolicyVersion

Status = PolicyVersion.Status
_MOVES = 1_000
"""The newest moves a page reads; a policy that has more shows the newest."""


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a version's life. by: a username, null where hitl or a client took it."""

    number: int
    status: str
    share: float | None
    at: datetime
    by: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A version in force, as canary or in shadow, from `since` to `until` (null: still)."""

    number: int
    status: str
    share: float | None
    since: datetime
    until: datetime | None
    by: str | None
    reason: str


def moves_of(policy: Policy, version_id: uuid.UUID | None = None) -> list[Move]:
    """Who moved which version where and when, oldest first; of one version or of all."""
    rows = PolicyVersion.history.filter(policy_id=policy.pk)
    if version_id is not None:
        rows = rows.filter(id=version_id)
    values = rows.order_by("-history_date", "-history_id").values_list(
        "number", "status", "canary_share", "history_date", "history_user__username", "history_change_reason"
    )
    newest = list(values[:_MOVES])
    return [
        Move(number, status, share, at, by, reason or "") for number, status, share, at, by, reason in reversed(newest)
    ]


def intervals_of(policy: Policy) -> list[Interval]:
    """Every stretch of time in which a version was asked, newest first."""
    moves = moves_of(policy)
    found = []
    for place, move in enumerate(moves):
        if move.status not in (Status.ACTIVE, Status.CANARY, Status.SHADOW) or _repeats(moves, place):
            continue
        later = (m for m in moves[place + 1 :] if m.number == move.number)
        until = next((m.at for m in later if (m.status, m.share) != (move.status, move.share)), None)
        found.append(Interval(move.number, move.status, move.share, move.at, until, move.by, move.reason))
    return found[::-1]


def _repeats(moves: list[Move], place: int) -> bool:
    """A history row that left the status as it was (a replay was noted, for example)."""
    before = next((m for m in reversed(moves[:place]) if m.number == moves[place].number), None)
    return before is not None and (before.status, before.share) == (moves[place].status, moves[place].share)


def in_force_then(policy: Policy, at: datetime) -> list[PolicyVersion]:
    """The version in force at `at` and then its canary, with `status` and `canary_share` as they were; or nothing."""
    rows = PolicyVersion.history.filter(policy_id=policy.pk, history_date__lte=at)
    newest = rows.order_by("id", "-history_date", "-history_id").distinct("id")
    stood = {
        pk: (status, share)
        for pk, status, share in newest.values_list("id", "status", "canary_share")
        if status in (Status.ACTIVE, Status.CANARY)
    }
    versions = PolicyVersion.objects.filter(pk__in=stood).select_related(
        "policy", "proposed_by", "approved_by", "licensed_by"
    )
    for version in versions:
        version.status, version.canary_share = stood[version.pk]
    return sorted(versions, key=lambda version: version.status)
