"""What the disagreement model learns from: predictions that people judged, and whether they overruled them."""

import uuid
from collections import Counter
from collections.abc import Iterator

from feedback.disagreement_fit import JudgedCase
from feedback.evidence import by_chance, chosen_to_learn, selection_probability_of, unaided_labels
from feedback.models import TrainingLabel
from feedback.selectors import CaseEvidence, evidence_of_cases
from reviews.models import Judgement
from routing.engine.features import Features
from routing.models import TaskType

MAX_CASES = 20_000
MAX_WEIGHT = 20.0
"""An audited case stands for at most so many others: one rare draw must not be the whole model."""
AIDED = 0.5
"""How much a judgement made in view of the machine's answer counts: people then overrule less than they would."""
_CHUNK = 500


def judged_predictions(task_type: TaskType) -> list[JudgedCase]:
    """The newest cases of a task type that people judged; the majority decides, a tie teaches nothing."""
    ids = TrainingLabel.objects.filter(task_type=task_type, model_label__isnull=False).order_by("-case_id")
    case_ids = list(ids.values_list("pk", flat=True)[:MAX_CASES])
    return sorted(_judged(case_ids), key=lambda case: case.key)


def _judged(case_ids: list[uuid.UUID]) -> Iterator[JudgedCase]:
    for start in range(0, len(case_ids), _CHUNK):
        for found in evidence_of_cases(case_ids[start : start + _CHUNK]):
            judged = _one(found)
            if judged is not None:
                yield judged


def _one(found: CaseEvidence) -> JudgedCase | None:
    if found.routing is None:
        return None
    judgements = by_chance(found.judgements)  # what appeals and reports bring is mostly wrong, and no sample
    unaided = unaided_labels(judgements)
    said = unaided or [j.label for j in judgements if j.stage == Judgement.Stage.FINAL]
    label = _majority(said)
    features = Features.from_json(found.routing.features)
    if label is None or features.label is None:
        return None
    by_score = chosen_to_learn(found)
    weight = min(1.0 / selection_probability_of(found), MAX_WEIGHT)
    overruled = label != features.label
    return JudgedCase(str(found.case.pk), features, overruled, weight * (1.0 if unaided else AIDED), not by_score)


def _majority(labels: list[str]) -> str | None:
    """Null without labels or on a tie."""
    ranked = Counter(labels).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return None if tied or not ranked else ranked[0][0]
