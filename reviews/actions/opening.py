"""Reviews about to be opened: what is due when, and the panel that a scheme puts together (docs/schemes.md)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db.models import Model

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from hitl.core.rows import insert_rows, new_row
from reviews.actions.heads import note_waiting
from reviews.engine.declared import decode_scheme
from reviews.engine.schemes import ADJUDICATOR, FIRST, SECOND, THIRD, Kind, Open, Seat, next_step
from reviews.models import Case, Panel, ReviewTask
from reviews.selectors import QueueChoice, choose_queue, queues_named

KINDS = {
    FIRST: ReviewTask.Kind.FIRST,
    SECOND: ReviewTask.Kind.SECOND,
    THIRD: ReviewTask.Kind.THIRD,
    ADJUDICATOR: ReviewTask.Kind.ADJUDICATION,
}
_AT_LEAST = timedelta(minutes=1)


def new_review(case: Case, choice: QueueChoice, *, kind: ReviewTask.Kind, at: datetime) -> ReviewTask:
    """An unsaved waiting review; due at the earlier of the tier's SLA and required-by."""
    due = at + timedelta(seconds=choice.sla_s)
    if case.required_by is not None:
        due = min(due, case.required_by)
    return new_row(
        ReviewTask,
        workspace_id=case.workspace_id,
        case_id=case.pk,
        queue_id=choice.id,
        kind=kind.value,
        order_key=-case.priority,
        due_at=due,
        urgent_at=due - (due - at) * choice.near_due_share,
        subject=case.subject,
        submitted_by_id=case.submitted_by_id,
        created_at=at,
    )


def panel_rows(case: Case, review: ReviewTask | None, choice: QueueChoice | None) -> tuple[Model, ...]:
    """The panel that judges a case and its other first reviews, unsaved; `review` takes the first seat.

    Empty where one person judges: the queue's scheme says so, or the review asks about what is decided already.
    """
    if review is None or choice is None or choice.scheme == "{}" or review.kind != ReviewTask.Kind.FIRST:
        return ()
    scheme = decode_scheme(choice.scheme)
    step = next_step(scheme, ())
    if scheme.kind is Kind.SINGLE or not isinstance(step, Open):
        return ()
    panel = new_row(
        Panel,
        workspace_id=case.workspace_id,
        case_id=case.pk,
        queue_id=choice.id,
        scheme=msgspec.json.decode(choice.scheme),
        opened_at=review.created_at,
    )
    first, *others = step.seats
    named = _queues(case, step.seats)
    soon = review.urgent_at == review.created_at
    _take_seat(review, panel, first, named.get(first.queue))
    rows = [_seated(case, panel, seat, named.get(seat.queue, choice), review.created_at) for seat in others]
    for row in (review, *rows) if soon else ():
        row.urgent_at = row.created_at
    return (panel, *rows)


def _queues(case: Case, seats: Sequence[Seat]) -> dict[str, QueueChoice]:
    slugs = sorted({seat.queue for seat in seats if seat.queue})
    return queues_named(workspace_id=case.workspace_id, slugs=slugs) if slugs else {}


def _take_seat(review: ReviewTask, panel: Panel, seat: Seat, choice: QueueChoice | None) -> None:
    review.panel_id, review.seat = panel.pk, seat.name
    review.kind = KINDS.get(seat.name, ReviewTask.Kind.ROLE).value
    if choice is not None:
        due = min(review.due_at, review.created_at + timedelta(seconds=choice.sla_s))
        review.queue_id, review.due_at = choice.id, due
        review.urgent_at = due - (due - review.created_at) * choice.near_due_share


def _seated(case: Case, panel: Panel, seat: Seat, choice: QueueChoice, at: datetime) -> ReviewTask:
    review = new_review(case, choice, kind=KINDS.get(seat.name, ReviewTask.Kind.ROLE), at=at)
    review.panel_id, review.seat = panel.pk, seat.name
    if review.due_at < at + _AT_LEAST:  # required-by is past, and somebody has to read it all the same
        review.due_at = review.urgent_at = at + _AT_LEAST
    note_waiting(choice.id, review)
    return review


def open_seats(
    *, actor: Actor, panel: Panel, case: Case, step: Open, follows: Model | None, at: datetime
) -> list[ReviewTask]:
    """Open further reviews of a panel, with an event each; empty where no queue of a higher tier takes one."""
    named = _queues(case, step.seats)
    rows = []
    for seat in step.seats:
        choice = _above(panel, case) if seat.above else named.get(seat.queue, _own(panel))
        if choice is None:
            return []
        rows.append(_seated(case, panel, seat, choice, at))
    for row in rows:
        row.follows_id = follows.pk if follows else None
    events = [
        build_event(
            actor=actor,
            action="review.opened",
            subject=Subject("review", row.pk, case.pk),
            change=Change(after={"kind": row.kind, "due_at": rfc3339(row.due_at)}, reason=step.explanation),
            at=at,
        )
        for row in rows
    ]
    insert_rows(*rows, *events)
    return rows


def _own(panel: Panel) -> QueueChoice:
    queue = panel.queue
    return QueueChoice(queue.pk, queue.slug, queue.near_due_share, queue.tier.sla_s, queue.tier.slug, queue.tier.rank)


def _above(panel: Panel, case: Case) -> QueueChoice | None:
    return choose_queue(
        workspace_id=case.workspace_id,
        task_type_id=case.task_type_id,
        tier_slug="",
        min_rank=panel.queue.tier.rank + 1,
    )
