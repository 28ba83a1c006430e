"""What retraining is decided on, and the examples to do it with. Plain SQL and Python."""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Min

from feedback.models import TrainingLabel
from feedback.stats.priority_sampling import priority_sample
from routing.models import TaskType

MOST_READ = 200_000
"""Labels a representative sample is drawn from: the newest of its time."""

# Whether a judgement n (its review r) shows if the machine was right: said before its answer could be known, on a case
# that chance or the policy brought, not an appeal, a report or active learning. In the arm "after" that is the first
# judgement, in "never" the final one, but for who read what others said; only of people whose last word stands.
COMPARABLE = """
r.kind NOT IN ('appeal', 'report', 'learning') AND CASE n.stage
  WHEN 'final' THEN n.visibility = 'never' AND NOT (r.kind = 'adjudication' OR r.seat = 'asker')
  ELSE (n.visibility = 'after' OR (n.visibility = 'never' AND (r.kind = 'adjudication' OR r.seat = 'asker')))
    AND EXISTS (SELECT 1 FROM reviews_judgement f WHERE f.review_id = n.review_id AND f.user_id = n.user_id
      AND f.stage = 'final' AND f.undone_at IS NULL)
END
"""
_COUNTED = f"""
SELECT t.model_version, count(*) FILTER (WHERE j.stage = 'final'),
  count(*) FILTER (WHERE alone), count(*) FILTER (WHERE alone AND j.label <> t.model_label)
FROM (
  SELECT n.case_id, n.stage, n.label, ({COMPARABLE}) AS alone
  FROM reviews_judgement n JOIN reviews_reviewtask r ON r.id = n.review_id
  WHERE n.id >= %(since_id)s AND n.workspace_id = %(workspace)s AND n.undone_at IS NULL
    AND r.kind NOT IN ('gold', 'blind')
) j JOIN feedback_traininglabel t ON t.case_id = j.case_id
WHERE t.task_type_id = %(task_type)s AND t.model_version IS NOT NULL AND t.model_label IS NOT NULL
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """Judgements of one model version's cases in a window: all, those made unaided, and how many of these overruled."""

    model_version: str
    judged: int
    compared: int
    overruled: int


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a training set. weight: to learn with; sampling_weight: how many cases it stands for."""

    case_id: uuid.UUID
    label: str
    weight: float
    sampling_weight: float


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The examples by case, how they were asked for, and their fingerprint."""

    query: dict[str, Any]
    examples: tuple[Example, ...]

    @property
    def hash(self) -> str:
        """SHA-256 over one line per example: case, label, both weights as Python writes them, parted by tabs."""
        lines = (f"{e.case_id}\t{e.label}\t{e.weight!r}\t{e.sampling_weight!r}\n" for e in self.examples)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def judged_since(task_type: TaskType, since: datetime) -> list[Judged]:
    """Per model version; one statement. Training labels must be up to date."""
    values = {"since_id": first_id(since), "workspace": task_type.workspace_id, "task_type": task_type.pk}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, values)
        return [Judged(*row) for row in cursor.fetchall()]


def labelled_models(task_type: TaskType) -> dict[str, datetime]:
    """Model versions with labels, and when the oldest of these was made."""
    rows = _usable(task_type).filter(model_version__isnull=False)
    return dict(rows.values_list("model_version").annotate(first=Min("updated_at")))


def representative_labels(task_type: TaskType, first: uuid.UUID) -> int:
    """Labels a representative set of cases from `first` on could be drawn from."""
    return int(_representative(task_type, first)[:MOST_READ].count())


def recent_set(task_type: TaskType, model_version: str, *, since: datetime, as_of: datetime, size: int) -> TrainingSet:
    """The newest labels of cases that this model version predicted, at most `size`."""
    rows = _usable(task_type).filter(model_version=model_version, updated_at__gte=since, updated_at__lte=as_of)
    newest = rows.order_by("-updated_at", "-case_id").values_list("case_id", "label", "weight")[:size]
    query = {
        "task_type": task_type.slug,
        "model_version": model_version,
        "labelled_from": since.isoformat(),
        "labelled_to": as_of.isoformat(),
        "chosen": "newest",
        "limit": size,
    }
    return TrainingSet(query, _by_case(Example(case_id, label or "", weight, 1.0) for case_id, label, weight in newest))


def representative_set(task_type: TaskType, *, since: datetime, as_of: datetime, size: int) -> TrainingSet:
    """Labels of all model versions' cases submitted since then, drawn so that they stand for everything submitted.

    Each label weighs one over its selection probability (Horvitz & Thompson 1952); of more than `size` a priority
    sample is drawn. What active learning chose is left out: its score is no probability.
    """
    rows = _representative(task_type, first_id(since)).filter(updated_at__lte=as_of)
    columns = ("case_id", "label", "weight", "selection_probability")
    found = list(rows.order_by("-case_id").values_list(*columns)[:MOST_READ])
    salt = f"representative:{task_type.pk}"
    drawn = priority_sample({str(case_id): 1.0 / p for case_id, _, _, p in found}, size, salt)
    query = {
        "task_type": task_type.slug,
        "model_version": None,
        "submitted_from": since.isoformat(),
        "labelled_to": as_of.isoformat(),
        "chosen": "priority_sample",
        "limit": size,
        "drawn_from": len(found),
        "salt": salt,
        "threshold": drawn.threshold,
    }
    examples = (
        Example(case_id, label or "", weight, drawn.weights[str(case_id)])
        for case_id, label, weight, _ in found
        if str(case_id) in drawn.weights
    )
    return TrainingSet(query, _by_case(examples))


def first_id(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond (RFC 9562)."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _usable(task_type: TaskType) -> Any:
    """Ties teach nothing."""
    return TrainingLabel.objects.filter(task_type=task_type, label__isnull=False, weight__gt=0.0)


def _representative(task_type: TaskType, first: uuid.UUID) -> Any:
    return _usable(task_type).filter(case_id__gte=first, selected_by=TrainingLabel.SelectedBy.ROUTE)


def _by_case(examples: Iterable[Example]) -> tuple[Example, ...]:
    return tuple(sorted(examples, key=lambda e: e.case_id))
