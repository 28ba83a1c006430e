"""Find decided cases like those that wait (mission D5). Worker only: imports numpy once there is something to find."""

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from feedback.precedent_pool import (
    cases_wanting_precedents,
    embeddings_by_case,
    inputs_of,
    judged_case_ids,
    judged_vectors,
)
from hitl.core.clock import now
from hitl.delivery.single_flight import single_flight
from reviews.actions.embeddings import mark_judged
from reviews.actions.precedents import KEPT, keep_precedents
from reviews.models import CasePrecedents
from routing.models import TaskType

log = logging.getLogger(__name__)
Nearest = dict[uuid.UUID, list[tuple[uuid.UUID, float]]]


def sweep_precedents() -> int:
    """Search for the cases at the head of the queues that have no fresh precedents; returns for how many.

    Single-flight and safe to repeat; a failure of one task type is logged and keeps none of the others from theirs.
    """
    with single_flight("feedback.precedents") as free:
        if not free:
            return 0
        done = 0
        wanted = cases_wanting_precedents()
        for task_type in TaskType.objects.filter(pk__in=wanted):
            try:
                done += _search(task_type, wanted[task_type.pk])
            except Exception:
                log.exception("precedents of %s failed", task_type.slug)
        return done


def _search(task_type: TaskType, cases: list[uuid.UUID]) -> int:
    at, method = now(), CasePrecedents.Method
    near = _by_embedding(task_type, cases)
    rest = [pk for pk in cases if pk not in near]
    alike = _by_features(task_type, rest)
    own = task_type.workspace_id
    stored = keep_precedents(workspace_id=own, method=method.EMBEDDING, found=near, at=at)
    return stored + keep_precedents(workspace_id=own, method=method.FEATURES, found=alike, at=at)


def _by_embedding(task_type: TaskType, cases: Sequence[uuid.UUID]) -> Nearest:
    """By cosine; only the cases that have an embedding, where any judged one of their dimension does."""
    asked = embeddings_by_case(cases)
    if not asked:
        return {}
    from feedback.diversity import unit_vectors

    mark_judged(task_type_id=task_type.pk)
    found: Nearest = {}
    for dim, rows in asked.items():
        judged = judged_vectors(task_type.pk, dim)
        if not judged:
            continue
        mine, usable = unit_vectors([vector for _, vector in rows], dim)
        theirs, _ = unit_vectors([vector for _, vector in judged], dim)
        ids = [pk for pk, _ in judged]
        for place, (pk, _) in enumerate(rows):
            if usable[place]:
                found[pk] = _nearest(pk, ids, theirs @ mine[place])
    return found


def _by_features(task_type: TaskType, cases: Sequence[uuid.UUID]) -> Nearest:
    """By Gower's similarity of what the task type presents. Without any judged case an empty list each."""
    if not cases:
        return {}
    from feedback.gower import describe, similarities

    pointers = [part["pointer"] for part in task_type.presentation]
    ids = judged_case_ids(task_type.workspace_id, task_type.pk)
    inputs = inputs_of({*ids, *cases})
    others = [describe(inputs[pk], pointers) for pk in ids]
    return {pk: _nearest(pk, ids, similarities(describe(inputs[pk], pointers), others)) for pk in cases}


def _nearest(case: uuid.UUID, ids: Sequence[uuid.UUID], scores: Any) -> list[tuple[uuid.UUID, float]]:
    """The most similar other cases, best first."""
    best = (-scores).argsort(kind="stable")[: KEPT + 1]
    return [(ids[n], max(0.0, min(1.0, float(scores[n])))) for n in best if ids[n] != case and scores[n] > 0.0]
