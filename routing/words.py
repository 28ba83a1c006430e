"""A policy's document in plain words, section by section."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing.engine.document import PolicyDocument, decode_document
from routing.engine.features import LatencyTolerance
from routing.engine.limits import DISAGREEMENT_DEFAULT, SignalLimits
from routing.engine.thresholds import Thresholds

_LIMITS = {
    "min_ensemble_agreement": "fewer than {} of the models agree",
    "min_margin": "the likeliest label leads by less than {}",
    "max_entropy": "the uncertainty is above {}",
    "max_distance": "the nearest training example is farther than {}",
    "max_risk_score": "the partner's risk score is above {}",
    "max_amount": "the amount is above {}",
    "max_error_cost": "an error would cost more than {}",
    "max_complexity": "the complexity is above {}",
    "max_least_confidence": "the likeliest label's probability falls short of 1 by more than {}",
    "max_known_bad_similarity": "it is more than {} like a case marked as known bad",
    "min_history_cases": "the subject had fewer than {} cases before",
    "max_history_wrong": "more than {} earlier decisions on the subject were wrong",
    "max_history_overridden": "people overruled the machine more than {} times on the subject",
}
_MISSING = {
    "calibration": "No calibration is fitted for the model version",
    "rule": "A rule cannot be evaluated",
    "signal": "A signal that has a limit is not given",
    "disagreement_model": "Predicted disagreement has a limit here and nothing predicts it",
    "judge": "A judge gives no answer",
}
_ALWAYS_HIGH = ("signal", "disagreement_model", "judge")
_HIGH = "at high risk it is escalated"
_LATENCY = {
    LatencyTolerance.PROVISIONAL: "it is answered now",
    LatencyTolerance.STANDBY: "a person on standby decides",
    LatencyTolerance.BATCH: "it waits for a person",
}
_VERBS = {"review": "a person reviews it", "escalate": "it is escalated", "gate": "the action waits for approval"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its sentences."""

    title: str
    lines: tuple[str, ...]


def document_in_words(value: dict[str, Any]) -> tuple[Section, ...]:
    """What a stored (so valid) document says."""
    return words_of(decode_document(value))


def words_of(document: PolicyDocument) -> tuple[Section, ...]:
    """What a document says. What has no sentence here yet is told by `differences` place by place."""
    sections = (
        Section("When the machine may decide", tuple(_thresholds(document))),
        Section("What keeps it from deciding", tuple(_limits(document))),
        Section("When it answers and a person reviews", tuple(_zones(document))),
        Section("How load moves the thresholds", tuple(_dynamic(document))),
        Section("Rules", tuple(_rules(document))),
        Section("What people see all the same", tuple(_sampling(document))),
        Section("What people are asked to learn from", tuple(_learning(document))),
        Section("What comes first", tuple(_priority(document))),
        Section("When something is missing", tuple(_fail_safe(document))),
        Section("What hitl may change by itself", tuple(_automatic(document))),
        Section("Calibrations in force", tuple(_calibrations(document))),
    )
    return tuple(section for section in sections if section.lines)


def _thresholds(document: PolicyDocument) -> Iterator[str]:
    yield from _threshold_lines(document.thresholds)
    if document.rollout:
        yield "Roll-out: without a fitted calibration, low-risk reversible cases act provisionally, all reviewed."


def _zones(document: PolicyDocument) -> Iterator[str]:
    if document.zones is None:
        return
    yield from _threshold_lines(document.zones.provisional)
    yield "Only below the threshold of automation, at low or medium risk, where the decision can be taken back."
    yield f"A case that does not say how long it can wait: {_LATENCY[document.zones.latency]}."


def _fail_safe(document: PolicyDocument) -> Iterator[str]:
    for name, phrase in _MISSING.items():
        refuge = getattr(document.fail_safe, name)
        high = f"; {_HIGH}" if name in _ALWAYS_HIGH and refuge.then == "review" else ""
        yield f"{phrase}: {_does(refuge.then, refuge.tier)}{high}."
    yield "The database is away: no case is accepted, and the partner is told when to try again."


def _threshold_lines(thresholds: Thresholds) -> Iterator[str]:
    yield f"By default {_from(thresholds.default)}."
    for entry in thresholds.entries:
        scope = [
            text
            for text in (
                f"{entry.risk.value} risk" if entry.risk else "",
                f"label “{entry.label}”" if entry.label is not None else "",
                f"model {entry.model_version}" if entry.model_version is not None else "",
            )
            if text
        ]
        yield f"For {', '.join(scope)}: {_from(entry.threshold)}."


def _from(threshold: float | None) -> str:
    if threshold is None:
        return "never"
    return f"from a calibrated confidence of {threshold:g}"


