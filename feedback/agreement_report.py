"""How far people agree: whole, per queue, label and pair of reviewers, and where they part most (mission F10)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback.agreement_data import FINAL, UNAIDED, case_ids, compared_cases
from feedback.stats.agreement import AgreementReport
from feedback.stats.agreement_parts import (
    Coincidences,
    Group,
    Unit,
    by_label,
    by_pair,
    by_queue,
    coincidences,
    most_disputed,
    whole_agreement,
)
from feedback.visibility_data import measured_queue, measured_queues, window_of
from hitl.accounts.models import User
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import FieldProblem, InvalidInput
from reviews.access import desk_of, kept_apart_ids, unsealed_cases, visible_cases
from reviews.models import Queue

MOST_ROWS, MOST_EXAMPLES = 30, 15
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Example:
    """A case people judged differently; `said`: (who, label), in order of names."""

    case_id: uuid.UUID
    said: tuple[tuple[str, str], ...]
    entropy: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people over the cases both judged."""

    first: str
    second: str
    group: Group


@dataclass(frozen=True, slots=True)
class PeopleAgree:
    """`basis`: unaided or final; `units`: cases compared; `unaided`, `final`: how many there are of each."""

    window: str
    since: datetime
    queue: Queue | None
    queues: tuple[Queue, ...]
    basis: str
    units: int
    unaided: int
    final: int
    whole: AgreementReport
    by_queue: tuple[Group, ...]
    by_label: tuple[Group, ...]
    by_pair: tuple[Pair, ...]
    coincidences: Coincidences
    examples: tuple[Example, ...]


def agreement_report(actor: Actor, queue_slug: str, window: str, basis: str) -> PeopleAgree:
    """The figures of one queue, or of all (`queue_slug` empty), on unaided judgements where any case has two.

    `basis` empty chooses that; `unaided` or `final` insists. Raises InvalidInput (window, basis), NotFound (queue).
    """
    if basis not in ("", UNAIDED, FINAL):
        raise InvalidInput(errors=[FieldProblem("?basis", "Give unaided or final.", "unknown_value")])
    since = now() - window_of(window)
    queues = tuple(measured_queues(actor)[:200])
    queue = measured_queue(actor, queue_slug) if queue_slug else None
    found = compared_cases(actor, queues, since)
    unaided, final = (_of(queue, units) for units in (found.unaided, found.final))
    basis = basis or (UNAIDED if unaided else FINAL)
    units = unaided if basis == UNAIDED else final
    names = _names(units)
    return PeopleAgree(
        window=window,
        since=since,
        queue=queue,
        queues=queues,
        basis=basis,
        units=len(units),
        unaided=len(unaided),
        final=len(final),
        whole=whole_agreement(units),
        by_queue=tuple(by_queue(units)),
        by_label=tuple(by_label(units)[:MOST_ROWS]),
        by_pair=tuple(Pair(names[one], names[other], group) for (one, other), group in by_pair(units)[:MOST_ROWS]),
        coincidences=coincidences(units),
        examples=_examples(actor, most_disputed(units), names),
    )


def _of(queue: Queue | None, units: Sequence[Unit]) -> list[Unit]:
    return [unit for unit in units if queue is None or unit.queue == queue.slug]


def _names(units: Sequence[Unit]) -> dict[str, str]:
    people = {person for unit in units for person in unit.said}
    return {str(pk): name for pk, name in User.objects.filter(pk__in=people).values_list("pk", "username")}


def _examples(actor: Actor, disputed: Sequence[Unit], names: dict[str, str]) -> tuple[Example, ...]:
    """Only cases this actor may see, whose answer they may know, and whose panel has ended or is none of theirs."""
    desk = desk_of(actor)
    looked_at = case_ids(disputed[:_LOOKED_AT])
    cases = unsealed_cases(visible_cases(actor, desk), actor, desk).filter(pk__in=looked_at)
    open_to = set(cases.values_list("pk", flat=True)) - kept_apart_ids(actor, looked_at, desk)
    shown = [unit for unit in disputed if uuid.UUID(unit.case) in open_to][:MOST_EXAMPLES]
    return tuple(
        Example(
            uuid.UUID(unit.case),
            tuple(sorted((names[person], label) for person, label in unit.said.items())),
            unit.entropy,
        )
        for unit in shown
    )
