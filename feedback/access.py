"""The door to replays, training sets and exports, and to rows that tell what the machine or others said of a case."""

import uuid
from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, QuerySet

from feedback.models import (
    DatasetExample,
    DatasetVersion,
    Digest,
    Experiment,
    Export,
    HistoryImport,
    ReplayChange,
    ReplayJob,
    RetrainingSuggestion,
    SuiteRun,
)
from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import NotFound
from hitl.core.permissions import Permission
from reviews.access import desk_of, on_sitting_panel, unsealed_cases, visible_cases
from reviews.models import Case, Reviewer
from routing.access import require_read_policies
from routing.models import PolicyVersion

M = TypeVar("M", bound=Model)
_JOB = ("version__policy__task_type", "compared_with__policy__task_type", "task_type", "requested_by")


def unsealed(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """`rows` (each with a `case`) less those of cases the actor may still have to judge unaided (invariant 8).

    The same rule as `reviews.access.unsealed_cases`, whatever else the actor may see.
    """
    desk = desk_of(actor)
    if not desk.claimable():
        return rows
    cases = unsealed_cases(Case.objects.filter(workspace_id=actor.workspace_id), actor, desk)
    return rows.filter(Exists(cases.filter(pk=OuterRef("case_id"))))


def _own(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """A partner never learns of another partner's cases; others see `rows` (each with a `case`) as they are."""
    return rows.filter(case__owner_id=actor.client_id) if actor.kind is ActorKind.CLIENT else rows


def visible_replays(actor: Actor) -> QuerySet[ReplayJob]:
    """The replays of policies the actor may read, with versions, task type and who asked. Raises Forbidden."""
    require_read_policies(actor)
    rows = ReplayJob.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    return rows.select_related(*_JOB)


def replays_of_version(actor: Actor, version: PolicyVersion) -> QuerySet[ReplayJob]:
    """Those of one version. Raises Forbidden."""
    return visible_replays(actor).filter(version=version)


def replay_for_actor(actor: Actor, replay_id: uuid.UUID) -> ReplayJob:
    """One replay. Raises Forbidden, NotFound."""
    found = visible_replays(actor).filter(pk=replay_id).first()
    if found is None:
        raise NotFound()
    return found


def changes_for_actor(actor: Actor, job: ReplayJob) -> QuerySet[ReplayChange]:
    """The changed cases of a replay, with their cases, but for those this person may still have to judge unaided.

    A client's own cases only.
    """
    return _own(actor, unsealed(actor, ReplayChange.objects.filter(job=job))).select_related("case")


def change_for_actor(actor: Actor, job: ReplayJob, change_id: uuid.UUID) -> ReplayChange:
    """One of them, of a case the actor may see. Raises NotFound."""
    rows = changes_for_actor(actor, job).filter(pk=change_id)
    found = rows.filter(case__in=visible_cases(actor)).first()
    if found is None:
        raise NotFound()
    return found


def seen_by(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """`rows` (each with a `case_id`) of the cases this actor may see, and not sealed."""
    desk = desk_of(actor)
    cases = unsealed_cases(visible_cases(actor, desk), actor, desk)
    return rows.filter(Exists(cases.filter(pk=OuterRef("case_id"))))


def told_by(actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
    """As `seen_by`, for rows that tell what several people said: less the cases on whose panel the actor may sit."""
    desk = desk_of(actor)
    cases = unsealed_cases(visible_cases(actor, desk), actor, desk).exclude(on_sitting_panel(desk.claimable()))
    return rows.filter(Exists(cases.filter(pk=OuterRef("case_id"))))


def visible_suggestions(actor: Actor) -> QuerySet[RetrainingSuggestion]:
    """Suggestions to retrain, of the task types the actor may touch, with all they tell. Raises Forbidden."""
    require_read_policies(actor)
    rows = RetrainingSuggestion.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    return rows.select_related("task_type", "dataset__task_type", "answered_by")


def visible_datasets(actor: Actor) -> QuerySet[DatasetVersion]:
    """Training sets of the task types the actor may touch. Raises Forbidden."""
    require_read_policies(actor)
    rows = DatasetVersion.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def dataset_for_actor(actor: Actor, dataset_id: uuid.UUID) -> DatasetVersion:
    """One of them. Raises Forbidden, NotFound."""
    found = visible_datasets(actor).filter(pk=dataset_id).first()
    if found is None:
        raise NotFound()
    return found


def examples_for_actor(actor: Actor, dataset: DatasetVersion) -> QuerySet[DatasetExample]:
    """Its examples, but for cases this person may still have to judge unaided; a client's own cases only."""
    return _own(actor, unsealed(actor, DatasetExample.objects.filter(dataset=dataset)))


def visible_exports(actor: Actor) -> QuerySet[Export]:
    """The workspace's exports; a client's own, a limited key's of its task types."""
    rows = Export.objects.filter(workspace_id=actor.workspace_id)
    if actor.kind is ActorKind.CLIENT:
        rows = rows.filter(client=actor.client_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(task_types__contained_by=list(actor.task_type_ids))
    return rows


def export_for_actor(actor: Actor, export_id: uuid.UUID) -> Export:
    """One of them. Raises NotFound."""
    found = visible_exports(actor).filter(pk=export_id).first()
    if found is None:
        raise NotFound()
    return found


def reviewers_for_actor(actor: Actor) -> QuerySet[Reviewer]:
    """The workspace's reviewers with their persons, for whoever judges their quality. Raises Forbidden."""
    actor.require(Permission.AUDIT_DECISIONS)
    return Reviewer.objects.filter(workspace_id=actor.workspace_id).select_related("user", "tier")


def reviewer_for_actor(actor: Actor, reviewer_id: uuid.UUID) -> Reviewer:
    """Oneself, or one of `reviewers_for_actor`. Raises Forbidden, NotFound."""
    own = Reviewer.objects.filter(pk=reviewer_id, workspace_id=actor.workspace_id, user_id=actor.person_id)
    found = own.select_related("user", "tier").first() or reviewers_for_actor(actor).filter(pk=reviewer_id).first()
    if found is None:
        raise NotFound()
    return found


def visible_experiments(actor: Actor) -> QuerySet[Experiment]:
    """The experiments of task types the actor may touch, with them. Raises Forbidden."""
    require_read_policies(actor)
    rows = Experiment.objects.filter(workspace_id=actor.workspace_id).select_related("task_type__policy")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def experiment_for_actor(actor: Actor, experiment_id: uuid.UUID) -> Experiment:
    """One of them. Raises Forbidden, NotFound."""
    found = visible_experiments(actor).filter(pk=experiment_id).first()
    if found is None:
        raise NotFound()
    return found


def visible_imports(actor: Actor) -> QuerySet[HistoryImport]:
    """The workspace's imports with their task types; a client's own, a limited key's of its task types."""
    rows = HistoryImport.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    if actor.kind is ActorKind.CLIENT:
        rows = rows.filter(client=actor.client_id)
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def import_for_actor(actor: Actor, import_id: uuid.UUID) -> HistoryImport:
    """One of them. Raises NotFound."""
    found = visible_imports(actor).defer("body").filter(pk=import_id).first()
    if found is None:
        raise NotFound()
    return found


def visible_digests(actor: Actor) -> QuerySet[Digest]:
    """Weekly digests of the task types the actor may touch. Raises Forbidden."""
    require_read_policies(actor)
    rows = Digest.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    return rows if actor.task_type_ids is None else rows.filter(task_type_id__in=actor.task_type_ids)


def visible_suite_runs(actor: Actor) -> QuerySet[SuiteRun]:
    """Runs of the test suites of task types the actor may touch; examples and results are read on use. Forbidden."""
    require_read_policies(actor)
    rows = SuiteRun.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    rows = rows.select_related("task_type", "suite", "version__policy")
    return rows.defer("results", "suite__examples", "version__document")


def suite_run_for_actor(actor: Actor, run_id: uuid.UUID) -> SuiteRun:
    """One of them. Raises Forbidden, NotFound."""
    found = visible_suite_runs(actor).filter(pk=run_id).first()
    if found is None:
        raise NotFound()
    return found
