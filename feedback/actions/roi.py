"""Compute what labels and reviews bought for a task type. Worker only: imports numpy."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from feedback.learning_settings import settings_or_defaults
from feedback.models import RoiReport
from feedback.roi_content import BandRow, Growth, GrowthPoint, RoiContent, SharePoint, TierRow, priced, with_error_cost
from feedback.roi_curves import automation_curve, calibration_curve
from feedback.roi_data import automated_per_week, labelled_cases, tiers_of
from feedback.selectors import LabelledPrediction, calibrations_in_force, labelled_predictions
from feedback.stats.review_value import accuracy_of, bands_of, review_curve
from hitl.core.clock import now
from hitl.delivery.single_flight import single_flight
from routing.models import TaskType

MOST_CURVES = 4
"""Model versions and sources with most labels whose growth is measured; each costs some seconds."""


def compute_roi(*, task_type: TaskType, at: datetime | None = None) -> RoiReport | None:
    """A new report. Single-flight per task type: null while another process is at it. Holds no transaction."""
    at = at or now()
    with single_flight(f"feedback.roi:{task_type.pk}") as free:
        if not free:
            return None
        content = msgspec.to_builtins(roi_content(task_type, at))
        return RoiReport.objects.create(
            workspace_id=task_type.workspace_id, task_type=task_type, content=content, created_at=at
        )


def roi_content(task_type: TaskType, at: datetime) -> RoiContent:
    """All of it, from what is stored now."""
    settings = settings_or_defaults(task_type).roi
    since = at - timedelta(days=settings.days)
    found = labelled_cases(task_type, since)
    tiers = [with_error_cost(priced(row, settings), found.error_cost) for row in tiers_of(task_type, since)]
    right, n = sum(row.right for row in tiers), sum(row.n for row in tiers)
    people = accuracy_of(right, n)
    minutes, cost = _per_review(tiers)
    curve = review_curve(found.cases, people if n else None, review_cost=cost, error_cost=found.error_cost)
    bands = bands_of(found.alone, automated_per_week(task_type, at))
    return RoiContent(
        days=settings.days,
        n=curve.n,
        effective_n=curve.effective_n,
        reason=curve.reason,
        people_right=right,
        people_n=n,
        people_low=people.interval.low,
        people_high=people.interval.high,
        minute_cost=settings.review_minute_cost,
        minutes=minutes,
        error_cost=found.error_cost,
        review=tuple(msgspec.convert(point, SharePoint, from_attributes=True) for point in curve.points),
        cheapest=curve.cheapest,
        tiers=tuple(tiers),
        bands=tuple(msgspec.convert(band, BandRow, from_attributes=True) for band in bands),
        growth=tuple(_growths(task_type)),
    )


def _per_review(tiers: Sequence[TierRow]) -> tuple[float | None, float]:
    """Minutes and cost of a review on average over the tiers as they were used; null and 0 without any."""
    used = [(row.reviews, row.minutes, row.cost) for row in tiers if row.minutes is not None and row.cost is not None]
    total = sum(reviews for reviews, _, _ in used)
    if not total:
        return None, 0.0
    minutes = sum(reviews * spent for reviews, spent, _ in used) / total
    return minutes, sum(reviews * cost for reviews, _, cost in used) / total


def _growths(task_type: TaskType) -> list[Growth]:
    groups: dict[tuple[str, str], list[LabelledPrediction]] = defaultdict(list)
    for prediction in labelled_predictions(task_type.pk):
        groups[prediction.model_version, prediction.confidence_source].append(prediction)
    largest = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_CURVES]
    maps = calibrations_in_force(task_type.pk)
    found = []
    for key, predictions in largest:
        curve = calibration_curve(predictions)
        automation = automation_curve(predictions, maps.get(key), task_type.error_budget)
        law = (curve.law.floor, curve.law.scale, curve.law.rate) if curve.law else None
        found.append(
            Growth(
                model_version=key[0],
                confidence_source=key[1],
                labels=len(predictions),
                n=curve.n,
                more=curve.more,
                log_loss=tuple(GrowthPoint(*point) for point in curve.points),
                law=law,
                gain=curve.gain,
                low=curve.low,
                high=curve.high,
                reason=curve.reason,
                automation=tuple(GrowthPoint(*point) for point in automation),
            )
        )
    return found
