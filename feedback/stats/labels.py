"""From what is known about a case to one training label and its weight (mission F2 and F3)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import prod


class LabelSource(StrEnum):
    """Where the label comes from, most trusted first."""

    OUTCOME = "outcome"
    RULING = "ruling"
    REVIEWERS = "reviewers"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One person's final word. skill: 1.0 for an ordinary reviewer, > 0."""

    label: str
    skill: float = 1.0


@dataclass(frozen=True, slots=True)
class Ruling:
    """An adjudication, audit or appeal result: it replaces what the reviewers said."""

    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What turned out to be true. arrival: order of arrival, which decides between equal `observed_at`."""

    label: str
    observed_at: datetime
    arrival: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about the label of one case.

    judgements: one per person, in any order. model_label, model_confidence: what the model said, null if it said
    nothing.
    """

    judgements: Sequence[Judgement] = ()
    rulings: Sequence[Ruling] = ()
    outcomes: Sequence[Outcome] = ()
    model_label: str | None = None
    model_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What weighs the example besides its label.

    selection_probability: that the case came under review, (0, 1]. observation_probability: that its outcome is
    observed, (0, 1]. age_days: since the label was made, >= 0.
    """

    high_stakes: bool = False
    selection_probability: float = 1.0
    observation_probability: float = 1.0
    age_days: float = 0.0


@dataclass(frozen=True, slots=True)
class WeightRules:
    """Every number of F2 and F3, with the mission's defaults. half_life_days null: labels do not age."""

    outcome: float = 2.0
    ruling: float = 1.5
    unanimous: float = 1.5
    disputed: float = 0.8
    single: float = 1.0
    model_only: float = 0.3
    agreement: float = 1.0
    override: float = 2.0
    confident_override: float = 1.5
    confident_above: float = 0.9
    high_stakes: float = 1.3
    half_life_days: float | None = 180.0


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of the weight, by name; 1.0 where it does not apply."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class TrainingLabel:
    """The label to learn from. `weight` is the product of `factors`.

    label null with weight 0: ambiguous (the people are tied) or nothing is known; source null only in the latter case.
    agreement: share of the people who chose the winning label, 0-1; null without judgements.
    """

    label: str | None
    weight: float
    source: LabelSource | None
    agreement: float | None
    ambiguous: bool
    factors: tuple[Factor, ...]


DEFAULT_RULES = WeightRules()


def training_label(
    evidence: Evidence, circumstances: Circumstances, rules: WeightRules = DEFAULT_RULES
) -> TrainingLabel:
    """Combine the evidence; the most trusted source decides alone: outcome, ruling, reviewers, model.

    Among outcomes the latest observed wins, then the last to arrive; among rulings the latest. Reviewers decide by most
    votes: unanimous 1.5, one person 1.0, otherwise agreement x 0.8; a tie for most votes is ambiguous. The selection
    factor applies to labels people gave, the observation factor to outcomes, since these are the two ways a case comes
    to have a label; skill is the mean over the people whose label won. ValueError for a probability outside (0, 1], a
    skill not above 0 or a negative age.
    """
    _check(evidence, circumstances)
    votes = Counter(judgement.label for judgement in evidence.judgements)
    winner, agreement = _vote(votes)
    source, label, base = _decide(evidence, votes, winner, agreement, rules)
    if label is None:
        return TrainingLabel(None, 0.0, source, agreement, source is not None, (Factor("source", 0.0),))
    factors = (Factor("source", base), *_example_factors(evidence, circumstances, rules, source, label))
    return TrainingLabel(label, prod(factor.value for factor in factors), source, agreement, False, factors)


def _check(evidence: Evidence, circumstances: Circumstances) -> None:
    for name in ("selection_probability", "observation_probability"):
        value = getattr(circumstances, name)
        if not 0.0 < value <= 1.0:
            raise ValueError(f"{name} must lie in (0, 1], not {value!r}")
    if not circumstances.age_days >= 0.0:
        raise ValueError(f"age_days must not be negative, not {circumstances.age_days!r}")
    if not all(judgement.skill > 0.0 for judgement in evidence.judgements):
        raise ValueError("skill must be above 0")


def _vote(votes: Counter[str]) -> tuple[str | None, float | None]:
    """The label with most votes (null on a tie) and its share (null without votes)."""
    if not votes:
        return None, None
    (label, most), *others = votes.most_common(2)
    tied = bool(others) and others[0][1] == most
    return None if tied else label, most / votes.total()


def _decide(
    evidence: Evidence, votes: Counter[str], winner: str | None, agreement: float | None, rules: WeightRules
) -> tuple[LabelSource | None, str | None, float]:
    if evidence.outcomes:
        outcome = max(evidence.outcomes, key=lambda outcome: (outcome.observed_at, outcome.arrival))
        return LabelSource.OUTCOME, outcome.label, rules.outcome
    if evidence.rulings:
        return LabelSource.RULING, max(evidence.rulings, key=lambda ruling: ruling.at).label, rules.ruling
    if agreement is not None:
        if agreement < 1.0:
            return LabelSource.REVIEWERS, winner, agreement * rules.disputed
        return LabelSource.REVIEWERS, winner, rules.unanimous if votes.total() >= 2 else rules.single
    if evidence.model_label is not None:
        return LabelSource.MODEL, evidence.model_label, rules.model_only
    return None, None, 0.0


def _example_factors(
    evidence: Evidence, circumstances: Circumstances, rules: WeightRules, source: LabelSource | None, label: str
) -> tuple[Factor, ...]:
    overrides = evidence.model_label is not None and label != evidence.model_label
    confident = overrides and (evidence.model_confidence or 0.0) > rules.confident_above
    by_people = source in (LabelSource.RULING, LabelSource.REVIEWERS)
    skills = [judgement.skill for judgement in evidence.judgements if judgement.label == label]
    return (
        Factor("agreement", 1.0 if overrides else rules.agreement),
        Factor("override", rules.override if overrides else 1.0),
        Factor("confident_override", rules.confident_override if confident else 1.0),
        Factor("high_stakes", rules.high_stakes if circumstances.high_stakes else 1.0),
        Factor("selection", 1.0 / circumstances.selection_probability if by_people else 1.0),
        Factor("observation", 1.0 / circumstances.observation_probability if source is LabelSource.OUTCOME else 1.0),
        Factor("skill", sum(skills) / len(skills) if source is LabelSource.REVIEWERS else 1.0),
        Factor("age", 0.5 ** (circumstances.age_days / rules.half_life_days) if rules.half_life_days else 1.0),
    )
