"""The life of one version as steps, for its page: what each step does, and who took it when."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from hitl.core.numbers import percent
from routing.models import Policy, PolicyVersion
from routing.timeline import Move, moves_of

Status = PolicyVersion.Status


@dataclass(frozen=True, slots=True)
class Step:
    """One step. state: done, now, open (may still come) or over (never taken). at, by, reason: of its newest move."""

    title: str
    effect: str
    state: str
    at: datetime | None = None
    by: str | None = None
    reason: str = ""


def life_steps(policy: Policy, version: PolicyVersion) -> tuple[Step, ...]:
    """From draft to retired; a rejected version ends with its rejection."""
    taken = {move.status: move for move in moves_of(policy, version.pk)}
    if Status.DRAFT not in taken:  # stored before every step left a row of history
        by = version.proposed_by.username if version.proposed_by else None
        taken[Status.DRAFT] = Move(version.number, Status.DRAFT, None, version.created_at, by, version.note)
    steps = [_step(status, title, effect, version, taken) for status, title, effect in _texts(policy)]
    steps.insert(1, _replay(policy, version))
    if version.status != Status.REJECTED:
        return tuple(steps)
    before = [step for step in steps if step.state == "done"]
    ended = taken.get(Status.REJECTED)
    text = _("It will never decide a case.")
    rejected = Step(_("Rejected"), text, "now", *((ended.at, ended.by, ended.reason) if ended else ()))
    return (*before, rejected)


def _texts(policy: Policy) -> tuple[tuple[str, str, str], ...]:
    return (
        (Status.DRAFT, _("Draft"), _("Changes nothing. Its document can never be changed again.")),
        (Status.APPROVED, _("Approved"), _("Another person than the proposer agreed. It still decides nothing.")),
        (Status.SHADOW, _("Shadow"), _("Asked for every case and never followed; its answers can be compared.")),
        (Status.CANARY, _("Canary"), _("Decides a share of the cases; the version in force decides the rest.")),
        (Status.ACTIVE, _("In force"), _("Decides; the version before it retires in the same moment.")),
        (Status.RETIRED, _("Retired"), _("Decides nothing any more; rolling back can bring it back.")),
    )


def _step(status: str, title: str, effect: str, version: PolicyVersion, taken: dict[str, Move]) -> Step:
    move = taken.get(status)
    if status == version.status:
        state = "now"
    elif move is not None:
        state = "done"
    else:
        over = version.status in (Status.ACTIVE, Status.RETIRED, Status.REJECTED) and status != Status.RETIRED
        state = "over" if over else "open"
    if move is None:
        return Step(title, effect, state)
    if status == Status.CANARY and move.share is not None:
        title = _("%(title)s, %(share)s of the cases") % {"title": title, "share": percent(move.share)}
    return Step(title, effect, state, move.at, move.by, move.reason)


def _replay(policy: Policy, version: PolicyVersion) -> Step:
    effect = _("Tried on past cases: which of them it would decide otherwise.")
    if policy.replay_first:
        effect += " " + _("This policy demands it before approval.")
    if version.replayed_at is not None:
        return Step(_("Replayed"), effect, "done", version.replayed_at)
    return Step(_("Replay"), effect, "open" if version.status == Status.DRAFT else "over")
