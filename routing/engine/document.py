"""The policy document: what an expert writes, decoded strictly. Every refusal names its place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from routing.engine.active_learning import ActiveLearning
from routing.engine.adapters import AdapterRule
from routing.engine.bounds import AutomaticChanges
from routing.engine.cascade import Cascade
from routing.engine.cel import compile_rule, place_of
from routing.engine.cel_checks import CelError
from routing.engine.disagreement import DisagreementRef
from routing.engine.dynamic import DynamicThresholds
from routing.engine.fail_safe import FailSafe
from routing.engine.layers import cascade_problems
from routing.engine.limits import SignalLimits
from routing.engine.priority_weights import PriorityDocument
from routing.engine.rates import SamplingRates
from routing.engine.route import RiskLevel
from routing.engine.rule_tests import RuleTest
from routing.engine.slices import SliceRef, slice_problems
from routing.engine.strict import Name, Sentence, Slug, Strict
from routing.engine.thresholds import Thresholds
from routing.engine.zones import Zones

Tests = Annotated[tuple[RuleTest, ...], Meta(max_length=20)]


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One reason to refuse a document: JSON pointer, stable code, sentence; for a rule also line and column, from 1."""

    pointer: str
    code: str
    detail: str
    line: int | None = None
    column: int | None = None


class PolicyError(ValueError):
    """A document that is refused, with every problem found."""

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in problems))
        self.problems = problems


class RiskRule(Strict, frozen=True):
    """Raises the risk to `level` where `when` holds; never lowers it."""

    name: Name
    when: str
    level: RiskLevel
    tests: Tests = ()


class RoutingRule(Strict, frozen=True):
    """Sends a case to people where `when` holds. tier: overrides the choice where such a tier exists.

    tests change no route; a version with a failing one cannot be approved.
    """

    name: Name
    when: str
    then: Literal["review", "escalate", "gate"]
    reason: Sentence | None = None
    tier: Slug | None = None
    tests: Tests = ()


class CalibrationRef(Strict, frozen=True):
    """Which fitted map is in force for a model version and a source of confidence.

    slices: those with a map of their own, tried in this order; a case of none is on the map of `version`.
    """

    model_version: Name
    confidence_source: Name
    version: Annotated[int, Meta(ge=1)]
    slices: Annotated[tuple[SliceRef, ...], Meta(max_length=50)] = ()


class PolicyDocument(Strict, frozen=True):
    """A policy. rollout: without a fitted calibration, low-risk reversible cases act provisionally, each reviewed.

    zones: null, and nothing is answered below the threshold. active_learning: null, and nothing is reviewed for the
    sake of learning. disagreement: null, and no model is asked how likely a person is to overrule the prediction.
    automatic: null, and nothing takes effect without a person.
    """

    risk_rules: Annotated[tuple[RiskRule, ...], Meta(max_length=100)] = ()
    thresholds: Thresholds = Thresholds()
    signals: SignalLimits = SignalLimits()
    rules: Annotated[tuple[RoutingRule, ...], Meta(max_length=100)] = ()
    sampling: SamplingRates = SamplingRates()
    rollout: bool = False
    priority: PriorityDocument = PriorityDocument()
    calibrations: tuple[CalibrationRef, ...] = ()
    cascade: Cascade = Cascade()
    active_learning: ActiveLearning | None = None
    zones: Zones | None = None
    fail_safe: FailSafe = FailSafe()
    disagreement: DisagreementRef | None = None
    dynamic: DynamicThresholds | None = None
    automatic: AutomaticChanges | None = None
    adapters: Annotated[tuple[AdapterRule, ...], Meta(max_length=20)] = ()


def decode_document(value: object) -> PolicyDocument:
    """The document in decoded JSON or YAML; PolicyError with all its problems (or the first one of structure)."""
    try:
        document = msgspec.convert(value, PolicyDocument)
    except msgspec.ValidationError as error:
        raise PolicyError((_structural(str(error)),)) from None
    problems = (*_not_finite(msgspec.to_builtins(document), ""), *_meaning(document), *_rule_problems(document))
    if problems:
        raise PolicyError(problems)
    return document


def problems_in_place(
    document: PolicyDocument, *, labels: tuple[str, ...], tiers: tuple[str, ...]
) -> tuple[PolicyProblem, ...]:
    """What names a label the task type does not have, or a tier that does not exist; such entries would never apply."""
    unknown_labels = (
        PolicyProblem(pointer, "unknown_label", f"There is no label {label!r}.")
        for pointer, label in _named_labels(document)
        if label is not None and label not in labels
    )
    unknown_tiers = (
        PolicyProblem(pointer, "unknown_tier", f"There is no tier {tier!r}.")
        for pointer, tier in _named_tiers(document)
        if tier is not None and tier not in tiers
    )
    return (*unknown_labels, *unknown_tiers)


def _named_labels(document: PolicyDocument) -> Iterator[tuple[str, str | None]]:
    for section, thresholds in _threshold_sections(document):
        for place, entry in enumerate(thresholds.entries):
            yield f"{section}/entries/{place}/label", entry.label
    if document.sampling.reservoir is not None:
        for place, stratum in enumerate(document.sampling.reservoir.entries):
            yield f"/sampling/reservoir/entries/{place}/label", stratum.label
    for place, calibration in enumerate(document.calibrations):
        for inner, own in enumerate(calibration.slices):
            yield f"/calibrations/{place}/slices/{inner}/label", own.label


