"""From a case's rows to the label to learn from (mission F2, F3) and the label calibration may use. Reads nothing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from feedback.learning_settings import DEFAULT_WEIGHTS, WeightSettings
from feedback.models import Signal, TrainingLabel
from feedback.selectors import CaseEvidence
from feedback.stats.labels import (
    Circumstances,
    Evidence,
    LabelSource,
    Outcome,
    Ruling,
    training_label,
)
from feedback.stats.labels import Judgement as Vote
from reviews.models import Judgement, ReviewTask

_RULINGS = (Signal.Source.AUDIT, Signal.Source.APPEAL)
_HIGH = ("high", "critical")
_SelectedBy = TrainingLabel.SelectedBy


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the machine said when the case was routed; all null where it said nothing."""

    label: str | None = None
    model_version: str | None = None
    confidence_source: str | None = None
    confidence: float | None = None
    stakes: str | None = None


def label_of(found: CaseEvidence, at: datetime, weights: WeightSettings = DEFAULT_WEIGHTS) -> TrainingLabel | None:
    """The case's unsaved training label; null where neither a person nor an outcome has spoken.

    Age is a factor of the day a set is exported, not of the day a label was made: a stored one would be stale tomorrow.
    """
    machine = _prediction(found)
    outcomes = _outcomes(found.signals)
    # Who answers an appeal rules; as an ordinary voice beside the others the same word would count twice.
    finals = _last_words([j for j in found.judgements if _kind(j) != ReviewTask.Kind.APPEAL])
    rulings = [Ruling(s.label, s.created_at) for s in found.signals if s.source in _RULINGS]
    rulings += [Ruling(j.label, j.created_at) for j in finals if _kind(j) == ReviewTask.Kind.ADJUDICATION]
    rulings += [Ruling(label, decided_at) for label, decided_at in found.settled]
    finals = [j for j in finals if _kind(j) != ReviewTask.Kind.ADJUDICATION]  # it replaces what they said
    imported = _imported(found.signals)
    if not (outcomes or rulings or finals or imported):
        return None
    by_score, selected = chosen_to_learn(found), selection_probability_of(found)
    stakes = found.routing is not None and (found.routing.risk in _HIGH or machine.stakes in _HIGH)
    circumstances = Circumstances(stakes, selected, weights.observation_probability)
    votes = [Vote(j.label, skill_of(found, j)) for j in finals] + [Vote(s.label, s.trust) for s in imported]
    evidence = Evidence(votes, rulings, outcomes, machine.label, machine.confidence)
    result = training_label(evidence, circumstances, replace(weights.rules, half_life_days=None))
    unaided = training_label(Evidence([Vote(v) for v in _unaided(found, imported)], (), outcomes), circumstances)
    observed = unaided.source is LabelSource.OUTCOME
    return TrainingLabel(
        case_id=found.case.pk,
        workspace_id=found.case.workspace_id,
        task_type_id=found.case.task_type_id,
        label=result.label,
        weight=result.weight,
        source=result.source.value if result.source else "",
        factors={factor.name: factor.value for factor in result.factors},
        unaided_label=unaided.label,
        # Partners send outcomes whether or not a person saw the case; people see the share the policy selected.
        selection_probability=1.0 if observed else selected,
        selected_by=_SelectedBy.ACTIVE_LEARNING if by_score and not observed else _SelectedBy.ROUTE,
        model_label=machine.label,
        model_version=machine.model_version,
        confidence_source=machine.confidence_source,
        confidence=machine.confidence,
        rules=weights.changed,
        labelled_at=_labelled_at(result.source, outcomes, rulings, [*finals, *imported]),
        evidence={
            "judgements": [str(j.pk) for j in found.judgements],
            "signals": [str(s.pk) for s in found.signals],
            "reports": [str(r.pk) for r in found.reports],
            "routing": None if found.routing is None else str(found.routing.pk),
        },
        updated_at=at,
    )


def _labelled_at(
    source: LabelSource | None,
    outcomes: Sequence[Outcome],
    rulings: Sequence[Ruling],
    finals: Sequence[Judgement | Signal],
) -> datetime | None:
    """When the statement that decided the label was made; of an outcome, when it was observed."""
    match source:
        case LabelSource.OUTCOME:
            return max(outcome.observed_at for outcome in outcomes)
        case LabelSource.RULING:
            return max(ruling.at for ruling in rulings)
        case _:
            return max((s.observed_at if isinstance(s, Signal) else s.created_at for s in finals), default=None)


