"""For as long as its blind sample is open a decided case belongs to the queue that judges it, then it goes home."""

import uuid
from datetime import datetime

from hitl.core.actors import Actor
from hitl.core.rows import insert_rows
from reviews.history import case_history
from reviews.models import Case, ReviewTask


def lend_case(*, actor: Actor, case: Case, queue_id: uuid.UUID | None, at: datetime) -> None:
    """The case belongs to this queue (null: to none) from now, with its history; inside the caller's transaction."""
    case.queue_id = queue_id
    Case.objects.filter(pk=case.pk).update(queue_id=queue_id)
    insert_rows(case_history(case, actor=actor, at=at, reason="blind sample"))


def return_case(*, actor: Actor, case: Case, at: datetime) -> None:
    """The blind sample is over: the case belongs again to the queue that decided it, to none where the machine did."""
    first = ReviewTask.objects.filter(case_id=case.pk, kind=ReviewTask.Kind.FIRST).order_by("-id").first()
    lend_case(actor=actor, case=case, queue_id=first.queue_id if first else None, at=at)
