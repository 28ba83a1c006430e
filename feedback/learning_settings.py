"""`TaskType.recalibration`: when hitl recalibrates and suggests to train anew, what labels weigh and review costs."""

import logging
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from feedback.stats.labels import DEFAULT_RULES, WeightRules
from hitl.core.errors import FieldProblem, Refused
from routing.models import TaskType

log = logging.getLogger(__name__)
_Days = Annotated[int, Meta(ge=1, le=730)]
_Cost = Annotated[float, Meta(ge=0.0, le=1e9)]
_Size = Annotated[int, Meta(ge=1, le=20_000)]


class RetrainingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`retraining`. Overrides count where more than `min_judgements` unaided ones came within `window_days`; `volume`
    counts every judgement in the same time. After a suggestion the same regime is silent for `quiet_days`.
    """

    enabled: bool = True
    window_days: _Days = 7
    min_judgements: Annotated[int, Meta(ge=1)] = 100
    override_rate: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.15
    volume: Annotated[int, Meta(ge=1)] = 1_000
    quiet_days: _Days = 7
    recent_size: _Size = 2_000
    representative_every_days: _Days | None = 90
    representative_days: _Days = 365
    representative_size: _Size = 5_000
    representative_min: Annotated[int, Meta(ge=1)] = 500


_Weight = Annotated[float, Meta(ge=0.0, le=1_000.0)]


class WeightSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`weights`: what labels and examples weigh (mission F2, F3); what is left out is as the defaults say.

    `observation_probability`: the chance that an outcome is observed at all, of this kind of case; one over it weighs.
    `half_life_days` null: labels do not age.
    """

    outcome: _Weight = DEFAULT_RULES.outcome
    ruling: _Weight = DEFAULT_RULES.ruling
    unanimous: _Weight = DEFAULT_RULES.unanimous
    disputed: _Weight = DEFAULT_RULES.disputed
    single: _Weight = DEFAULT_RULES.single
    agreement: _Weight = DEFAULT_RULES.agreement
    override: _Weight = DEFAULT_RULES.override
    confident_override: _Weight = DEFAULT_RULES.confident_override
    confident_above: Annotated[float, Meta(ge=0.0, le=1.0)] = DEFAULT_RULES.confident_above
    high_stakes: _Weight = DEFAULT_RULES.high_stakes
    half_life_days: Annotated[float, Meta(gt=0.0, le=36_500.0)] | None = DEFAULT_RULES.half_life_days
    observation_probability: Annotated[float, Meta(ge=0.0001, le=1.0)] = 1.0

    @property
    def rules(self) -> WeightRules:
        """As the statistics take them."""
        given = msgspec.structs.asdict(self)
        del given["observation_probability"]
        return replace(DEFAULT_RULES, **given)

    @property
    def changed(self) -> dict[str, float | None]:
        """What differs from the defaults."""
        defaults = msgspec.structs.asdict(WeightSettings())
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value != defaults[name]}


DEFAULT_WEIGHTS = WeightSettings()


class RoiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`roi`. What a minute of review costs, by tier where it differs, in the unit of `error_costs`; how many further
    hours a week are to be placed; how many days of cases count.
    """

    days: _Days = 90
    review_minute_cost: _Cost = 1.0
    tier_minute_costs: dict[str, _Cost] = {}
    weekly_hours: Annotated[float, Meta(ge=0.0, le=10_000.0)] = 10.0


class RecalibrationSettings(msgspec.Struct, frozen=True):
    """`min_new_labels`: how many new labels start a recalibration before the night does."""

    min_new_labels: Annotated[int, Meta(ge=1)] = 100
    retraining: RetrainingSettings = RetrainingSettings()
    weights: WeightSettings = DEFAULT_WEIGHTS
    roi: RoiSettings = RoiSettings()


def settings_of(task_type: TaskType) -> RecalibrationSettings:
    """The task type's settings. Raises Refused `invalid_values` for what an administrator mistyped."""
    try:
        return msgspec.convert(task_type.recalibration, RecalibrationSettings)
    except msgspec.ValidationError as error:
        problem = FieldProblem("/recalibration", str(error), "invalid_value")
        raise Refused(f"Recalibration settings: {error}", code="invalid_values", errors=[problem]) from None


def settings_or_defaults(task_type: TaskType) -> RecalibrationSettings:
    """The same; what was mistyped is logged and the defaults hold."""
    try:
        return settings_of(task_type)
    except Refused as refusal:
        log.warning("task type %s: %s", task_type.slug, refusal.detail)
        return RecalibrationSettings()
