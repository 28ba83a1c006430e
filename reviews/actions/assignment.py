"""A supervisor gives a review to one person, who is served it before anything else, or takes it from them again."""

import uuid

from django.db import transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.errors import Conflict, FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission
from hitl.core.rows import insert_rows
from reviews.access import sealed_ids
from reviews.actions.handover_notes import note_handover
from reviews.actions.heads import note_waiting
from reviews.models import Handover, ReviewTask
from reviews.people import qualified

Status = ReviewTask.Status


@transaction.atomic
def assign_review(
    *, actor: Actor, review_id: uuid.UUID, to: str, note: str = "", instead_of: str | None = None
) -> ReviewTask:
    """Keep an open review for one qualified person; the clock runs on, and once it is due it is open to all.

    `instead_of`: whom it is assigned to now. Somebody else's assignment is not overwritten by accident.
    Raises Conflict (`already_claimed`, `already_assigned`), Refused `not_qualified`, NotFound.
    """
    review = _locked(actor, review_id)
    person = next(iter(qualified(review, review.queue, username=to)), None)
    if person is None:
        problem = FieldProblem(
            "/to", "Name somebody who may claim from its queue and is not excluded.", "not_qualified"
        )
        raise Refused(f"“{to}” cannot be given this case.", code="not_qualified", errors=[problem])
    before = review.assigned_to.username if review.assigned_to else None
    if before == person.username and review.status == Status.ASSIGNED:
        return review
    if before != instead_of:
        whom = f"It is assigned to {before}" if before else "It is assigned to nobody"
        raise Conflict(f"{whom}; say so with `instead_of` to change that.", code="already_assigned")
    at = db_now()
    ReviewTask.objects.filter(pk=review.pk).update(status=Status.ASSIGNED, assigned_to_id=person.id, snoozed_until=None)
    change = Change({"to": before, "status": review.status}, {"to": person.username, "status": "assigned"}, note)
    subject = Subject("review", review.pk, review.case_id)
    insert_rows(build_event(actor=actor, action="review.assigned", subject=subject, change=change, at=at))
    note_handover(
        actor=actor, review=review, kind=Handover.Kind.ASSIGNED, note=note, at=at, to=person.id,
        queues=(review.queue_id, review.queue_id), informed=not sealed_ids(actor, [review.case]),
    )  # fmt: skip
    review.refresh_from_db()
    return review


@transaction.atomic
def unassign_review(*, actor: Actor, review_id: uuid.UUID, reason: str = "") -> ReviewTask:
    """Open an assigned review to everybody again. Raises Conflict `already_claimed`; unassigned already: no change."""
    review = _locked(actor, review_id)
    if review.assigned_to is None:
        return review
    status = Status.WAITING if review.status == Status.ASSIGNED else Status(review.status)
    ReviewTask.objects.filter(pk=review.pk).update(status=status, assigned_to=None)
    note_waiting(review.queue_id, review)
    change = Change({"to": review.assigned_to.username}, {"to": None, "status": status.value}, reason)
    subject = Subject("review", review.pk, review.case_id)
    insert_rows(build_event(actor=actor, action="review.unassigned", subject=subject, change=change, at=db_now()))
    review.refresh_from_db()
    return review


def _locked(actor: Actor, review_id: uuid.UUID) -> ReviewTask:
    """The open review under its row lock, so that nobody claims or assigns it meanwhile."""
    actor.require(Permission.ASSIGN_REVIEWS)
    rows = ReviewTask.objects.select_for_update(of=("self",)).filter(pk=review_id, workspace_id=actor.workspace_id)
    # Its queue and person are read after the lock: joined rows would be those of before it was waited for.
    review = rows.select_related("case").first()
    if review is None or not actor.sees_task_type(review.case.task_type_id):
        raise NotFound()
    if review.status not in ReviewTask.IDLE:
        held = review.status == Status.CLAIMED
        detail = "Somebody holds it now." if held else "Its review is over."
        raise Conflict(detail, code="already_claimed" if held else "already_decided")
    return review