def selection_probability_of(found: CaseEvidence) -> float:
    """The probability that the case came to people, (0, 1]; 1 where it says nothing about the case's label.

    Cases that are only to be labelled all go to people, whatever the route would have done. Where a score of active
    learning chose the case, the route's draw did not: see `chosen_to_learn`.
    """
    if found.routing is None or found.case.mode == "annotate" or chosen_to_learn(found):
        return 1.0
    if not by_chance(found.judgements):
        # An import, an appeal, reports or a supervisor's audit brought it, not the draw: its chance would weigh it as
        # one of many unseen.
        return 1.0
    return found.routing.selection_probability


def by_chance(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Without those that an appeal or users' reports asked for: mostly wrong decisions are contested, so what people
    say of these is no sample of what the machine does.
    """
    return [j for j in judgements if _kind(j) not in (ReviewTask.Kind.APPEAL, ReviewTask.Kind.REPORT)]


def skill_of(found: CaseEvidence, judgement: Judgement) -> float:
    """What this person's judgements weigh in the queue where they judged; 1 before they are rated."""
    return found.skills.get((getattr(judgement, "review_queue", None) or uuid.UUID(int=0), judgement.user_id), 1.0)


def _kind(judgement: Judgement) -> str | None:
    return getattr(judgement, "review_kind", None)


def chosen_to_learn(found: CaseEvidence) -> bool:
    """Whether a score of active learning, not the route, brought the case to people."""
    return any(_kind(j) == ReviewTask.Kind.LEARNING for j in found.judgements)


def heard_others(judgement: Judgement) -> bool:
    """Whether this person's last word came after they read what others said: adjudicators, and who asked for an
    opinion. Their first judgement is their own, as every blind reviewer's is.
    """
    return _kind(judgement) == ReviewTask.Kind.ADJUDICATION or getattr(judgement, "review_seat", "") == "asker"


def unaided_labels(judgements: Sequence[Judgement]) -> list[str]:
    """What each person said before they could know the machine's answer; only people whose final word stands.

    In the arm “never” that is the final word itself, in “after” the first judgement, in “before” nothing.
    """
    firsts = {j.user_id: j for j in judgements if j.stage == Judgement.Stage.FIRST}
    labels = []
    for final in _last_words(judgements):
        first = firsts.get(final.user_id)
        if final.visibility == Judgement.Visibility.NEVER and not heard_others(final):
            labels.append(final.label)
        elif first is not None and final.visibility != Judgement.Visibility.BEFORE:
            labels.append(first.label)
    return labels


def _last_words(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Each person's latest final judgement; `judgements` in order of arrival."""
    return list({j.user_id: j for j in judgements if j.stage == Judgement.Stage.FINAL}.values())


def _imported(signals: Sequence[Signal]) -> list[Signal]:
    """Each annotator's latest imported label; those without a name are one each."""
    found = (s for s in signals if s.source == Signal.Source.IMPORT)
    return list({s.origin or str(s.pk): s for s in sorted(found, key=lambda s: (s.observed_at, s.pk))}.values())


def _unaided(found: CaseEvidence, imported: Sequence[Signal]) -> list[str]:
    """What people said who could not know the machine's answer; of imported labels those declared so."""
    return unaided_labels(by_chance(found.judgements)) + [s.label for s in imported if s.unaided]


def _outcomes(signals: Sequence[Signal]) -> list[Outcome]:
    found = (s for s in signals if s.source == Signal.Source.OUTCOME)
    return [Outcome(s.label, s.observed_at, arrival) for arrival, s in enumerate(found)]


def _prediction(found: CaseEvidence) -> Prediction:
    features: dict[str, Any] = found.routing.features if found.routing else {}
    if features.get("label") is None:
        return Prediction(stakes=features.get("stakes"))
    return Prediction(
        features["label"],
        features.get("model_version"),
        features.get("confidence_source"),
        features.get("confidence"),
        features.get("stakes"),
    )
