"""The active-learning sweep of one task type (mission B12). Worker only: imports numpy."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import numpy as np

from feedback.diversity import Regions, Vectors, count_judged, find_regions, nearest_distance
from feedback.learning_pool import (
    best_of_pool,
    embeddings_of,
    features_of_cases,
    judged_embeddings,
    new_automated_cases,
    reviews_to_label,
    reviews_to_reorder,
    sample_embeddings,
    stored_centres,
)
from feedback.models import LearningMap
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from hitl.delivery.single_flight import single_flight
from reviews.actions.embeddings import mark_judged
from reviews.actions.learning import (
    Reordered,
    forget_scores,
    keep_scores,
    move_to_learning,
    open_learning_review,
    reorder_reviews,
    withdraw_learning_review,
)
from reviews.models import LearningScore, Queue, ReviewTask
from reviews.selectors import learning_queue
from routing.engine.active_learning import ActiveLearning, Admission, admission, learning_score
from routing.engine.active_learning import LearningScore as Score
from routing.engine.policy import CompiledPolicy
from routing.engine.signals import compute_signals
from routing.models import TaskType

_REFIT = timedelta(days=1)
_NOTICEABLE = 0.02
"""A smaller change of priority is not worth an event."""


@dataclass(slots=True)
class Swept:
    """What a sweep did: cases scored, chosen for a review, given a new priority."""

    scored: int = 0
    chosen: int = 0
    reordered: int = 0


@dataclass(slots=True)
class _Sweep:
    task_type: TaskType
    policy: CompiledPolicy
    settings: ActiveLearning
    actor: Actor
    at: datetime
    dim: int
    judged: Vectors
    regions: Regions | None
    vectors: dict[uuid.UUID, Vectors] = field(default_factory=dict)


def sweep_active_learning(*, task_type: TaskType, policy: CompiledPolicy) -> Swept | None:
    """Score new cases, fill the learning queue with those that teach most, order waiting reviews by diversity.

    Single-flight per task type: null while another process is at it. Safe to repeat: a case is asked about once.
    """
    with single_flight(f"feedback.active_learning:{task_type.pk}") as free:
        if not free:
            return None
        mark_judged(task_type_id=task_type.pk)
        run = _start(task_type, policy)
        done = Swept()
        if policy.document.active_learning is not None:
            done.scored, done.chosen = _learn(run)
        if policy.document.priority.weights.diversity > 0.0 and run.dim:
            done.reordered = _reorder(run)
        return done


def _start(task_type: TaskType, policy: CompiledPolicy) -> _Sweep:
    at = now()
    judged = judged_embeddings(task_type)
    dim, vectors = (judged.dim, judged.vectors) if judged else (0, np.zeros((0, 0), dtype=np.float32))
    regions = _regions(task_type, dim, vectors, at) if judged else None
    settings = policy.document.active_learning or ActiveLearning()
    actor = system_actor(task_type.workspace_id, "active learning")
    return _Sweep(task_type, policy, settings, actor, at, dim, vectors, regions)


def _regions(task_type: TaskType, dim: int, judged: Vectors, at: datetime) -> Regions | None:
    """The stored regions counted anew; found anew once a day."""
    row = LearningMap.objects.filter(task_type=task_type).first()
    centres = stored_centres(row, dim)
    fresh = row is not None and at - row.fitted_at < _REFIT
    if centres is not None and fresh:
        regions: Regions | None = count_judged(centres, judged)
    else:
        regions = find_regions(sample_embeddings(task_type, dim), judged, centres)
    if regions is None:
        return None
    values = {
        "workspace_id": task_type.workspace_id,
        "dim": dim,
        "centres": regions.centres.astype("<f4").tobytes(),
        "judged": regions.judged.tolist(),
        "fitted_at": row.fitted_at if row is not None and centres is not None and fresh else at,
        "counted_at": at,
    }
    LearningMap.objects.update_or_create(task_type=task_type, defaults=values)
    return regions


def _learn(run: _Sweep) -> tuple[int, int]:
    """Score what is new and what the pool holds best; let the queue take what it wants of it."""
    queue = learning_queue(workspace_id=run.task_type.workspace_id, task_type_id=run.task_type.pk)
    since = run.at - timedelta(days=run.settings.window_days)
    forget_scores(task_type_id=run.task_type.pk, before=since)
    fresh = new_automated_cases(run.task_type, since)
    labelling = reviews_to_label(run.task_type) if queue else {}
    pool = best_of_pool(run.task_type) if queue else []
    case_ids = list(dict.fromkeys([*fresh, *pool, *labelling]))
    scores = _score(run, case_ids)
    keep_scores(
        [_row(run, case_id, scores[case_id], labelling.get(case_id)) for case_id in case_ids if case_id in scores]
    )
    chosen = _fill(run, queue, scores, labelling) if queue else 0
    return len(fresh), chosen


def _score(run: _Sweep, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Score]:
    """Every case that was routed, on the features it was routed on."""
    run.vectors |= embeddings_of(case_ids, run.dim) if run.dim else {}
    placed = [case_id for case_id in case_ids if case_id in run.vectors]
    distance = _distances(run, placed)
    rarity = run.regions.rarity() if run.regions else None
    features = features_of_cases(run.task_type, case_ids)
    scores = {}
    for case_id in case_ids:
        if case_id not in features:
            continue
        region = region_of(run.regions, run.vectors.get(case_id))
        scores[case_id] = learning_score(
            features[case_id],
            compute_signals(features[case_id], run.task_type.label_values),
            run.policy.calibrate(features[case_id]).confidence,
            run.settings,
            diversity=distance.get(case_id),
            rarity=float(rarity[region]) if rarity is not None and region is not None else 0.0,
        )
    return scores


def _distances(run: _Sweep, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, float]:
    if not case_ids:
        return {}
    found = nearest_distance(np.stack([run.vectors[case_id] for case_id in case_ids]), run.judged)
    return dict(zip(case_ids, found.tolist(), strict=True))


def region_of(regions: Regions | None, vector: Vectors | None) -> int | None:
    """The number of the region a vector falls into; null without regions or vector."""
    return None if regions is None or vector is None else int(regions.of(vector[None, :])[0])


def _row(run: _Sweep, case_id: uuid.UUID, score: Score, review_id: uuid.UUID | None) -> LearningScore:
    return LearningScore(
        case_id=case_id,
        workspace_id=run.task_type.workspace_id,
        task_type_id=run.task_type.pk,
        review_id=review_id,
        score=score.value,
        factors=msgspec.to_builtins(score.factors),
        region=region_of(run.regions, run.vectors.get(case_id)),
        policy_version=run.policy.version,
        scored_at=run.at,
    )


def _fill(
    run: _Sweep, queue: Queue, scores: Mapping[uuid.UUID, Score], labelling: Mapping[uuid.UUID, uuid.UUID]
) -> int:
    """Offer cases to the queue, best first. One that resembles a case chosen before it loses its diversity first."""
    left = {case_id: score.value for case_id, score in scores.items()}
    chosen = 0
    while left:
        case_id = max(left, key=left.__getitem__)
        score = left.pop(case_id)
        verdict, lowest = _verdict(run, queue, score)
        if verdict is Admission.REFUSE:
            return chosen
        # Who is only to be labelled waits elsewhere anyway, and need not push anybody out.
        if verdict is Admission.REPLACE and (case_id in labelling or not _make_room(run, lowest, score)):
            continue
        if _take(run, queue, case_id, score, labelling.get(case_id)):
            chosen += 1
            _forget_likeness(run, case_id, scores, left)
    return chosen


def _verdict(run: _Sweep, queue: Queue, score: float) -> tuple[Admission, ReviewTask | None]:
    """What the queue does with a case, and the waiting lesson that would have to go."""
    waiting = ReviewTask.objects.filter(queue=queue, status="waiting", kind="learning")
    lowest = waiting.filter(case__status="decided").order_by("-order_key", "-pk").first()
    verdict = admission(
        score,
        run.settings,
        waiting=waiting.count(),
        capacity=queue.learning_capacity,
        lowest=lowest.priority if lowest else None,
    )
    return verdict, lowest


def _make_room(run: _Sweep, lowest: ReviewTask | None, score: float) -> bool:
    reason = f"a case that scores {score:.3f} takes its place"
    return lowest is not None and withdraw_learning_review(
        actor=run.actor, review_id=lowest.pk, at=run.at, reason=reason
    )


def _take(run: _Sweep, queue: Queue, case_id: uuid.UUID, score: float, review_id: uuid.UUID | None) -> bool:
    if review_id is not None:
        return move_to_learning(actor=run.actor, review_id=review_id, queue=queue, score=score, at=run.at)
    return open_learning_review(actor=run.actor, case_id=case_id, queue=queue, score=score, at=run.at)


def _forget_likeness(
    run: _Sweep, chosen: uuid.UUID, scores: Mapping[uuid.UUID, Score], left: dict[uuid.UUID, float]
) -> None:
    """The chosen case will be judged: what lies near it is no longer new."""
    if chosen not in run.vectors:
        return
    placed = [case_id for case_id in left if case_id in run.vectors]
    if not placed:
        return
    distance = np.clip(1.0 - np.stack([run.vectors[c] for c in placed]) @ run.vectors[chosen], 0.0, 1.0)
    for case_id, near in zip(placed, distance.tolist(), strict=True):
        before = next(f for f in scores[case_id].factors if f.factor == "diversity")
        lost = max(0.0, before.value - near) * before.weight
        left[case_id] = min(left[case_id], scores[case_id].value - lost)


def _reorder(run: _Sweep) -> int:
    """Count diversity into the priority of waiting reviews, with the policy's weight."""
    reviews = reviews_to_reorder(run.task_type, run.at)
    scores = _score(run, [review.case_id for review in reviews])
    weight = run.policy.document.priority.weights.diversity
    rows, changes = [], []
    for review in reviews:
        if review.case_id not in scores:
            continue
        score = scores[review.case_id]
        before = getattr(review.case, "learning_score", None)
        counted = (before.diversity if before else None) or 0.0
        diversity = next(f.value for f in score.factors if f.factor == "diversity")
        rise = weight * (diversity - counted)
        if abs(rise) >= _NOTICEABLE:
            priority = min(max(review.priority + rise, 0.0), 1.0)
            changes.append(Reordered(review.pk, priority, diversity, weight))
            counted = diversity
        row = _row(run, review.case_id, score, review.pk)
        row.diversity = counted
        rows.append(row)
    changed = reorder_reviews(actor=run.actor, changes=changes, at=run.at)
    keep_scores(rows, counted=True)
    return changed
