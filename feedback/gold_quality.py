"""How people fare on gold cases: from judgements that can no longer be undone, with exact intervals."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from feedback.stats.bounds import clopper_pearson_upper
from feedback.tiering import Rate, rate
from hitl.accounts.models import User
from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.models import Decision, GoldCase, GoldCopy, Judgement, Queue, QueueStanding, ReviewTask
from reviews.views.shapes import title_of

ENOUGH = 5
DELTA = 0.05
"""Paused only where accuracy is below the floor at 95 % confidence, one-sided."""
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class GoldResult:
    """One gold case judged for good by one person, and what it teaches."""

    queue: Queue
    said: str
    right: bool
    truth: str
    explanation: str
    machine_wrong: bool
    at: datetime
    case_id: uuid.UUID
    seen: bool


def judged_gold(workspace_id: uuid.UUID) -> QuerySet[Judgement]:
    """Standing final judgements of gold copies that can no longer be undone, newest first."""
    rows = Judgement.objects.filter(
        workspace_id=workspace_id,
        review__kind=ReviewTask.Kind.GOLD,
        stage=Judgement.Stage.FINAL,
        undone_at__isnull=True,
        effects_at__lte=now(),
    )
    return rows.order_by("-id")


def results_of(actor: Actor, most: int = 100) -> list[GoldResult]:
    """This person's own, newest first."""
    rows = judged_gold(actor.workspace_id).filter(user_id=actor.person_id)
    rows = rows.select_related("case__gold_copy__gold__task_type", "review__queue")
    return [_result(row) for row in rows[:most]]


def _result(row: Judgement) -> GoldResult:
    copy: GoldCopy = row.case.gold_copy
    gold: GoldCase = copy.gold
    kind = gold.task_type
    return GoldResult(
        queue=row.review.queue,
        said=title_of(kind, row.label),
        right=row.label == gold.label,
        truth=title_of(kind, gold.label),
        explanation=gold.explanation,
        machine_wrong=gold.machine_wrong,
        at=row.created_at,
        case_id=row.case_id,
        seen=copy.feedback_seen_at is not None,
    )


@dataclass(frozen=True, slots=True)
class RoutineResult:
    """A case the machine had decided, judged once more to keep skills."""

    queue: Queue
    said: str
    machine: str
    alike: bool
    at: datetime


def routine_of(actor: Actor, most: int = 50) -> list[RoutineResult]:
    """The routine cases this person judged for good, newest first; said only afterwards that they were."""
    usual = ReviewTask.objects.filter(case_id=OuterRef("case_id")).exclude(kind=ReviewTask.Kind.BLIND)
    stands = Decision.objects.filter(case_id=OuterRef("case_id"), owner=Decision.Owner.SYSTEM).order_by("id")
    rows = Judgement.objects.filter(
        ~Exists(usual),
        workspace_id=actor.workspace_id,
        user_id=actor.person_id,
        review__kind=ReviewTask.Kind.BLIND,
        stage=Judgement.Stage.FINAL,
        undone_at__isnull=True,
        effects_at__lte=now(),
    ).annotate(machine=Subquery(stands.values("label")[:1]))
    found = rows.select_related("case__task_type", "review__queue").order_by("-id")[:most]
    return [
        RoutineResult(
            row.review.queue,
            title_of(row.case.task_type, row.label),
            title_of(row.case.task_type, row.machine or ""),
            row.label == row.machine,
            row.created_at,
        )
        for row in found
    ]


@dataclass(frozen=True, slots=True)
class PersonInQueue:
    """A reviewer's gold accuracy in a queue, all of it and where the machine is known to be wrong."""

    user: User
    queue: Queue
    accuracy: Rate
    where_machine_wrong: Rate
    standing: QueueStanding | None


def people_in_queues(actor: Actor) -> list[PersonInQueue]:
    """Everybody of the workspace who judged gold, or whose standing in a queue is on record; at most 20,000 results."""
    told: Mapping[tuple[uuid.UUID, uuid.UUID], list[tuple[bool, bool]]] = defaultdict(list)
    rows = judged_gold(actor.workspace_id).values_list(
        "user_id", "review__queue_id", "label", "case__gold_copy__gold__label", "case__gold_copy__gold__machine_wrong"
    )
    for user_id, queue_id, label, truth, wrong in rows[:_MOST]:
        told[user_id, queue_id].append((label == truth, wrong))
    standings = {(s.user_id, s.queue_id): s for s in QueueStanding.objects.filter(workspace_id=actor.workspace_id)}
    keys = told.keys() | standings.keys()
    users = User.objects.in_bulk({user for user, _ in keys})
    queues = Queue.objects.in_bulk({queue for _, queue in keys})
    if actor.task_type_ids is not None:
        queues = {k: q for k, q in queues.items() if q.task_type_id in actor.task_type_ids}
    found = [
        PersonInQueue(
            users[user],
            queues[queue],
            _rate([right for right, _ in told.get((user, queue), ())]),
            _rate([right for right, wrong in told.get((user, queue), ()) if wrong]),
            standings.get((user, queue)),
        )
        for user, queue in keys
        if queue in queues
    ]
    return sorted(found, key=lambda p: (not (p.standing and p.standing.paused_at), p.queue.slug, p.user.username))


def _rate(right: Sequence[bool]) -> Rate:
    return rate(sum(right), len(right))


def surely_below(right: int, n: int, floor: float) -> bool:
    """Whether the accuracy behind `right` of `n` is below `floor`: its one-sided 95 % upper bound is.

    Source: Clopper & Pearson 1934. Never with fewer than five.
    """
    return n >= ENOUGH and clopper_pearson_upper(right, n, DELTA) < floor


def recent_of(queue: Queue) -> dict[uuid.UUID, list[bool]]:
    """Per person the last `gold_window` gold cases since they were last resumed, right or not."""
    resumed = dict(
        QueueStanding.objects.filter(queue=queue, resumed_at__isnull=False).values_list("user_id", "resumed_at")
    )
    rows = judged_gold(queue.workspace_id).filter(review__queue=queue)
    found: dict[uuid.UUID, list[bool]] = defaultdict(list)
    told = rows.annotate(truth=F("case__gold_copy__gold__label")).values_list("user_id", "label", "truth", "created_at")
    for user_id, label, truth, at in told[:_MOST]:
        since = resumed.get(user_id)
        if (since is None or at > since) and len(found[user_id]) < queue.gold_window:
            found[user_id].append(label == truth)
    return found


def watched_queues() -> QuerySet[Queue]:
    """Queues with a floor."""
    return Queue.objects.filter(~Q(gold_min_accuracy=None)).select_related("task_type")