def _limits(document: PolicyDocument) -> Iterator[str]:
    for name, phrase in _LIMITS.items():
        limit = getattr(document.signals, name)
        if limit is not None:
            yield f"A person decides when {phrase.format(f'{limit:g}')}, or when that is not known."
    yield from _disagreement(document)
    yield from _other_limits(document.signals)


def _disagreement(document: PolicyDocument) -> Iterator[str]:
    stated, pinned = document.signals.max_predicted_disagreement, document.disagreement
    if pinned is not None:
        yield f"Disagreement model {pinned.model} is asked how likely a person is to overrule."
    most = pinned.threshold if stated is None and pinned is not None else stated
    if most is not None:
        yield f"A person decides when one is more than {most:g} likely to overrule, or when that is not known."
    else:
        yield f"A person decides when a model finds it more than {DISAGREEMENT_DEFAULT:g} likely that one overrules."


def _other_limits(limits: SignalLimits) -> Iterator[str]:
    if limits.interpretable_agrees:
        yield "A person decides when the readable model gives another label, or none."
    if limits.allowed_expertise is not None:
        allowed = ", ".join(limits.allowed_expertise) or "none"
        yield f"A person decides when a case needs other expertise than: {allowed}."


def _dynamic(document: PolicyDocument) -> Iterator[str]:
    if (rules := document.dynamic) is None:
        return
    yield f"At most {rules.normal_error:.1%} of what is automated may be wrong, {rules.peak_error:.1%} at peak load."
    yield f"Reviews should wait at most {rules.target_wait_s:g} s; when they would wait longer, the machine takes more."
    if rules.idle_max is not None:
        yield f"When reviewers are idle it takes less, up to a threshold of {rules.idle_max:g}."
    yield f"Never below {rules.lowest:g}, by at most {rules.step:g} at once, every {rules.dwell_s:g} s at most."


def _rules(document: PolicyDocument) -> Iterator[str]:
    for raising in document.risk_rules:
        yield f"{raising.name}: the risk is at least {raising.level.value} when {raising.when}"
    for rule in document.rules:
        said = f" (“{rule.reason}”)" if rule.reason else ""
        yield f"{rule.name}: {_does(rule.then, rule.tier)} when {rule.when}{said}"


def _does(then: str, tier: str | None) -> str:
    return f"{_VERBS[then]} by tier {tier}" if tier else _VERBS[then]


def _sampling(document: PolicyDocument) -> Iterator[str]:
    rates = document.sampling
    yield f"{rates.exploration_rate:.1%} of what could be automated is reviewed before, to keep learning."
    yield f"{rates.audit_rate:.1%} of what is automated at high stakes is audited afterwards."
    if bounds := rates.audit_rate_bounds:
        yield f"That share adapts to how well the machine does, between {bounds.lowest:.1%} and {bounds.highest:.1%}."
    if reservoir := rates.reservoir:
        yield f"Beside that, one in {reservoir.one_in} of each label, risk and zone is seen by a person."
        for entry in reservoir.entries:
            scope = " ".join(key for key in (entry.label, entry.risk, entry.zone) if key) or "all"
            yield f"For {scope}: one in {entry.one_in}."


def _learning(document: PolicyDocument) -> Iterator[str]:
    found = document.active_learning
    if found is None:
        return
    yield f"Cases that score above {found.always_above:g} are put into the active-learning queue while it has room."
    yield f"Above {found.few_above:g} they are while fewer than {found.few} wait there."
    for name in found.weights.__struct_fields__:
        yield f"{name.capitalize()} counts up to {getattr(found.weights, name):g} in the score."


def _priority(document: PolicyDocument) -> Iterator[str]:
    for name in document.priority.weights.__struct_fields__:
        weight = getattr(document.priority.weights, name)
        if weight:
            yield f"{name.replace('_', ' ').capitalize()} counts up to {weight:g}."
    scale = f"{document.priority.amount_scale:,.12g}"
    if document.priority.weights.amount:
        above = document.priority.amount_counts == "above"
        yield f"The amount counts only above {scale}." if above else f"The amount counts in full from {scale} on."


def _automatic(document: PolicyDocument) -> Iterator[str]:
    if bounds := document.automatic:
        limits = f"{bounds.lowest_threshold:g} to {bounds.highest_threshold:g}"
        yield f"A recalibration takes effect without a person where its thresholds stay within {limits}."


def _calibrations(document: PolicyDocument) -> Iterator[str]:
    for ref in document.calibrations:
        yield f"{ref.model_version}, {ref.confidence_source}: version {ref.version}"
        for own in ref.slices:
            yield f"{ref.model_version}, {ref.confidence_source}, {own.slice}: version {own.version}"
    if not document.calibrations:
        yield "None: every confidence counts as uncalibrated, so people decide."
