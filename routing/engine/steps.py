"""The steps of routing, in the order they are asked; the first that answers decides, each leaves its trace."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cel

from routing.engine.adjustments import adjusted_threshold
from routing.engine.cel import Rule, RuleFailed, open_context
from routing.engine.fail_safe import Refuge
from routing.engine.features import Features, Validation
from routing.engine.layers import CompiledLayer, run_check
from routing.engine.policy import Calibrated, Snapshot
from routing.engine.record import Facts
from routing.engine.route import Action, Plain, RiskLevel, TraceStep, Zone
from routing.engine.tiers import automated_tier, within_limits
from routing.engine.zones import Between, between


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a step sends the case, before sampling. threshold: the one compared; rule and tier: what a rule named."""

    action: Action
    zone: Zone
    reason: str
    threshold: float | None = None
    rule: str | None = None
    tier: str | None = None


@dataclass(slots=True)
class Evaluation:
    """One case on its way through the steps: what is known, what was tried. Lives for one call of `evaluate`."""

    features: Features
    snapshot: Snapshot
    stop_reason: str | None
    calibrated: Calibrated
    facts: Facts
    doubt: str | None = None
    awaits: str | None = None
    trace: list[TraceStep] = field(default_factory=list)
    _context: cel.Context | RuleFailed | None = None

    @property
    def risk(self) -> RiskLevel:
        return self.facts.risk

    def note(self, step: str, outcome: str, **detail: Plain) -> None:
        self.trace.append(TraceStep(step, outcome, detail))

    def raise_risk(self, level: RiskLevel) -> None:
        """Never lowers it."""
        if level.rank > self.facts.risk.rank:
            self.facts = replace(self.facts, risk=level)

    def risk_settled(self) -> None:
        """Rules after this see the raised risk."""
        paths = self.snapshot.policy.paths
        if self.facts.risk is not self.snapshot.task.risk and "case.risk" in paths:
            self._context = None

    def holds(self, rule: Rule) -> bool:
        """Whether the rule is true of this case; RuleFailed where it cannot be told."""
        if self._context is None:
            self._context = self._open()
        if isinstance(self._context, RuleFailed):
            raise self._context
        return rule.holds(self._context)

    def _open(self) -> cel.Context | RuleFailed:
        try:
            return open_context(self.facts, self.snapshot.policy.paths)
        except RuleFailed as failed:
            return failed


def stop(run: Evaluation) -> Verdict | None:
    """The stop buttons: of the task type, and of everything (given as a reason)."""
    if not run.snapshot.task.stopped and run.stop_reason is None:
        run.note("stop_button", "not_pressed")
        return None
    run.note("stop_button", "pressed", reason=run.stop_reason)
    said = "" if run.stop_reason is None else f" ({run.stop_reason})"
    return _review(f"Machine decisions are switched off{said}, so a person decides.")


def prediction(run: Evaluation) -> Verdict | None:
    """There is an answer to act on, and it is one of the task type's labels."""
    features = run.features
    if features.label is None:
        outcome, reason = "no_prediction", "There is no prediction, so a person decides."
    elif features.label not in run.snapshot.task.labels:
        outcome, reason = "unknown_label", "The predicted label is not one of this task type's, so a person decides."
    elif features.confidence is None:
        outcome, reason = "no_confidence", "The prediction states no confidence, so a person decides."
    else:
        run.note("prediction", "usable", label=features.label, confidence=features.confidence)
        return None
    run.note("prediction", outcome, label=features.label, confidence=features.confidence)
    return _review(reason)


def risk(run: Evaluation) -> Verdict | None:
    """The static level, raised by every rule that holds; one that fails raises it to high and leaves a doubt."""
    run.note("static_risk", run.risk, task_type=run.snapshot.task.slug)
    level = run.risk
    for rule, compiled in run.snapshot.policy.risk_rules:
        try:
            holds = run.holds(compiled)
        except RuleFailed as failed:
            run.note("risk_rule", "failed", rule=rule.name, level=rule.level, error=str(failed))
            run.doubt = run.doubt or rule.name
            level = max(level, RiskLevel.HIGH, key=_rank)
            continue
        run.note("risk_rule", "true" if holds else "false", rule=rule.name, level=rule.level)
        if holds:
            level = max(level, rule.level, key=_rank)
    run.raise_risk(level)
    run.risk_settled()
    run.note("risk", run.risk)
    return None


def critical(run: Evaluation) -> Verdict | None:
    """Critical cases are never automated."""
    if run.risk is not RiskLevel.CRITICAL:
        return None
    run.note("critical", "escalate")
    return _escalate("The case is critical, and critical cases are always decided by a person.")


