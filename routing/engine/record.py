"""The closed record that rules see: every field, its type and its meaning.

Absent flags are false and absent lists empty; an absent number or text is missing, so `has(context.amount)` is false
and reading it fails the rule, which sends the case to a person.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from routing.engine.features import Features
from routing.engine.route import RiskLevel
from routing.engine.signals import Signals
from routing.engine.specs import TaskSpec


@dataclass(frozen=True, slots=True)
class Facts:
    """A case as rules see it. confidence: calibrated, the model's own until a calibration is fitted."""

    features: Features
    task: TaskSpec
    signals: Signals
    confidence: float | None
    risk: RiskLevel


class FieldType(StrEnum):
    """What a rule may do with a field; the keys of a map and what lies below `input` are not checked on save."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Field:
    """One path of the record, for the checks and for an editor's completion."""

    path: str
    type: FieldType
    description: str
    read: Callable[[Facts], object]


def _field(path: str, kind: FieldType, description: str, read: Callable[[Facts], object]) -> Field:
    return Field(path, kind, description, read)


def _given(path: str, kind: FieldType, attribute: str, description: str) -> Field:
    return Field(path, kind, description, lambda facts: getattr(facts.features, attribute))


def _computed(name: str, description: str) -> Field:
    return Field(f"signals.{name}", FieldType.NUMBER, description, lambda facts: getattr(facts.signals, name))


def _past(name: str, kind: FieldType, description: str) -> Field:
    return Field(f"history.{name}", kind, description, lambda facts: getattr(facts.features.history, name, None))


_TEXT, _NUMBER, _FLAG, _LIST, _MAP = FieldType

INPUT = "input"
"""The only free root: the case's content, a map whose paths depend on the task type."""

