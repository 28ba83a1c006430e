"""What several people said of the same cases: unaided, or as their last word. Read by the web process."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from feedback.queue_loads import first_id
from feedback.stats.agreement_parts import Unit
from hitl.core.actors import Actor
from reviews.models import Judgement, Queue, ReviewTask

MOST = 20_000
"""Judgements looked at, the newest of the workspace in the window."""
UNAIDED, FINAL = "unaided", "final"

# Gold measures a person, an adjudicator has read what the others said, and who answers an appeal knows that the case is
# contested: none of them is one of several equal judgements.
_SAID = """
SELECT j.case_id::text, q.slug, j.user_id::text, j.stage, j.label, j.visibility, r.seat = 'asker'
FROM (
  SELECT n.* FROM reviews_judgement n
  WHERE n.id >= %(since_id)s AND n.workspace_id = %(workspace)s AND n.undone_at IS NULL
  ORDER BY n.id DESC LIMIT %(most)s
) j JOIN reviews_reviewtask r ON r.id = j.review_id JOIN reviews_queue q ON q.id = r.queue_id
WHERE r.queue_id = ANY(%(queues)s) AND r.kind <> ALL(%(kinds)s)
  AND EXISTS (SELECT 1 FROM reviews_judgement o
    WHERE o.case_id = j.case_id AND o.user_id <> j.user_id AND o.undone_at IS NULL)
ORDER BY j.id
"""
_LEFT_OUT = [ReviewTask.Kind.GOLD, ReviewTask.Kind.ADJUDICATION, ReviewTask.Kind.APPEAL]
_Stage, _Visibility = Judgement.Stage, Judgement.Visibility


class Word(NamedTuple):
    """One judgement. `asked`: the last word of somebody who had asked for an opinion and read it."""

    case: str
    queue: str
    person: str
    stage: str
    label: str
    visibility: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """Cases that at least two people judged, by what is compared: unaided judgements, or last words."""

    unaided: tuple[Unit, ...]
    final: tuple[Unit, ...]


def compared_cases(actor: Actor, queues: Sequence[Queue], since: datetime) -> Compared:
    """Those of the newest `MOST` judgements since then; one statement."""
    values: dict[str, Any] = {
        "since_id": first_id(since),
        "workspace": actor.workspace_id,
        "queues": [queue.pk for queue in queues],
        "kinds": [str(kind) for kind in _LEFT_OUT],
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAID, values)
        words = [Word(*row) for row in cursor.fetchall()]
    return Compared(_units(words, UNAIDED), _units(words, FINAL))


def _units(words: Sequence[Word], basis: str) -> tuple[Unit, ...]:
    cases: dict[str, dict[str, list[Word]]] = defaultdict(lambda: defaultdict(list))
    queues: dict[str, str] = {}
    for word in words:
        cases[word.case][word.person].append(word)
        queues.setdefault(word.case, word.queue)
    found = []
    for case, people in cases.items():
        labels = {person: word_of(said, basis) for person, said in people.items()}
        kept = {person: label for person, label in labels.items() if label is not None}
        if len(kept) >= 2:
            found.append(Unit(case, queues[case], kept))
    return tuple(found)


def word_of(said: Sequence[Word], basis: str) -> str | None:
    """One person's word on a case in order of arrival; null without a standing last word, or one that was unaided.

    Unaided as `feedback.evidence.unaided_labels`: in the arm “never” the last word, else the first judgement.
    """
    final = next((word for word in reversed(said) if word.stage == _Stage.FINAL), None)
    if final is None or basis == FINAL:
        return final.label if final else None
    if final.visibility == _Visibility.NEVER and not final.asked:
        return final.label
    first = next((word for word in said if word.stage == _Stage.FIRST), None)
    return first.label if first is not None and final.visibility != _Visibility.BEFORE else None


def case_ids(units: Sequence[Unit]) -> list[uuid.UUID]:
    """Their cases."""
    return [uuid.UUID(unit.case) for unit in units]
