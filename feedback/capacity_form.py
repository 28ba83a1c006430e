"""What a what-if asks, from the query of a page or of REST: the same names, checked the same way."""

import uuid
from collections.abc import Mapping

from msgspec import convert

from feedback.access import visible_replays
from feedback.capacity import FACTORS, WhatIf, metered_queues
from feedback.models import ReplayJob
from feedback.replay_result import ReplayResult
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, InvalidInput, NotFound
from hitl.core.permissions import Permission

FIELDS = ("factor", "queue", "more", "replay")
_MOST_PEOPLE = 1000


def what_if_of(actor: Actor, asked: Mapping[str, str]) -> WhatIf:
    """`factor`: arrivals times that; `more` people in `queue`; `replay`: arrivals as that replayed policy would send.

    Raises InvalidInput naming the field, NotFound for a queue or replay the actor may not see.
    """
    more = _more(asked.get("more", ""))
    slug = asked.get("queue", "")
    if slug:
        if not metered_queues(actor).filter(slug=slug).exists():
            raise NotFound()
    elif more:
        raise _refused("queue", "Say in which queue.")
    replay = asked.get("replay", "")
    return WhatIf(
        _factor(asked.get("factor", "")), {slug: more} if more else {}, _share(actor, replay) if replay else {}
    )


def replays_to_choose(actor: Actor) -> list[ReplayJob]:
    """The newest finished replays, whose load may be tried here; none for who may not read policies."""
    if not actor.may(Permission.READ_POLICIES):
        return []
    return list(visible_replays(actor).filter(status=ReplayJob.Status.DONE).order_by("-pk")[:20])


def _factor(raw: str) -> float:
    if not raw:
        return 1.0
    if raw not in {f"{f:g}" for f in FACTORS}:
        raise _refused("factor", f"Choose one of {', '.join(f'{f:g}' for f in FACTORS)}.")
    return float(raw)


def _more(raw: str) -> int:
    if not raw:
        return 0
    digits = raw.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or int(digits[:6]) > _MOST_PEOPLE:
        raise _refused("more", f"Give a whole number of people from -{_MOST_PEOPLE} to {_MOST_PEOPLE}.")
    return int(raw)


def _share(actor: Actor, raw: str) -> dict[str, float]:
    """Arrivals after ÷ before, per queue of the replay; a queue that got none before keeps what it has."""
    try:
        key = uuid.UUID(raw)
    except ValueError:
        raise _refused("replay", "Give the id of a finished replay.") from None
    job = visible_replays(actor).filter(pk=key, status=ReplayJob.Status.DONE).first()
    if job is None:
        raise _refused("replay", "No finished replay has this id.")
    load = convert(job.result, ReplayResult).load
    return {queue.queue: queue.after / queue.before for queue in load.queues if queue.before}


def _refused(field: str, cure: str) -> InvalidInput:
    return InvalidInput(errors=[FieldProblem(f"?{field}", cure, "invalid")])
