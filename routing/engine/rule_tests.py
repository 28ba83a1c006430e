"""A rule's own tests: sample cases that stand in the document beside it, and what it says of one case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from routing.engine.cel import Rule, RuleFailed, compile_rule, context_of
from routing.engine.features import Features
from routing.engine.record import FIELD_BY_PATH, INPUT, Facts, Field, FieldType, build_record
from routing.engine.route import RiskLevel
from routing.engine.signals import compute_signals
from routing.engine.specs import TaskSpec

MAX_DEPTH = 32
MAX_LIST = 1_000
_PREDICTION = frozenset({"label", "confidence", "confidence_source", "model_version", "probabilities"})
_FEATURES = frozenset(field.name for field in fields(Features))
_TYPES: Mapping[FieldType, tuple[type, ...]] = {
    FieldType.TEXT: (str,),
    FieldType.NUMBER: (int, float),
    FieldType.FLAG: (bool,),
    FieldType.LIST: (list,),
    FieldType.MAP: (dict,),
}


class RuleTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """case: as partners submit it, or by the record's names (`{"context": {"amount": 5}}`). expect: what is right."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    case: dict[str, Any]
    expect: bool


class SampleError(ValueError):
    """A sample case that no rule can read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says of one case. holds null: it failed, `error` says why. read: path to value, null if missing."""

    holds: bool | None
    error: str | None
    read: Mapping[str, Any]

    @property
    def said(self) -> tuple[tuple[str, str | None], ...]:
        """What was read for people: path and JSON, at most 80 characters of it; null where missing."""
        return tuple((path, None if value is None else _short(value)) for path, value in self.read.items())


@dataclass(frozen=True, slots=True)
class RuleTestResult:
    """pointer: of the test in its document. rule: the rule's name."""

    pointer: str
    rule: str
    test: RuleTest
    answer: Answer

    @property
    def passed(self) -> bool:
        """Whether the rule answered as expected; a rule that fails never does."""
        return self.answer.holds is self.test.expect


def ask(rule: Rule, record: Mapping[str, Any]) -> Answer:
    """The rule's answer on a record, with what it read."""
    read = {path: _at(record, path) for path in sorted(rule.paths)}
    try:
        return Answer(rule.holds(context_of(record)), None, read)
    except RuleFailed as failed:
        return Answer(None, str(failed), read)


def ask_facts(rule: Rule, facts: Facts) -> Answer:
    """The rule's answer on a real case."""
    return ask(rule, build_record(facts, rule.paths))


def ask_sample(rule: Rule, case: Mapping[str, Any], task: TaskSpec) -> Answer:
    """The rule's answer on a sample case; a sample that cannot be read is a failure that says so."""
    try:
        record = sample_record(case, task, rule.paths)
    except SampleError as error:
        return Answer(None, str(error), {})
    except OverflowError:
        return Answer(None, "A number of the sample is too large.", {})
    return ask(rule, record)


def sample_record(case: Mapping[str, Any], task: TaskSpec, paths: frozenset[str]) -> dict[str, Any]:
    """What a rule sees of a sample: computed as for a real case, then whatever the sample says of a path itself."""
    features = sample_features(case)
    facts = Facts(features, task, compute_signals(features, task.labels), features.confidence, task.risk)
    record = build_record(facts, paths)
    for path in paths:
        root, _, key = path.partition(".")
        said = case.get(root)
        if root != INPUT and isinstance(said, Mapping) and key in said:
            _overlay(record, FIELD_BY_PATH[path], said[key])
    return record


def sample_features(case: Mapping[str, Any]) -> Features:
    """A sample as the engine's features. Raises SampleError."""
    _check_shape(case)
    prediction, context = _part(case, "prediction"), _part(case, "context")
    action = _part(case, "proposed_action")
    said = {key: value for key, value in prediction.items() if key in _PREDICTION}
    votes = prediction.get("ensemble") or []
    if not isinstance(votes, list) or not all(isinstance(vote, dict) for vote in votes):
        raise SampleError("prediction.ensemble: give a list of {model, label, confidence}.")
    said["ensemble"] = [[vote.get("model", ""), vote.get("label"), vote.get("confidence")] for vote in votes]
    said["interpretable_label"] = (_part(prediction, "interpretable") or {}).get("label")
    said["nearest_neighbor_distance"] = prediction.get("nearest_neighbor_distance")
    for key, value in context.items():
        if key not in _FEATURES - _PREDICTION and f"context.{key}" not in FIELD_BY_PATH:
            raise SampleError(f"context.{key}: the record has no such field.")
        said[key] = value
    said |= {"proposed_action_type": action.get("type"), "proposed_action_reversible": action.get("reversible")}
    said["input"] = _part(case, INPUT)
    given = {key: value for key, value in said.items() if value is not None}
    try:
        return Features.from_json(given)
    except ValueError as error:
        raise SampleError(str(error).replace("`$.", "`")) from None


def sample_of(read: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest sample that gives a rule the values it read of a case; what was missing stays missing."""
    sample: dict[str, Any] = {}
    for path, value in read.items():
        root, _, key = path.partition(".")
        if value is not None and not key:
            sample[root] = value
        elif value is not None:
            sample.setdefault(root, {})[key] = value
    return sample


def run_tests(section: str, place: int, rule: Any, task: TaskSpec) -> Iterator[RuleTestResult]:
    """The tests of one rule that compiles (`section`: rules or risk_rules)."""
    compiled = compile_rule(rule.when) if rule.tests else None
    for number, test in enumerate(rule.tests):
        assert compiled is not None
        pointer = f"/{section}/{place}/tests/{number}"
        yield RuleTestResult(pointer, rule.name, test, ask_sample(compiled, test.case, task))


def run_all_tests(document: Any, task: TaskSpec) -> tuple[RuleTestResult, ...]:
    """Every test of every rule of a decoded document."""
    return tuple(
        result
        for section in ("risk_rules", "rules")
        for place, rule in enumerate(getattr(document, section))
        for result in run_tests(section, place, rule, task)
    )


def _at(record: Mapping[str, Any], path: str) -> Any:
    root, _, key = path.partition(".")
    branch = record.get(root, {})
    return branch.get(key) if key else branch


def _part(whole: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = whole.get(key)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise SampleError(f"{key}: give an object.")
    return part


def _overlay(record: dict[str, Any], field: Field, value: Any) -> None:
    root, _, key = field.path.partition(".")
    if value is None:
        record[root].pop(key, None)
        return
    if type(value) not in _TYPES[field.type]:
        raise SampleError(f"{field.path}: give a {field.type}.")
    if field.path == "case.risk" and value not in tuple(RiskLevel):
        raise SampleError(f"case.risk: give one of {', '.join(RiskLevel)}.")
    if field.type is FieldType.NUMBER:
        if not isfinite(value):
            raise SampleError(f"{field.path}: give a finite number.")
        value = float(value)
    record[root][key] = value


def _check_shape(value: Any, depth: int = 0) -> None:
    """Very deep data and very long lists would hold or crash the evaluator."""
    if depth > MAX_DEPTH:
        raise SampleError(f"A sample case is nested at most {MAX_DEPTH} deep.")
    if isinstance(value, list) and len(value) > MAX_LIST:
        raise SampleError(f"A list has at most {MAX_LIST} items.")
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            _check_shape(part, depth + 1)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:79]}…"
