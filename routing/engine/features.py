"""What the engine knows of a case: the snapshot that is stored with each route and replayed later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from routing.engine.route import RiskLevel


class EnsembleVote(NamedTuple):
    """What another model says of the same case; confidence 0-1 or null."""

    model: str
    label: str
    confidence: float | None = None


class Validation(NamedTuple):
    """What a layer of the cascade said: `key` of the layer, pass, fail or error, and why."""

    key: str
    outcome: str
    detail: str = ""


class LatencyTolerance(StrEnum):
    """How long the partner can wait: act now and correct later, a person stands by, or whenever."""

    PROVISIONAL = "provisional"
    STANDBY = "standby"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectHistory:
    """The subject's earlier cases of this task type, counted when the case came in (at most the newest 200).

    decided: those with a decision. wrong: whose decision was corrected, or contradicted by the outcome. overridden:
    where a person decided against the machine. last_decision: the newest decision's label, null without one.
    """

    cases: int = 0
    decided: int = 0
    wrong: int = 0
    overridden: int = 0
    last_decision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One case as submitted. Null means not given; numbers are finite, confidences and probabilities 0-1 (ValueError).

    complexity and virality are meant as 0-1; amount and error_cost are in the partner's currency; `input` is what rules
    may see of the case's content, nothing else reads it. Known outside before the engine is asked, null where nobody
    looked: predicted_disagreement, the probability that a person will overrule the model; known_bad_similarity, 0-1, to
    the nearest case marked as known bad; history, null also without a subject.
    """

    label: str | None = None
    confidence: float | None = None
    confidence_source: str = "probability"
    model_version: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    ensemble: tuple[EnsembleVote, ...] = ()
    interpretable_label: str | None = None
    nearest_neighbor_distance: float | None = None
    stakes: RiskLevel | None = None
    amount: float | None = None
    risk_score: float | None = None
    complexity: float | None = None
    error_cost: float | None = None
    required_expertise: frozenset[str] = frozenset()
    latency_tolerance: LatencyTolerance | None = None
    virality: float = 0.0
    is_new_user: bool = False
    affects_multiple_users: bool = False
    has_appeal: bool = False
    previous_error: bool = False
    segments: Mapping[str, str] = field(default_factory=dict)
    proposed_action_type: str | None = None
    proposed_action_reversible: bool | None = None
    input: Mapping[str, Any] | None = None
    validations: tuple[Validation, ...] = ()
    predicted_disagreement: float | None = None
    known_bad_similarity: float | None = None
    history: SubjectHistory | None = None

    def __post_init__(self) -> None:
        seen = (self.confidence, self.predicted_disagreement, self.known_bad_similarity)
        for share in (*seen, *self.probabilities.values(), *(vote.confidence for vote in self.ensemble)):
            if share is not None and not 0.0 <= share <= 1.0:
                raise ValueError(f"a confidence or probability must lie in 0..1, not {share!r}")
        for name in ("nearest_neighbor_distance", "amount", "risk_score", "complexity", "error_cost", "virality"):
            value = getattr(self, name)
            if value is not None and not isfinite(value):
                raise ValueError(f"{name} must be a finite number, not {value!r}")

    def to_json(self) -> dict[str, Any]:
        """A plain JSON object, the same for equal features; `from_json` reads it back to equal features."""
        stored: dict[str, Any] = msgspec.to_builtins(self)
        # A set has no order; the stored snapshot must.
        stored["required_expertise"] = sorted(self.required_expertise)
        stored["ensemble"] = [list(vote) for vote in self.ensemble]
        stored["validations"] = [list(said) for said in self.validations]
        return stored

    @classmethod
    def from_json(cls, value: object) -> "Features":
        """Read what `to_json` wrote; fields unknown to this version are ignored, wrong ones are a ValueError."""
        return msgspec.convert(value, cls)
