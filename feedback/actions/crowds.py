"""Fit Dawid–Skene over the people's votes of every task type and keep it beside the majority. Worker only."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import QuerySet

from feedback.models import CrowdLabel, CrowdRun
from feedback.stats.dawid_skene import DawidSkeneModel, Vote, dawid_skene
from hitl.core.clock import now
from reviews.models import Judgement, ReviewTask
from routing.models import TaskType

MOST_VOTES = 100_000
"""The newest; older ones describe other people and another guideline."""
_BATCH = 1_000
_LOCK = "feedback.crowds"
_FIELDS = ["run", "votes", "majority", "label", "posterior", "differs"]
_Kind = ReviewTask.Kind
# What is no independent voice beside the others: rulings, and what measures the person or the tier.
_NO_VOTE = [_Kind.ADJUDICATION, _Kind.APPEAL, _Kind.GOLD, _Kind.BLIND]


def compare_crowds() -> int:
    """Fit anew where anybody judged since the last time; how many task types. Safe twice or at once."""
    return sum(compare_crowd(task_type) for task_type in TaskType.objects.order_by("pk"))


@transaction.atomic
def compare_crowd(task_type: TaskType) -> bool:
    """One task type; false where nothing is new. One at a time per task type."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{_LOCK}:{task_type.pk}"])
    newest = _votes(task_type).order_by("-pk").values_list("pk", flat=True).first()
    last = CrowdRun.objects.filter(task_type=task_type).order_by("-pk").first()
    if newest is None or (last is not None and last.last_judgement == newest):
        return False
    _fit(task_type, newest)
    return True


def _votes(task_type: TaskType) -> QuerySet[Judgement]:
    rows = Judgement.objects.filter(
        workspace_id=task_type.workspace_id,
        case__task_type=task_type,
        stage=Judgement.Stage.FINAL,
        undone_at__isnull=True,
    )
    return rows.exclude(review__kind__in=_NO_VOTE)


def _fit(task_type: TaskType, newest: uuid.UUID) -> None:
    rows = _votes(task_type).order_by("-pk").values_list("case_id", "user_id", "label")[:MOST_VOTES]
    # One voice a person: the newest.
    said = {(case_id, user_id): label for case_id, user_id, label in reversed(list(rows))}
    fit = dawid_skene(Vote(str(case_id), str(user_id), label) for (case_id, user_id), label in said.items())
    run = CrowdRun(
        workspace_id=task_type.workspace_id,
        task_type=task_type,
        last_judgement=newest,
        items=fit.items,
        raters=fit.raters,
        votes=fit.votes,
        reason=fit.reason or "",
        created_at=now(),
    )
    counts: defaultdict[uuid.UUID, Counter[str]] = defaultdict(Counter)
    for (case_id, _), label in said.items():
        counts[case_id][label] += 1
    labels = list(_labels(run, fit.model, counts)) if fit.model else []
    if fit.model:
        run.priors = dict(zip(fit.model.labels, fit.model.priors, strict=True))
        run.converged = fit.model.converged
        run.compared = sum(label.majority is not None for label in labels)
        run.agreeing = sum(label.majority == label.label for label in labels)
    run.save(force_insert=True)
    CrowdLabel.objects.bulk_create(
        labels, batch_size=_BATCH, update_conflicts=True, unique_fields=["case"], update_fields=_FIELDS
    )
    CrowdLabel.objects.filter(task_type=task_type).exclude(run=run).delete()


def _labels(run: CrowdRun, model: DawidSkeneModel, counts: dict[uuid.UUID, Counter[str]]) -> Iterator[CrowdLabel]:
    """Of every case that two or more people judged."""
    for case_id, votes in counts.items():
        if votes.total() < 2:
            continue
        (first, most), *others = votes.most_common(2)
        majority = None if others and others[0][1] == most else first
        label, _ = model.likeliest(str(case_id))
        posterior = zip(model.labels, model.posteriors[str(case_id)], strict=True)
        yield CrowdLabel(
            case_id=case_id,
            workspace_id=run.workspace_id,
            task_type_id=run.task_type_id,
            run=run,
            votes=dict(sorted(votes.items())),
            majority=majority,
            label=label,
            posterior={name: round(share, 6) for name, share in posterior},
            differs=label != majority,
        )