def gate(run: Evaluation) -> Verdict | None:
    """An action that cannot be taken back waits for approval."""
    features, task = run.features, run.snapshot.task
    proposed = features.proposed_action_type is not None or features.proposed_action_reversible is not None
    irreversible = features.proposed_action_reversible is False or (proposed and not task.reversible)
    if not irreversible:
        run.note("gate", "open", proposed_action=features.proposed_action_type)
        return None
    run.note("gate", "closed", proposed_action=features.proposed_action_type, task_reversible=task.reversible)
    return Verdict(Action.GATE, Zone.ESCALATE, "The proposed action cannot be taken back, so a person must approve it.")


def cascade(run: Evaluation) -> Verdict | None:
    """The layers that compute, in order; the first that does not pass sends the case to people."""
    said = {given.key: given for given in run.features.validations}
    for compiled in run.snapshot.policy.cascade:
        if compiled.check is None:
            return None
        found = said.get(compiled.key) or run_check(compiled, run.features.input or {})
        run.note("cascade", found.outcome, layer=compiled.layer.name, kind=compiled.kind, detail=found.detail)
        if found.outcome != "pass":
            return layer_failed(run, compiled, found)
    return None


def layer_failed(run: Evaluation, compiled: CompiledLayer, found: Validation) -> Verdict:
    """Where a layer that did not pass sends the case."""
    said = "did not pass" if found.outcome == "fail" else "gave no verdict on"
    reason = f"The validation “{compiled.layer.name}” {said} this case, so a person decides."
    verdict = _escalate(reason) if compiled.layer.on_fail == "escalate" else _doubtful(run, reason)
    if compiled.check is None and found.outcome not in ("fail", "unasked"):
        return _refuge(run, run.snapshot.policy.document.fail_safe.judge, verdict)
    return verdict


def rules(run: Evaluation) -> Verdict | None:
    """The first rule that holds; without one, a rule that failed means a person. A failure never hides a later rule."""
    for rule, compiled in run.snapshot.policy.rules:
        try:
            holds = run.holds(compiled)
        except RuleFailed as failed:
            run.note("rule", "failed", rule=rule.name, error=str(failed))
            run.doubt = run.doubt or rule.name
            continue
        run.note("rule", "true" if holds else "false", rule=rule.name, then=rule.then)
        if holds:
            reason = rule.reason or f"The rule “{rule.name}” applies."
            zone = Zone.QUEUE if rule.then == "review" else Zone.ESCALATE
            return Verdict(Action(rule.then), zone, reason, rule=rule.name, tier=rule.tier)
    if run.doubt is None:
        return None
    reason = f"The rule “{run.doubt}” could not be evaluated on this case, so a person decides."
    verdict = Verdict(Action.REVIEW, Zone.QUEUE, reason, rule=run.doubt)
    return _refuge(run, run.snapshot.policy.document.fail_safe.rule, verdict)


def signals(run: Evaluation) -> Verdict | None:
    """Every declared limit; one violated, or one whose signal is missing, means a person."""
    verdict: Verdict | None = None
    for limit in run.snapshot.policy.limits:
        value = limit.read(run.facts)
        if value is None and not limit.required:
            continue
        outcome = "missing" if value is None else "kept" if limit.kept_by(value) else "violated"
        run.note("signal", outcome, signal=limit.signal, value=value, limit=limit.limit)
        if outcome != "kept" and verdict is None:
            verdict = _doubtful(run, limit.broken_by(value))
            if value is None:
                safe = run.snapshot.policy.document.fail_safe
                refuge = safe.disagreement_model if limit.signal == "predicted_disagreement" else safe.signal
                verdict = _refuge(run, refuge, verdict)
    return verdict


def machine_tier(run: Evaluation) -> Verdict | None:
    """The machine's own tier must be able to take a case so complex and so costly."""
    tier = automated_tier(run.snapshot.tiers)
    if tier is None or within_limits(tier, run.features):
        return None
    run.note(
        "automated_tier",
        "not_able",
        complexity=run.features.complexity,
        max_complexity=tier.max_complexity,
        error_cost=run.features.error_cost,
        max_error_cost=tier.max_error_cost,
    )
    return _doubtful(run, "The case is more complex or costly than the machine may take, so a person decides.")


