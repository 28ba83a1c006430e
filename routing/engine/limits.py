"""Limits on signals: what must hold of a case for the machine to decide it (mission B2)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from routing.engine.record import Facts
from routing.engine.strict import Count, Name, Share, Strict


class SignalLimits(Strict, frozen=True):
    """Limits that keep a case from automation when violated or when the case does not give the signal.

    max_predicted_disagreement null: 0.3 where a disagreement model has spoken, else nothing (mission B17).
    allowed_expertise: a case that needs any other goes to people; null: no limit. The history is the subject's; a case
    without a subject has none.
    """

    min_ensemble_agreement: Share | None = None
    min_margin: Share | None = None
    max_entropy: Share | None = None
    max_least_confidence: Share | None = None
    max_distance: float | None = None
    max_risk_score: float | None = None
    max_amount: float | None = None
    max_error_cost: float | None = None
    max_complexity: float | None = None
    max_predicted_disagreement: Share | None = None
    max_known_bad_similarity: Share | None = None
    interpretable_agrees: bool = False
    allowed_expertise: tuple[Name, ...] | None = None
    min_history_cases: Count | None = None
    max_history_wrong: Count | None = None
    max_history_overridden: Count | None = None


DISAGREEMENT_DEFAULT = 0.3
"""The limit on predicted disagreement where a model has spoken and the policy names none (mission B17)."""

Read = Callable[[Facts], float | None]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit that a policy sets. required: a case without the signal breaks it. said: the reason in words."""

    signal: str
    limit: float
    read: Read
    is_minimum: bool = False
    required: bool = True
    said: str | None = None

    def kept_by(self, value: float) -> bool:
        return value >= self.limit if self.is_minimum else value <= self.limit

    def broken_by(self, value: float | None) -> str:
        """Why the machine may not decide."""
        name = self.signal.replace("_", " ")
        if value is None:
            return f"The {name} is not known, so a person decides."
        return f"{self.said or f'The {name} is {value:.4g}, beyond its limit {self.limit:.4g}'}, so a person decides."


def declared_limits(limits: SignalLimits) -> tuple[Limit, ...]:
    """The limits in force, in the order in which they are compared."""
    return tuple(_declared(limits))


def _declared(limits: SignalLimits) -> Iterator[Limit]:
    for name, read in _NUMBERS.items():
        limit = getattr(limits, name)
        if limit is not None:
            yield Limit(name.removeprefix("min_").removeprefix("max_"), limit, read, name.startswith("min_"))
    stated = limits.max_predicted_disagreement
    yield Limit(
        "predicted_disagreement",
        DISAGREEMENT_DEFAULT if stated is None else stated,
        lambda facts: facts.features.predicted_disagreement,
        required=stated is not None,
    )
    if limits.interpretable_agrees:
        yield Limit("interpretable_disagreement", 0.0, _contradicted, said="The readable model gives another label")
    if (allowed := limits.allowed_expertise) is not None:
        known = frozenset(allowed)
        said = "The case needs expertise that the machine does not have"
        yield Limit("expertise_lacking", 0.0, lambda facts: len(facts.features.required_expertise - known), said=said)


def _contradicted(facts: Facts) -> float | None:
    answer = facts.signals.interpretable_disagrees
    return None if answer is None else float(answer)


def _feature(name: str) -> Read:
    return lambda facts: getattr(facts.features, name)


def _signal(name: str) -> Read:
    return lambda facts: getattr(facts.signals, name)


def _past(name: str) -> Read:
    return lambda facts: None if facts.features.history is None else getattr(facts.features.history, name)


_NUMBERS: dict[str, Read] = {
    "min_ensemble_agreement": _signal("ensemble_agreement"),
    "min_margin": _signal("margin"),
    "max_entropy": _signal("entropy"),
    "max_least_confidence": _signal("least_confidence"),
    "max_distance": _feature("nearest_neighbor_distance"),
    "max_risk_score": _feature("risk_score"),
    "max_amount": _feature("amount"),
    "max_error_cost": _feature("error_cost"),
    "max_complexity": _feature("complexity"),
    "max_known_bad_similarity": _feature("known_bad_similarity"),
    "min_history_cases": _past("cases"),
    "max_history_wrong": _past("wrong"),
    "max_history_overridden": _past("overridden"),
}
