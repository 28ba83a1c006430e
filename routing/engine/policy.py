"""A policy made ready to run: rules compiled, calibrations resolved, nothing left to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

import msgspec

from routing.engine.adapters import CompiledAdapters, compile_adapters
from routing.engine.adjustments import Adjustments
from routing.engine.calibration import CalibrationMap
from routing.engine.cel import Rule, compile_rule
from routing.engine.cel_checks import CelError
from routing.engine.disagreement import DisagreementModel
from routing.engine.document import (
    PolicyDocument,
    PolicyError,
    RiskRule,
    RoutingRule,
    rule_problem,
)
from routing.engine.features import Features
from routing.engine.layers import CompiledLayer, compile_cascade
from routing.engine.limits import Limit, SignalLimits, declared_limits
from routing.engine.route import RiskLevel
from routing.engine.slices import Slice, SlicedMap
from routing.engine.specs import TaskSpec, TierSpec

CalibrationKey = tuple[str, str]
"""Model version and confidence source."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A confidence 0-1, null without one; version null: no fitted map is in force, it is the model's own.

    slice: whose map it is, null for the model's. backed_off: slices have maps, and the case belongs to none.
    """

    confidence: float | None
    version: int | None
    slice: Slice | None = None
    backed_off: bool = False


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """One policy version, immutable. paths: all the record paths its rules read. salt: for `hash_draw`."""

    document: PolicyDocument
    version: int
    salt: str
    risk_rules: tuple[tuple[RiskRule, Rule], ...]
    rules: tuple[tuple[RoutingRule, Rule], ...]
    paths: frozenset[str]
    calibrations: Mapping[CalibrationKey, SlicedMap]
    cascade: tuple[CompiledLayer, ...] = ()
    limits: tuple[Limit, ...] = ()
    disagreement: DisagreementModel | None = None
    adapters: CompiledAdapters = ()

    @property
    def reads_history(self) -> bool:
        """Whether the subject's history must be known before this policy is asked."""
        limited = any(limit.signal.startswith("history_") for limit in self.limits)
        return limited or any(path.startswith("history.") for path in self.paths)

    @property
    def reads_known_bad(self) -> bool:
        """Whether the similarity to known bad cases must be known before this policy is asked."""
        name = "known_bad_similarity"
        return f"signals.{name}" in self.paths or any(limit.signal == name for limit in self.limits)

    def calibrate(self, features: Features) -> Calibrated:
        """The case's confidence on the scale of frequencies, where a fitted map is in force."""
        if features.confidence is None or features.model_version is None:
            return Calibrated(features.confidence, None)
        maps = self.calibrations.get((features.model_version, features.confidence_source))
        if maps is None:
            return Calibrated(features.confidence, None)
        fitted, own = maps.for_case(features.label, features.segments)
        confidence = None if fitted is None else fitted.apply(features.confidence)
        # Extreme parameters can give NaN, which compares false with every limit: no map is then in force.
        if fitted is None or confidence is None or not isfinite(confidence):
            return Calibrated(features.confidence, None, own)
        return Calibrated(confidence, fitted.version, own, bool(maps.slices) and own is None)

    def threshold_for(self, risk: RiskLevel, label: str, model_version: str | None) -> float | None:
        """The most specific matching entry's threshold, the later of equals, else the default; null never automates."""
        return self.document.thresholds.for_case(risk, label, model_version)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a route depends on besides the case."""

    policy: CompiledPolicy
    tiers: tuple[TierSpec, ...]
    task: TaskSpec
    adjustments: Adjustments = field(default_factory=Adjustments)


def compile_policy(
    document: PolicyDocument,
    *,
    calibrations: Mapping[CalibrationKey, CalibrationMap],
    version: int,
    salt: str,
    slices: Mapping[int, CalibrationMap] | None = None,
    disagreement: DisagreementModel | None = None,
) -> CompiledPolicy:
    """A policy ready to run; PolicyError where a rule does not compile. disagreement: the model the document names.

    Of `calibrations`, and of `slices` (by version), only those the document names, in the version it names, are in
    force; a missing one means people. A slice's own is missing for its cases: thresholds are not certified on the
    parent's scale for them.
    """
    risk_rules = tuple(
        (rule, _compiled(f"/risk_rules/{i}/when", rule.when)) for i, rule in enumerate(document.risk_rules)
    )
    rules = tuple((rule, _compiled(f"/rules/{i}/when", rule.when)) for i, rule in enumerate(document.rules))
    in_force: dict[CalibrationKey, SlicedMap] = {}
    for ref in document.calibrations:
        key = (ref.model_version, ref.confidence_source)
        parent = _named(calibrations.get(key), ref.version)
        if parent is not None:
            own = ((each.slice, _named((slices or {}).get(each.version), each.version)) for each in ref.slices)
            in_force[key] = SlicedMap(parent, tuple(own))
    paths = frozenset(path for _, rule in (*risk_rules, *rules) for path in rule.paths)
    cascade, limits = compile_cascade(document.cascade), declared_limits(_signal_limits(document))
    adapters = compile_adapters(document.adapters)
    return CompiledPolicy(
        document, version, salt, risk_rules, rules, paths, in_force, cascade, limits, disagreement, adapters
    )


def _named(found: CalibrationMap | None, version: int) -> CalibrationMap | None:
    """The map where it is fitted and the version that the document names."""
    return found if found is not None and found.version == version and found.n > 0 else None


def _signal_limits(document: PolicyDocument) -> SignalLimits:
    """The limits declared; a pinned disagreement model's threshold is one, unless the signals state another."""
    limits, pinned = document.signals, document.disagreement
    if pinned is None or limits.max_predicted_disagreement is not None:
        return limits
    return msgspec.structs.replace(limits, max_predicted_disagreement=pinned.threshold)


def _compiled(pointer: str, source: str) -> Rule:
    try:
        return compile_rule(source)
    except CelError as error:
        raise PolicyError((rule_problem(pointer, source, error),)) from None
