"""What the engine answers with: a route, why, and with which probability it could have been another."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Plain = str | int | float | bool | None


class RiskLevel(StrEnum):
    """How much a wrong decision may harm. Rules raise it, never lower it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(RiskLevel)}


class Action(StrEnum):
    """What happens to the case. `automate_and_review` acts provisionally and is always reviewed."""

    AUTOMATE = "automate"
    AUTOMATE_AND_AUDIT = "automate_and_audit"
    AUTOMATE_AND_REVIEW = "automate_and_review"
    REVIEW = "review"
    ESCALATE = "escalate"
    GATE = "gate"

    @property
    def automated(self) -> bool:
        """True where the machine's label takes effect, finally or provisionally."""
        return self in (Action.AUTOMATE, Action.AUTOMATE_AND_AUDIT, Action.AUTOMATE_AND_REVIEW)


class Zone(StrEnum):
    """The cell of the risk matrix, before sampling; a sampled case keeps the zone it would have been automated in."""

    AUTO = "auto"
    AUTO_AUDIT = "auto_audit"
    QUEUE = "queue"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One thing that was tried: its name, how it came out, and the values compared."""

    step: str
    outcome: str
    detail: Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class PriorityFactor:
    """One factor's share of the priority: contribution = value (0-1) x weight (0-1)."""

    factor: str
    value: float
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Route:
    """The engine's answer; `msgspec.to_builtins` turns it, or its trace, into plain JSON.

    tier: slug of who decides; empty only when the workspace has no tier of people, which the trace says. review_tier:
    the tier of people that reviews it, the same where a person decides; null where nobody looks at it.
    label: what the machine decides, null where a person does. threshold: the one compared, null where none was.
    calibrated_confidence: the model's own where calibration_version is null, null without a confidence.
    selection_probability: P(at least one review | features, policy), above 0. action_propensity: P(this action | same).
    sampled: the draw chose this case for a review that its zone would have spared it.
    awaits: the judge that was not asked yet and alone keeps the machine from deciding.
    """

    action: Action
    zone: Zone
    risk: RiskLevel
    tier: str
    review_tier: str | None
    reason: str
    rule: str | None
    label: str | None
    calibrated_confidence: float | None
    calibration_version: int | None
    threshold: float | None
    priority: float
    priority_breakdown: tuple[PriorityFactor, ...]
    selection_probability: float
    action_propensity: float
    sampled: bool
    trace: tuple[TraceStep, ...]
    awaits: str | None = None
