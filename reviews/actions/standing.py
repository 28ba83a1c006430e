"""Whether a person is given work of a queue: trained for it, not paused, guideline read."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.models import Membership, User
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.errors import Conflict, FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.access import QueueRight
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from reviews.models import Queue, QueueStanding

PAUSED = "reviewer_paused"

# reason → error code and what to do; the reason comes with the desk, which is read anyway.
BLOCKED = {
    "paused": (
        "reviewer_paused",
        "You are paused in “{slug}” because of your gold cases: see /quality/mine and talk to your supervisor. "
        "What you hold you may finish.",
    ),
    "training": ("training_required", "Pass the training set of “{slug}” first: /queues/{slug}/training."),
    "guideline": (
        "guideline_unacknowledged",
        "The guideline of “{slug}” is new or has changed: read and acknowledge it first: /queues/{slug}/guideline.",
    ),
}


def unblocked(rights: Sequence[QueueRight]) -> tuple[QueueRight, ...]:
    """The queues that give this person work."""
    return tuple(right for right in rights if not right.blocked)


def check_blocked(rights: Sequence[QueueRight]) -> None:
    """Refuse for the first of `rights` that gives this person nothing now.

    Raises Conflict `reviewer_paused`, `training_required` or `guideline_unacknowledged`, with `queue` beside it.
    """
    for right in rights:
        if right.blocked:
            code, detail = BLOCKED[right.blocked]
            raise Conflict(detail.format(slug=right.slug), code=code, extra={"queue": right.slug})


def _standing(queue: Queue, user_id: uuid.UUID) -> QueueStanding:
    """This person's row for the queue, locked; made where there is none."""
    QueueStanding.objects.bulk_create(
        [QueueStanding(workspace_id=queue.workspace_id, queue=queue, user_id=user_id)], ignore_conflicts=True
    )
    return QueueStanding.objects.select_for_update(of=("self",)).get(queue=queue, user_id=user_id)


def _record(actor: Actor, action: str, row: QueueStanding, queue: Queue, change: Change) -> None:
    after = {"queue": queue.slug, "user": str(row.user_id), **(change.after or {})}
    record_event(
        actor=actor,
        action=action,
        subject=Subject("reviewer", row.user_id),
        change=Change(change.before, after, change.reason[:2000]),
    )


def _subject(queue: Queue, user_id: uuid.UUID) -> str:
    """One alert per person and queue; 64 characters at most."""
    return f"{user_id.hex}:{queue.pk.hex[:31]}"


@transaction.atomic
def pause_reviewer(*, actor: Actor, queue: Queue, user: User, reason: str, values: dict[str, Any]) -> bool:
    """Give this person nothing more of the queue until a supervisor resumes them; what they hold they may finish.

    They see why, supervisors get an alert (page, webhook, e-mail where configured). False where already paused.
    """
    row = _standing(queue, user.pk)
    if row.paused_at is not None:
        return False
    row.paused_at, row.pause_reason = db_now(), reason
    row.save(update_fields=["paused_at", "pause_reason"])
    _record(actor, "reviewer.paused", row, queue, Change({"paused": False}, {"paused": True, **values}, reason))
    raise_alert(
        actor=actor,
        kind=PAUSED,
        about=About("reviewer", _subject(queue, user.pk), user.get_username(), "/quality", queue.task_type_id),
        words=Wording(
            title=gettext_noop("%(person)s is paused in %(queue)s"),
            detail=gettext_noop(
                "Right in %(right)s of the last %(n)s gold cases; surely below the %(floor)s asked for there."
            ),
            runbook=gettext_noop("Look at their gold cases with them, then resume them with a reason on /quality."),
            values={"person": user.get_username(), "queue": queue.title, **values},
        ),
    )
    return True


@transaction.atomic
def resume_reviewer(*, actor: Actor, queue_id: uuid.UUID, user_id: uuid.UUID, reason: str) -> QueueStanding:
    """Give them work again; earlier gold cases no longer count. Raises Forbidden, NotFound, Refused, Conflict."""
    queue, row, reason = _to_change(actor, queue_id, user_id, reason)
    if row.paused_at is None:
        raise Conflict("They are not paused here.", code="not_paused")
    row.paused_at, row.pause_reason, row.resumed_at = None, "", db_now()
    row.save(update_fields=["paused_at", "pause_reason", "resumed_at"])
    _record(actor, "reviewer.resumed", row, queue, Change({"paused": True}, {"paused": False}, reason))
    resolve_alert(actor=actor, kind=PAUSED, subject_type="reviewer", subject_id=_subject(queue, user_id), reason=reason)
    return row


@transaction.atomic
def waive_training(*, actor: Actor, queue_id: uuid.UUID, user_id: uuid.UUID, reason: str) -> QueueStanding:
    """They need not pass the training set. Raises Forbidden, NotFound, Refused."""
    queue, row, reason = _to_change(actor, queue_id, user_id, reason)
    before, row.training = str(row.training), QueueStanding.Training.WAIVED
    row.save(update_fields=["training"])
    _record(actor, "training.waived", row, queue, Change({"training": before}, {"training": "waived"}, reason))
    return row


@transaction.atomic
def allow_another_attempt(*, actor: Actor, queue_id: uuid.UUID, user_id: uuid.UUID, reason: str) -> QueueStanding:
    """Earlier attempts at the training set no longer count. Raises Forbidden, NotFound, Refused."""
    queue, row, reason = _to_change(actor, queue_id, user_id, reason)
    before, row.training, row.attempts_from = str(row.training), QueueStanding.Training.NONE, db_now()
    row.save(update_fields=["training", "attempts_from"])
    _record(actor, "training.reopened", row, queue, Change({"training": before}, {"training": "none"}, reason))
    return row


def _to_change(actor: Actor, queue_id: uuid.UUID, user_id: uuid.UUID, reason: str) -> tuple[Queue, QueueStanding, str]:
    actor.require(Permission.AUDIT_DECISIONS)
    queue = Queue.objects.filter(pk=queue_id, workspace_id=actor.workspace_id).first()
    member = Membership.objects.filter(workspace_id=actor.workspace_id, user_id=user_id)
    if queue is None or not member.exists():
        raise NotFound()
    if not reason.strip():
        raise Refused("Say why.", code="reason_required", errors=[FieldProblem("/reason", "Say why.", "required")])
    return queue, _standing(queue, user_id), reason.strip()