FIELDS: tuple[Field, ...] = (
    _given("prediction.label", _TEXT, "label", "The label the model gives."),
    _field(
        "prediction.confidence",
        _NUMBER,
        "Calibrated confidence, 0-1; the model's own until one is fitted.",
        lambda facts: facts.confidence,
    ),
    _given("prediction.confidence_source", _TEXT, "confidence_source", "Where the confidence comes from."),
    _given("prediction.model_version", _TEXT, "model_version", "The model's version."),
    _given("prediction.probabilities", _MAP, "probabilities", "Probability of each label, 0-1."),
    _field("prediction.margin", _NUMBER, "Likeliest less second likeliest, 0-1.", lambda facts: facts.signals.margin),
    _field(
        "prediction.entropy",
        _NUMBER,
        "Uncertainty as a share of the most possible, 0-1.",
        lambda facts: facts.signals.entropy,
    ),
    _field(
        "prediction.ensemble_agreement",
        _NUMBER,
        "Share of the models that give this label.",
        lambda facts: facts.signals.ensemble_agreement,
    ),
    _given("prediction.interpretable_label", _TEXT, "interpretable_label", "What the readable model says."),
    _field(
        "prediction.interpretable_disagrees",
        _FLAG,
        "The readable model gives another label.",
        lambda facts: bool(facts.signals.interpretable_disagrees),
    ),
    _given("prediction.distance", _NUMBER, "nearest_neighbor_distance", "Distance to the nearest training example."),
    _given("context.stakes", _TEXT, "stakes", "Stakes: low, medium, high or critical."),
    _given("context.amount", _NUMBER, "amount", "Amount at stake, in the partner's currency."),
    _given("context.risk_score", _NUMBER, "risk_score", "The partner's own risk score."),
    _given("context.complexity", _NUMBER, "complexity", "Complexity, 0-1."),
    _given("context.error_cost", _NUMBER, "error_cost", "What a wrong decision costs."),
    _field(
        "context.required_expertise",
        _LIST,
        "Expertise the case needs.",
        lambda facts: sorted(facts.features.required_expertise),
    ),
    _given("context.latency_tolerance", _TEXT, "latency_tolerance", "Latency: provisional, standby or batch."),
    _given("context.virality", _NUMBER, "virality", "Virality, 0-1; 0 when not given."),
    _given("context.is_new_user", _FLAG, "is_new_user", "The subject is new."),
    _given("context.affects_multiple_users", _FLAG, "affects_multiple_users", "Several users are affected."),
    _given("context.has_appeal", _FLAG, "has_appeal", "The subject appealed."),
    _given("context.previous_error", _FLAG, "previous_error", "An earlier decision on the subject was wrong."),
    _given("context.segments", _MAP, "segments", "Groups for fairness, for example context.segments.region."),
    _given("proposed_action.type", _TEXT, "proposed_action_type", "The action the partner proposes."),
    _given(
        "proposed_action.reversible", _FLAG, "proposed_action_reversible", "It can be taken back; missing if unsaid."
    ),
    _field(
        "signals.confidence",
        _NUMBER,
        "Calibrated confidence, 0-1; the model's own until one is fitted.",
        lambda facts: facts.confidence,
    ),
    _computed("least_confidence", "1 less the likeliest label's probability, 0-1."),
    _computed("entropy", "Uncertainty as a share of the most possible, 0-1."),
    _computed("margin", "Likeliest less second likeliest, 0-1."),
    _computed("ensemble_agreement", "Share of the models that give this label."),
    _field(
        "signals.interpretable_disagrees",
        _FLAG,
        "The readable model gives another label.",
        lambda facts: bool(facts.signals.interpretable_disagrees),
    ),
    _given("signals.distance", _NUMBER, "nearest_neighbor_distance", "Distance to the nearest training example."),
    _given("signals.predicted_disagreement", _NUMBER, "predicted_disagreement", "How likely a person overrules, 0-1."),
    _given("signals.known_bad_similarity", _NUMBER, "known_bad_similarity", "Likeness to cases marked as bad, 0-1."),
    _given("signals.risk_score", _NUMBER, "risk_score", "The partner's own risk score."),
    _given("signals.amount", _NUMBER, "amount", "Amount at stake, in the partner's currency."),
    _given("signals.error_cost", _NUMBER, "error_cost", "What a wrong decision costs."),
    _given("signals.complexity", _NUMBER, "complexity", "Complexity, 0-1."),
    _past("cases", _NUMBER, "The subject's earlier cases of this task type, at most 200; missing without a subject."),
    _past("decided", _NUMBER, "Those of them that are decided."),
    _past("wrong", _NUMBER, "Those corrected since, or contradicted by the outcome."),
    _past("overridden", _NUMBER, "Those where a person decided against the machine."),
    _past("last_decision", _TEXT, "The label of the newest decision."),
    _field("case.task_type", _TEXT, "The task type's slug.", lambda facts: facts.task.slug),
    _field(
        "case.risk", _TEXT, "Risk level; risk rules see the static one, rules the raised one.", lambda facts: facts.risk
    ),
    _field(
        "case.reversible", _FLAG, "Decisions of this task type can be taken back.", lambda facts: facts.task.reversible
    ),
)

FIELD_BY_PATH: Mapping[str, Field] = {field.path: field for field in FIELDS}
ROOTS = frozenset(path.partition(".")[0] for path in FIELD_BY_PATH)


def build_record(facts: Facts, paths: Iterable[str]) -> dict[str, Any]:
    """The part of the record that `paths` name, root by root; every root named is there, if only empty.

    A path is a field's, `input` for all of the content, or `input.key` for one key of it.
    """
    record: dict[str, Any] = {}
    for path in paths:
        root, _, key = path.partition(".")
        branch = record.setdefault(root, {})
        if root == INPUT:
            _copy_input(branch, facts.features.input or {}, key)
            continue
        field = FIELD_BY_PATH[path]
        value = field.read(facts)
        if value is not None:
            # One number type, so that a rule behaves alike for 5 and 5.0.
            branch[key] = float(value) if field.type is FieldType.NUMBER else value  # type: ignore[arg-type]
    return record


def _copy_input(branch: dict[str, Any], content: Mapping[str, Any], key: str) -> None:
    if not key:
        branch.update(content)
    elif key in content:
        branch[key] = content[key]
