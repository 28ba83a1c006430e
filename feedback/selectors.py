"""What feedback reads: signals of a case, evidence behind labels, labelled predictions, runs and replays."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Sum

from feedback.models import RecalibrationRun, ReplayChunk, ReplayJob, Signal, SkillLevel, ThresholdStudy, TrainingLabel
from hitl.core.actors import Actor
from hitl.core.errors import NotFound
from reviews.models import Case, Judgement, Panel, Report, ReviewTask
from routing.engine.policy import CalibrationKey
from routing.engine.slices import SlicedMap
from routing.models import PolicyVersion, RoutingDecision, TaskType
from routing.selectors import compiled_version

MAX_LABELS = 100_000
"""The newest labels a fit or study reads; older ones describe another time."""


def signals_for_case(case_id: uuid.UUID) -> list[Signal]:
    """Outcomes, audits, appeals and reports of a case in order of arrival, each with the person who said it."""
    return list(Signal.objects.filter(case_id=case_id).select_related("user").order_by("pk"))


def winning_outcome(case_id: uuid.UUID) -> Signal | None:
    """The outcome that counts: the latest observed, among equals the last to arrive; null without any."""
    outcomes = Signal.objects.filter(case_id=case_id, source=Signal.Source.OUTCOME)
    return outcomes.order_by("-observed_at", "-pk").first()


def task_types_for_actor(actor: Actor) -> QuerySet[TaskType]:
    """The task types of the actor's workspace that its key may touch, by slug."""
    rows = TaskType.objects.filter(workspace_id=actor.workspace_id).order_by("slug")
    return rows if actor.task_type_ids is None else rows.filter(pk__in=actor.task_type_ids)


def task_type_by_slug(actor: Actor, slug: str) -> TaskType | None:
    """One of `task_types_for_actor`, null when there is none."""
    return task_types_for_actor(actor).filter(slug=slug).first()


def study_for_actor(actor: Actor, study_id: uuid.UUID) -> ThresholdStudy:
    """A stored study of a task type the actor may touch, with its task type. Raises NotFound."""
    rows = ThresholdStudy.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    found = rows.filter(pk=study_id, task_type__in=task_types_for_actor(actor)).first()
    if found is None:
        raise NotFound()
    return found


def studies_for_actor(actor: Actor, task_type: str | None = None) -> QuerySet[ThresholdStudy]:
    """Stored studies of the task types the actor may touch, without their curves, with their task types.

    `naive`, `guaranteed` and `recommended` are read out of the result. `task_type`: only those of this slug.
    """
    kinds = task_types_for_actor(actor)
    if task_type is not None:
        kinds = kinds.filter(slug=task_type)
    rows = ThresholdStudy.objects.filter(workspace_id=actor.workspace_id, task_type__in=kinds)
    return (
        rows.select_related("task_type")
        .defer("result")
        .annotate(
            naive=F("result__naive_threshold"),
            guaranteed=F("result__guaranteed_threshold"),
            recommended=F("result__recommended_threshold"),
        )
    )


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """All that says what one case's label is. `routing` null: the case was never routed."""

    case: Case
    judgements: list[Judgement] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    routing: RoutingDecision | None = None
    settled: list[tuple[str, datetime]] = field(default_factory=list)
    """What supervisors decided where a panel's conflict came back to them, with when."""
    skills: Mapping[tuple[uuid.UUID, uuid.UUID], float] = field(default_factory=dict)
    """What the judgements of rated people weigh, by queue and person; others weigh 1."""
    reports: list[Report] = field(default_factory=list)
    """Users' reports: they say that something is wrong, not what is right, so they are shown and weigh nothing."""


def evidence_of_cases(case_ids: Collection[uuid.UUID]) -> list[CaseEvidence]:
    """The evidence of many cases in seven queries: standing judgements and signals in order of arrival."""
    cases = Case.objects.filter(pk__in=case_ids).only("pk", "workspace_id", "task_type_id", "mode")
    judgements = _by_case(
        # A blind sample measures the tier that judged it, a gold case the person; they say nothing new of the case.
        Judgement.objects.filter(case_id__in=case_ids, undone_at__isnull=True)
        .exclude(review__kind__in=[ReviewTask.Kind.BLIND, ReviewTask.Kind.GOLD])
        .annotate(review_kind=F("review__kind"), review_seat=F("review__seat"), review_queue=F("review__queue_id"))
        .only("pk", "case_id", "user_id", "stage", "label", "visibility", "created_at")
        .order_by("pk")
    )
    signals = _by_case(Signal.objects.filter(case_id__in=case_ids).defer("details").order_by("pk"))
    reports = _by_case(Report.objects.filter(case_id__in=case_ids).only("pk", "case_id").order_by("pk"))
    settled: dict[uuid.UUID, list[tuple[str, datetime]]] = defaultdict(list)
    rulings = Panel.objects.filter(case_id__in=case_ids, decision__is_current=True, decision__owner="adjudicator")
    by_people = rulings.exclude(reviews__kind="adjudication", reviews__status="done")
    for case_id, label, at in by_people.values_list("case_id", "decision__label", "decision__created_at"):
        settled[case_id].append((label, at))
    found = list(cases)
    routings = {
        row.case_id: row
        for row in RoutingDecision.objects.filter(
            workspace_id__in={case.workspace_id for case in found}, case_id__in=case_ids
        )
        .only("pk", "case_id", "features", "risk", "selection_probability")
        .order_by("pk")
    }
    people = {judgement.user_id for said in judgements.values() for judgement in said}
    rated = SkillLevel.objects.filter(user_id__in=people).values_list("queue_id", "user_id", "weight")
    skills = {(queue_id, user_id): weight for queue_id, user_id, weight in rated}
    return [
        CaseEvidence(
            case,
            judgements[case.pk],
            signals[case.pk],
            routings.get(case.pk),
            settled[case.pk],
            skills,
            reports[case.pk],
        )
        for case in found
    ]


