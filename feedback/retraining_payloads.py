"""Suggestions to retrain and their data sets as the API and the webhook `retraining.suggested` tell them."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from feedback.models import DatasetExample, DatasetVersion, RetrainingSuggestion
from hitl.core.clock import rfc3339


class DatasetVersionOut(msgspec.Struct, frozen=True):
    """`regime`: recent or representative. `hash`: SHA-256 of the examples. `url`: where they are read.

    `export`: the same question to the training export, with features, as labels stand when it is asked.
    """

    id: str
    task_type: str
    regime: str
    query: dict[str, Any]
    as_of: str | None
    count: int
    hash: str
    url: str
    export: str


class DatasetVersionList(msgspec.Struct, frozen=True):
    results: list[DatasetVersionOut]
    next: str | None


class DatasetExampleOut(msgspec.Struct, frozen=True):
    """`weight`: to learn with. `sampling_weight`: how many cases it stands for; 1 in a recent set."""

    case: str
    label: str
    weight: float
    sampling_weight: float


class DatasetExampleList(msgspec.Struct, frozen=True):
    results: list[DatasetExampleOut]
    next: str | None


class RetrainingSuggestionOut(msgspec.Struct, frozen=True):
    """`trigger`: overrides, volume, drift or schedule; `status`: suggested, acknowledged or dismissed.

    `figures`: the numbers behind `reason`. `answer`: what the person said who acknowledged or dismissed it.
    """

    id: str
    task_type: str
    model_version: str
    regime: str
    trigger: str
    reason: str
    figures: dict[str, Any]
    dataset_version: DatasetVersionOut
    status: str
    created_at: str | None
    answered_by: str | None
    answered_at: str | None
    answer: str


class RetrainingSuggestionList(msgspec.Struct, frozen=True):
    results: list[RetrainingSuggestionOut]
    next: str | None


def dataset_out(row: DatasetVersion) -> DatasetVersionOut:
    """One data set; its task type is read with it."""
    asked = {"format": "jsonl", "task_type": row.task_type.slug}
    if row.query.get("model_version"):
        asked["model_version"] = row.query["model_version"]
    if since := row.query.get("labelled_from") or row.query.get("submitted_from"):
        asked["since"] = since
    return DatasetVersionOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        regime=row.regime,
        query=row.query,
        as_of=rfc3339(row.as_of),
        count=row.count,
        hash=row.hash,
        url=f"/api/v1/dataset-versions/{row.pk}/examples",
        export=f"/api/v1/exports/training?{urlencode(asked)}",
    )


def example_out(row: DatasetExample) -> DatasetExampleOut:
    """One example."""
    return DatasetExampleOut(str(row.case_id), row.label, row.weight, row.sampling_weight)


def suggestion_out(row: RetrainingSuggestion) -> RetrainingSuggestionOut:
    """One suggestion with its data set."""
    return RetrainingSuggestionOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        model_version=row.model_version,
        regime=row.regime,
        trigger=row.trigger,
        reason=row.reason,
        figures=row.figures,
        dataset_version=dataset_out(row.dataset),
        status=row.status,
        created_at=rfc3339(row.created_at),
        answered_by=row.answered_by.get_username() if row.answered_by else None,
        answered_at=rfc3339(row.answered_at),
        answer=row.answer,
    )
