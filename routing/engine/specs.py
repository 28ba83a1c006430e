"""What the engine needs to know of a task type and of the tiers, frozen when a snapshot is taken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from routing.engine.route import RiskLevel


class ModelStatus(StrEnum):
    """A model version that may not act: routed while a person decides, or not trusted any more."""

    SHADOW = "shadow"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task type: labels, static risk, whether its decisions can be taken back; `stopped` is its stop button.

    models: the model versions that may not act, by name; all others may.
    """

    slug: str
    labels: tuple[str, ...]
    risk: RiskLevel = RiskLevel.MEDIUM
    reversible: bool = True
    safest_label: str | None = None
    stopped: bool = False
    models: Mapping[str, ModelStatus] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSpec:
    """A level of expertise; a lower rank is cheaper. max_error_cost null: no limit. sla_s in seconds."""

    slug: str
    rank: int
    automated: bool = False
    max_complexity: float = 1.0
    expertise: frozenset[str] = frozenset()
    sla_s: float = 86_400
    max_error_cost: float | None = None