def threshold(run: Evaluation) -> Verdict:
    """The matrix: calibrated confidence against the threshold, and the risk."""
    features, calibrated = run.features, run.calibrated
    assert features.label is not None and calibrated.confidence is not None
    limit = run.snapshot.policy.threshold_for(run.risk, features.label, features.model_version)
    if calibrated.version is None:
        return _unfitted(run, limit)
    if limit is None:
        run.note("threshold", "never", confidence=calibrated.confidence, threshold=None)
        return _review("The policy never automates such cases, so a person decides.")
    limit = _under_load(run, limit)
    high = calibrated.confidence >= limit
    run.note("threshold", "reached" if high else "missed", confidence=calibrated.confidence, threshold=limit)
    compared = f"{calibrated.confidence:.4g}", f"{limit:.4g}"
    if not high:
        reason = f"The calibrated confidence {compared[0]} is below the threshold {compared[1]}, so a person decides."
        verdict = _between(run, calibrated.confidence) or _doubtful(run, reason)
        return verdict if verdict.action.automated else replace(verdict, threshold=limit)
    reason = f"The calibrated confidence {compared[0]} reaches the threshold {compared[1]}"
    if run.risk is RiskLevel.LOW:
        return Verdict(Action.AUTOMATE, Zone.AUTO, f"{reason} and the risk is low.", limit)
    return Verdict(
        Action.AUTOMATE_AND_AUDIT, Zone.AUTO_AUDIT, f"{reason}; at {run.risk} risk a share is audited.", limit
    )


STEPS: tuple[Callable[[Evaluation], Verdict | None], ...] = (
    stop,
    prediction,
    risk,
    critical,
    gate,
    cascade,
    rules,
    signals,
    machine_tier,
    threshold,
)


def _between(run: Evaluation, confidence: float) -> Verdict | None:
    """The zone below automation: by how long the case can wait, answered now and reviewed, or a person first."""
    zones, task = run.snapshot.policy.document.zones, run.snapshot.task
    if zones is None:
        return None
    limit, outcome = between(zones, run.features, task, run.risk, confidence)
    run.note("provisional_zone", outcome, confidence=confidence, threshold=limit, reversible=task.reversible)
    match outcome:
        case Between.PROVISIONAL:
            reason = f"The calibrated confidence {confidence:.4g} allows an answer now, and a person reviews it."
            return Verdict(Action.AUTOMATE_AND_REVIEW, Zone.QUEUE, reason, limit)
        case Between.STANDBY:
            return _review(f"The calibrated confidence {confidence:.4g} is not enough, and a person stands by.")
    return None


def _under_load(run: Evaluation, limit: float) -> float:
    """The threshold as the present load of the reviewers moves it, with what it normally is and why."""
    snapshot = run.snapshot
    dynamic, model = snapshot.policy.document.dynamic, run.features.model_version
    found = adjusted_threshold(limit, run.risk, model, dynamic, snapshot.adjustments)
    if found is None:
        return limit
    outcome = "lowered" if found.value < limit else "raised"
    run.note("dynamic_threshold", outcome, normal=limit, threshold=found.value, reason=found.reason)
    return found.value


def _unfitted(run: Evaluation, limit: float | None) -> Verdict:
    """No fitted calibration: people, except where a roll-out may act provisionally with every case reviewed."""
    run.note(
        "calibration",
        "missing",
        model_version=run.features.model_version,
        confidence_source=run.features.confidence_source,
    )
    task, rollout = run.snapshot.task, run.snapshot.policy.document.rollout
    if rollout and run.risk is RiskLevel.LOW and task.reversible and limit is not None:
        run.note("rollout", "provisional")
        reason = "During the roll-out the machine acts provisionally on low-risk cases, and a person reviews each."
        return Verdict(Action.AUTOMATE_AND_REVIEW, Zone.AUTO_AUDIT, reason)
    if rollout:
        run.note("rollout", "not_eligible", risk=run.risk, reversible=task.reversible, automation=limit is not None)
    verdict = _review("No calibration has been fitted for this model version, so a person decides.")
    return _refuge(run, run.snapshot.policy.document.fail_safe.calibration, verdict)


def _refuge(run: Evaluation, refuge: Refuge, verdict: Verdict) -> Verdict:
    """The verdict for something missing, as strict as the policy wants; never less strict, and always a person."""
    if refuge.then == "escalate":
        verdict = replace(verdict, action=Action.ESCALATE, zone=Zone.ESCALATE)
    if refuge == Refuge():
        return verdict
    run.note("fail_safe", verdict.action, tier=refuge.tier)
    return replace(verdict, tier=refuge.tier)


def _rank(level: RiskLevel) -> int:
    return level.rank


def _doubtful(run: Evaluation, reason: str) -> Verdict:
    """The matrix's row for a machine in doubt: high risk escalates, the rest queues."""
    return _escalate(reason) if run.risk is RiskLevel.HIGH else _review(reason)


def _review(reason: str) -> Verdict:
    return Verdict(Action.REVIEW, Zone.QUEUE, reason)


def _escalate(reason: str) -> Verdict:
    return Verdict(Action.ESCALATE, Zone.ESCALATE, reason)