def _named_tiers(document: PolicyDocument) -> Iterator[tuple[str, str | None]]:
    for place, rule in enumerate(document.rules):
        yield f"/rules/{place}/tier", rule.tier
    for missing in FailSafe.__struct_fields__:
        yield f"/fail_safe/{missing}/tier", getattr(document.fail_safe, missing).tier


def _threshold_sections(document: PolicyDocument) -> Iterator[tuple[str, Thresholds]]:
    yield "/thresholds", document.thresholds
    if document.zones is not None:
        yield "/zones/provisional", document.zones.provisional


def rule_problem(pointer: str, source: str, error: CelError) -> PolicyProblem:
    """A refused rule, with the line and column in its source."""
    line, column = place_of(source, error.offset)
    return PolicyProblem(pointer, error.code, error.detail, line, column)


def _structural(message: str) -> PolicyProblem:
    detail, _, path = message.partition(" - at `")
    path = path.replace("[...]", "")  # an entry of an object, whose key msgspec does not tell
    pointer = re.sub(r"\[(\d+)\]", r"/\1", path.removeprefix("$").rstrip("`")).replace(".", "/")
    named = re.search(r"(unknown|missing required) field `(.*)`", detail)
    if named is None:
        return PolicyProblem(pointer, "invalid", f"{detail}.")
    code = "unknown_field" if named[1] == "unknown" else "required"
    return PolicyProblem(f"{pointer}/{named[2].replace('~', '~0').replace('/', '~1')}", code, f"{detail}.")


def _not_finite(value: Any, pointer: str) -> Iterator[PolicyProblem]:
    if isinstance(value, float) and not isfinite(value):
        yield PolicyProblem(pointer, "invalid", "Give a finite number.")
    elif isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _not_finite(part, f"{pointer}/{key}")


def _meaning(document: PolicyDocument) -> Iterator[PolicyProblem]:
    for section, rules in _named(document):
        names = [rule.name for rule in rules]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield PolicyProblem(f"/{section}/{place}/name", "duplicate", f"Two rules are called {name!r}.")
    yield from _threshold_problems(document)
    bounds = document.sampling.audit_rate_bounds
    if bounds is not None and not bounds.lowest <= document.sampling.audit_rate <= bounds.highest:
        yield PolicyProblem("/sampling/audit_rate", "out_of_bounds", "The audit rate lies between its bounds.")
    automatic = document.automatic
    if automatic is not None and automatic.lowest_threshold > automatic.highest_threshold:
        yield PolicyProblem("/automatic/lowest_threshold", "out_of_bounds", "The lowest lies above the highest.")
    for pointer, code, detail in cascade_problems(document.cascade):
        yield PolicyProblem(f"/cascade{pointer}", code, detail)
    if document.dynamic is not None:
        for field, code, detail in document.dynamic.problems():
            yield PolicyProblem(f"/dynamic/{field}", code, detail)
    refs = [(ref.model_version, ref.confidence_source) for ref in document.calibrations]
    for place, ref in enumerate(refs):
        if ref in refs[:place]:
            yield PolicyProblem(f"/calibrations/{place}", "duplicate", "This model and source already have a version.")
    for place, calibration in enumerate(document.calibrations):
        for pointer, code, detail in slice_problems(calibration.slices):
            yield PolicyProblem(f"/calibrations/{place}{pointer}", code, detail)


def _threshold_problems(document: PolicyDocument) -> Iterator[PolicyProblem]:
    for section, thresholds in _threshold_sections(document):
        for place, entry in enumerate(thresholds.entries):
            pointer = f"{section}/entries/{place}"
            if entry.specificity == 0:
                yield PolicyProblem(pointer, "required", "Name a risk, a label or a model_version, or use the default.")
            if entry.risk is RiskLevel.CRITICAL and entry.threshold is not None:
                yield PolicyProblem(f"{pointer}/threshold", "never_automated", "Critical cases are never automated.")
    if document.zones is not None:
        for place, entry in enumerate(document.zones.provisional.entries):
            if entry.risk is RiskLevel.HIGH and entry.threshold is not None:
                pointer = f"/zones/provisional/entries/{place}/threshold"
                yield PolicyProblem(pointer, "never_provisional", "At high risk a person comes first.")
        lower, upper = document.zones.provisional.default, document.thresholds.default
        if lower is not None and upper is not None and lower > upper:
            detail = "The provisional threshold is at most the one of automation."
            yield PolicyProblem("/zones/provisional/default", "out_of_order", detail)


def _named(document: PolicyDocument) -> tuple[tuple[str, Sequence[RiskRule | RoutingRule | AdapterRule]], ...]:
    return ("risk_rules", document.risk_rules), ("rules", document.rules), ("adapters", document.adapters)


def _rule_problems(document: PolicyDocument) -> Iterator[PolicyProblem]:
    sources = (
        (f"/{section}/{place}/when", rule.when)
        for section, rules in _named(document)
        for place, rule in enumerate(rules)
    )
    for pointer, source in sources:
        try:
            compile_rule(source)
        except CelError as error:
            yield rule_problem(pointer, source, error)
