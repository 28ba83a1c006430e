"""Three zones: a person first, answer now and review, automate (mission B5)."""

from enum import StrEnum

from routing.engine.features import Features, LatencyTolerance
from routing.engine.route import RiskLevel
from routing.engine.specs import TaskSpec
from routing.engine.strict import Strict
from routing.engine.thresholds import Thresholds


class Zones(Strict, frozen=True):
    """The zone between a person first and automation: answer now, and a person reviews it (mission B5).

    From the `provisional` threshold on, below the one of automation; only for low or medium risk that can be taken
    back. `latency` is for cases that do not say how long they can wait.
    """

    provisional: Thresholds = Thresholds(default=0.6)
    latency: LatencyTolerance = LatencyTolerance.PROVISIONAL


class Between(StrEnum):
    """What a confidence below the automation threshold means. `below`: not even between the thresholds."""

    BELOW = "below"
    NOT_ELIGIBLE = "not_eligible"
    PROVISIONAL = "provisional"
    STANDBY = "standby"
    BATCH = "batch"


def between(
    zones: Zones, features: Features, task: TaskSpec, risk: RiskLevel, confidence: float
) -> tuple[float | None, Between]:
    """The provisional threshold, and whether the machine may answer now, each case reviewed; else who is asked."""
    assert features.label is not None
    limit = zones.provisional.for_case(risk, features.label, features.model_version)
    if limit is None or confidence < limit:
        return limit, Between.BELOW
    if risk.rank > RiskLevel.MEDIUM.rank or not task.reversible:
        return limit, Between.NOT_ELIGIBLE
    return limit, Between(features.latency_tolerance or zones.latency)
