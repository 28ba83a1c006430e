"""The training set before a queue: so many cases with a known answer, so many to get right.

A failed attempt may be repeated, with cases not yet seen first, as often as the queue says; then a supervisor decides.
"""

import math
import uuid

from django.db import transaction
from django.db.models import Count, F

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.errors import Conflict, Forbidden, NotFound
from hitl.core.permissions import Permission
from reviews.actions.decisions import check_label
from reviews.models import Case, GoldCase, GoldCopy, Queue, QueueStanding, TrainingAnswer, TrainingAttempt
from routing.engine.sampling import hash_draw


def open_attempt(actor: Actor, queue: Queue) -> TrainingAttempt | None:
    """The attempt this person is at; null without one."""
    rows = TrainingAttempt.objects.filter(queue=queue, user_id=actor.person_id, passed__isnull=True)
    return rows.first()


def attempts_left(queue: Queue, standing: QueueStanding | None, user_id: uuid.UUID) -> int:
    """How often this person may still try."""
    rows = TrainingAttempt.objects.filter(queue=queue, user_id=user_id, passed=False)
    if standing is not None and standing.attempts_from is not None:
        rows = rows.filter(started_at__gte=standing.attempts_from)
    return max(0, queue.training_attempts - rows.count())


@transaction.atomic
def start_training(*, actor: Actor, queue: Queue) -> TrainingAttempt:
    """Begin, or go on with the attempt that is open. Raises Forbidden, Conflict (`no_training`, `training_done`,
    `no_attempt_left`, `too_few_cases`)."""
    if not actor.may(Permission.REVIEW) or actor.user_id is None:
        raise Forbidden("Only who reviews needs the training set.")
    Queue.objects.select_for_update(of=("self",)).get(pk=queue.pk)
    if attempt := open_attempt(actor, queue):
        return attempt
    standing = QueueStanding.objects.filter(queue=queue, user_id=actor.user_id).first()
    if queue.training_cases == 0:
        raise Conflict("This queue asks for no training.", code="no_training")
    if standing is not None and standing.training in ("passed", "waived"):
        raise Conflict("You need no more training here.", code="training_done")
    if not attempts_left(queue, standing, actor.user_id):
        raise Conflict("No attempt is left; talk to your supervisor.", code="no_attempt_left")
    cases = _cases(actor, queue)
    if len(cases) < queue.training_cases:
        raise Conflict("The training set has too few cases yet; talk to your supervisor.", code="too_few_cases")
    attempt = TrainingAttempt.objects.create(
        workspace_id=queue.workspace_id,
        queue=queue,
        user_id=actor.user_id,
        pass_share=queue.training_pass_share,
        started_at=db_now(),
    )
    TrainingAnswer.objects.bulk_create(
        TrainingAnswer(workspace_id=queue.workspace_id, attempt=attempt, gold=gold, position=place)
        for place, gold in enumerate(cases[: queue.training_cases])
    )
    change = Change(after={"queue": queue.slug, "cases": queue.training_cases})
    record_event(actor=actor, action="training.started", subject=Subject("reviewer", actor.user_id), change=change)
    return attempt


def _cases(actor: Actor, queue: Queue) -> list[GoldCase]:
    """Those this person met least often first, then in an order of their own."""
    rows = GoldCase.objects.filter(workspace_id=queue.workspace_id, purpose=GoldCase.Purpose.TRAINING, active=True)
    if queue.task_type_id is not None:
        rows = rows.filter(task_type_id=queue.task_type_id)
    met: dict[uuid.UUID, int] = dict(
        TrainingAnswer.objects.filter(attempt__user_id=actor.person_id, answered_at__isnull=False)
        .values_list("gold_id")
        .annotate(times=Count("id"))
    )
    return sorted(rows, key=lambda g: (met.get(g.pk, 0), hash_draw(f"training:{actor.user_id}", str(g.pk))))


@transaction.atomic
def answer_training(*, actor: Actor, queue: Queue, position: int, label: str) -> TrainingAnswer:
    """Answer the next case; the last one ends the attempt. Raises NotFound, Conflict `answered`, Refused
    `unknown_label`."""
    attempt = open_attempt(actor, queue)
    if attempt is not None:  # of the last two answers at once, the second must see the first and end the attempt
        attempt = TrainingAttempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    row = (
        TrainingAnswer.objects.select_for_update(of=("self",))
        .select_related("gold__task_type")
        .filter(attempt=attempt, position=position)
        .first()
        if attempt
        else None
    )
    if attempt is None or row is None:
        raise NotFound()
    if row.label is not None:
        raise Conflict("You have answered this one.", code="answered")
    check_label(Case(task_type=row.gold.task_type), label)
    row.label, row.right, row.answered_at = label, label == row.gold.label, db_now()
    row.save(update_fields=["label", "right", "answered_at"])
    after = {"queue": queue.slug, "position": position, "label": label, "right": row.right}
    subject = Subject("reviewer", attempt.user_id)
    record_event(actor=actor, action="training.answered", subject=subject, change=Change(after=after))
    if not attempt.answers.filter(label__isnull=True).exists():
        _finish(actor, queue, attempt)
    return row


def _finish(actor: Actor, queue: Queue, attempt: TrainingAttempt) -> None:
    answers = list(attempt.answers.all())
    right = sum(bool(a.right) for a in answers)
    attempt.finished_at, attempt.passed = db_now(), right >= needed(len(answers), attempt.pass_share)
    attempt.save(update_fields=["finished_at", "passed"])
    rows = QueueStanding.objects.filter(queue=queue, user_id=attempt.user_id)
    standing, _ = rows.get_or_create(
        queue=queue, user_id=attempt.user_id, defaults={"workspace_id": queue.workspace_id}
    )
    if attempt.passed:
        standing.training = QueueStanding.Training.PASSED
    elif not attempts_left(queue, standing, attempt.user_id):
        standing.training = QueueStanding.Training.FAILED
    standing.save(update_fields=["training"])
    record_event(
        actor=actor,
        action="training.passed" if attempt.passed else "training.failed",
        subject=Subject("reviewer", attempt.user_id),
        change=Change(after={"queue": queue.slug, "right": right, "n": len(answers)}),
    )


def needed(n: int, share: float) -> int:
    """How many of n must be right."""
    return math.ceil(n * share - 1e-9)


@transaction.atomic
def mark_feedback_seen(*, actor: Actor) -> int:
    """This person has read the feedback on their gold cases so far."""
    rows = GoldCopy.objects.filter(
        feedback_seen_at__isnull=True,
        case__judgements__user_id=actor.person_id,
        case__judgements__stage="final",
        case__judgements__undone_at__isnull=True,
        case__judgements__effects_at__lte=db_now(),
        workspace_id=F("case__workspace_id"),
    )
    found = list(rows.values_list("pk", flat=True))
    if found:
        GoldCopy.objects.filter(pk__in=found).update(feedback_seen_at=db_now())
        subject = Subject("reviewer", actor.person_id)
        record_event(actor=actor, action="gold.feedback_read", subject=subject, change=Change(after={"n": len(found)}))
    return len(found)
