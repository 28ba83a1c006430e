"""When to suggest training a model anew: people overruled it often, judged much, or a representative set is due."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from feedback.actions.retraining import suggest_retraining
from feedback.learning_settings import RetrainingSettings, settings_or_defaults
from feedback.models import Regime, RetrainingSuggestion
from feedback.retraining_data import Judged, first_id, judged_since, labelled_models, representative_labels
from feedback.stats.bounds import wilson_interval
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from routing.models import TaskType

log = logging.getLogger(__name__)
Trigger = RetrainingSuggestion.Trigger


def watch_retraining(at: datetime | None = None) -> int:
    """Look at every task type once, at this time; returns how many suggestions were made. Safe to run twice.

    A failure of one task type is logged and keeps none of the others from theirs.
    """
    made, at = 0, at or now()
    for task_type in TaskType.objects.order_by("pk"):
        try:
            made += _look(task_type, at)
        except Exception:
            log.exception("watching %s for retraining failed", task_type.slug)
    return made


def _look(task_type: TaskType, at: datetime) -> int:
    settings = settings_or_defaults(task_type).retraining
    if not settings.enabled:
        return 0
    actor = system_actor(task_type.workspace_id, "retraining")
    judged = judged_since(task_type, at - timedelta(days=settings.window_days))
    recent = sum(_recent(actor, task_type, row, settings, at) for row in judged)
    return recent + _representative(actor, task_type, settings, at)


def _recent(actor: Actor, task_type: TaskType, row: Judged, settings: RetrainingSettings, at: datetime) -> int:
    """Overrides first: where both hold, they are the reason that matters."""
    low, high = wilson_interval(row.overruled, row.compared)
    rate = row.overruled / row.compared if row.compared else None
    figures = {
        "window_days": settings.window_days,
        "judged": row.judged,
        "compared": row.compared,
        "overruled": row.overruled,
        "override_rate": rate,
        "override_rate_low": low,
        "override_rate_high": high,
    }
    if rate is not None and row.compared > settings.min_judgements and rate > settings.override_rate:
        trigger = Trigger.OVERRIDES
        reason = (
            f"In {settings.window_days} days people overruled {row.overruled} of {row.compared} predictions of "
            f"{row.model_version} that they judged unaided: {rate:.1%} (95 % interval {low:.1%} to {high:.1%}), and "
            f"more than {settings.override_rate:.1%} of more than {settings.min_judgements} is the limit."
        )
    elif row.judged > settings.volume:
        trigger = Trigger.VOLUME
        reason = (
            f"In {settings.window_days} days people made {row.judged} judgements on predictions of "
            f"{row.model_version}; more than {settings.volume} are worth training on."
        )
    else:
        return 0
    return _suggest(actor, task_type, row.model_version, trigger, reason, figures, Regime.RECENT, at)


def _representative(actor: Actor, task_type: TaskType, settings: RetrainingSettings, at: datetime) -> int:
    """So long after the last one, or after the first label; about the model version whose labels began last."""
    every = settings.representative_every_days
    if every is None:
        return 0
    last = RetrainingSuggestion.objects.filter(task_type=task_type, regime=Regime.REPRESENTATIVE)
    before = last.order_by("-created_at").values_list("created_at", flat=True).first()
    if before is not None and at - before < timedelta(days=every):
        return 0
    models = labelled_models(task_type)
    before = before or min(models.values(), default=at)
    if at - before < timedelta(days=every):
        return 0
    n = representative_labels(task_type, first_id(at - timedelta(days=settings.representative_days)))
    if n < settings.representative_min:
        return 0
    reason = (
        f"No representative set was made for {(at - before).days} days, and there are {n} labels of the last "
        f"{settings.representative_days} days to draw one from."
    )
    figures = {"labels": n, "days_since": (at - before).days}
    newest = max(models, key=models.__getitem__)
    return _suggest(actor, task_type, newest, Trigger.SCHEDULE, reason, figures, Regime.REPRESENTATIVE, at)


def _suggest(
    actor: Actor,
    task_type: TaskType,
    model_version: str,
    trigger: RetrainingSuggestion.Trigger,
    reason: str,
    figures: Mapping[str, int | float | None],
    regime: Regime,
    at: datetime,
) -> int:
    made = suggest_retraining(
        actor=actor,
        task_type=task_type,
        model_version=model_version,
        trigger=trigger,
        reason=reason,
        figures=figures,
        regime=regime,
        at=at,
    )
    return int(made is not None)