def _by_case(rows: "QuerySet[Any]") -> Mapping[uuid.UUID, list[Any]]:
    grouped: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.case_id].append(row)
    return grouped


@dataclass(frozen=True, slots=True)
class LabelledPrediction:
    """One prediction whose truth is known from an outcome or from people who had not seen it.

    confidence: as stated, 0-1. selection_probability: that the case came to have this label, (0, 1]. predicted, truth:
    the labels that were compared. segments: as the case's context declares them.
    """

    case_id: uuid.UUID
    model_version: str
    confidence_source: str
    confidence: float
    correct: bool
    selection_probability: float
    predicted: str
    truth: str
    segments: Mapping[str, str]


def labelled_predictions(
    task_type_id: uuid.UUID,
    *,
    model_version: str | None = None,
    predicted: str | None = None,
    segments: Mapping[str, str] | None = None,
) -> list[LabelledPrediction]:
    """The newest labelled predictions of a task type, at most `MAX_LABELS`.

    Never from judgements after the reveal, nor from cases that active learning chose: those are no random sample, and
    the stored propensity is not theirs.
    """
    rows = _labelled_rows(task_type_id, model_version, predicted, segments)
    values = rows.order_by("-case_id").values_list(
        "case_id",
        "model_version",
        "confidence_source",
        "confidence",
        "model_label",
        "unaided_label",
        "selection_probability",
        "case__content__context__segments",
    )
    return [
        LabelledPrediction(
            case_id, model, source, confidence, said == label, probability, said, label, _declared(segments)
        )
        for case_id, model, source, confidence, said, label, probability, segments in values[:MAX_LABELS]
        if model is not None
        and source is not None
        and confidence is not None
        and said is not None
        and label is not None
    ]


def _declared(segments: Mapping[str, Any] | None) -> Mapping[str, str]:
    return {name: value for name, value in (segments or {}).items() if isinstance(value, str)}


def _labelled_rows(
    task_type_id: uuid.UUID, model_version: str | None, predicted: str | None, segments: Mapping[str, str] | None
) -> QuerySet[TrainingLabel]:
    rows = TrainingLabel.objects.filter(
        task_type_id=task_type_id, unaided_label__isnull=False, model_label__isnull=False, confidence__isnull=False,
        selected_by=TrainingLabel.SelectedBy.ROUTE,
    )  # fmt: skip
    if model_version is not None:
        rows = rows.filter(model_version=model_version)
    if predicted is not None:
        rows = rows.filter(model_label=predicted)
    if segments:
        rows = rows.filter(case__content__context__contains={"segments": dict(segments)})
    return rows


def calibrations_in_force(task_type_id: uuid.UUID) -> Mapping[CalibrationKey, SlicedMap]:
    """The fitted maps of the active policy version by model version and confidence source; empty without one."""
    active = PolicyVersion.objects.filter(policy__task_type_id=task_type_id, status="active").values_list(
        "pk", flat=True
    )
    version_id = active.first()
    return compiled_version(version_id).calibrations if version_id else {}


def labels_changed_since(task_type_id: uuid.UUID, since: datetime | None, *, at_most: int) -> int:
    """How many labels that calibration may learn from were made or changed since then, counted up to `at_most`."""
    rows = TrainingLabel.objects.filter(task_type_id=task_type_id, unaided_label__isnull=False)
    if since is not None:
        rows = rows.filter(updated_at__gte=since)
    return rows[:at_most].count()


def latest_runs(task_type_ids: Sequence[uuid.UUID], *, each: int) -> dict[uuid.UUID, list[RecalibrationRun]]:
    """The newest recalibration runs per task type, newest first."""
    return {
        task_type_id: list(
            RecalibrationRun.objects.filter(task_type_id=task_type_id)
            .select_related("requested_by")
            .order_by("-created_at")[:each]
        )
        for task_type_id in task_type_ids
    }


def policy_versions(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PolicyVersion]:
    """Policy versions with their policies, by id."""
    rows = PolicyVersion.objects.filter(pk__in=ids).select_related("policy").defer("document", "study")
    return {row.pk: row for row in rows}


def replay_progress(job: ReplayJob) -> tuple[int, int | None]:
    """Cases done, and of how many; null until the work is cut."""
    done = job.chunks.filter(status=ReplayChunk.Status.DONE).aggregate(n=Sum("cases"))["n"] or 0
    total = job.total
    if total is None:
        total = ReplayJob.objects.values_list("total", flat=True).get(pk=job.pk)
    return done, total
