"""The one evaluator, for live, shadow, canary and replay: the same case, snapshot and draw give the same route."""

from dataclasses import dataclass, replace

from routing.engine.adjustments import audit_rate
from routing.engine.features import Features
from routing.engine.judging import judged
from routing.engine.model_life import withhold
from routing.engine.policy import Snapshot
from routing.engine.priority import prioritise
from routing.engine.record import Facts
from routing.engine.route import Action, Route, Zone
from routing.engine.sampling import second_draw
from routing.engine.signals import compute_signals
from routing.engine.steps import STEPS, Evaluation, Verdict
from routing.engine.tiers import automated_tier, choose_tier


def evaluate(features: Features, snapshot: Snapshot, *, draw: float, stop_reason: str | None = None) -> Route:
    """Where the case goes, with the whole trace; pure and total. draw: 0 <= draw < 1 (ValueError), see `hash_draw`.

    stop_reason: given, all machine decisions are off. Once the task type and the policy are known nothing raises.
    """
    if not 0.0 <= draw < 1.0:
        raise ValueError(f"draw must lie in [0, 1), not {draw!r}")
    run = _start(features, snapshot, stop_reason)
    verdict = _decide(run)
    chance = _sample(run, verdict, draw)
    priority, breakdown = prioritise(
        features, run.facts.signals, run.calibrated.confidence, snapshot.policy.document.priority
    )
    tier, review_tier = _tiers(run, chance, verdict)
    return Route(
        action=chance.action,
        zone=verdict.zone,
        risk=run.risk,
        tier=tier,
        review_tier=review_tier,
        reason=chance.reason,
        rule=verdict.rule,
        label=features.label if chance.action.automated else None,
        calibrated_confidence=run.calibrated.confidence,
        calibration_version=run.calibrated.version,
        threshold=verdict.threshold,
        priority=priority,
        priority_breakdown=breakdown,
        selection_probability=chance.selection_probability,
        action_propensity=chance.action_propensity,
        sampled=chance.sampled,
        trace=tuple(run.trace),
        awaits=run.awaits,
    )


@dataclass(frozen=True, slots=True)
class _Chance:
    """The action after the draw, and the probabilities of a review and of this action."""

    action: Action
    reason: str
    selection_probability: float = 1.0
    action_propensity: float = 1.0
    sampled: bool = False


def _start(features: Features, snapshot: Snapshot, stop_reason: str | None) -> Evaluation:
    calibrated = snapshot.policy.calibrate(features)
    signals = compute_signals(features, snapshot.task.labels)
    model = snapshot.policy.disagreement
    if model is not None:
        # The pinned model speaks, whatever an earlier one said: replay under another version asks that version's.
        features = replace(features, predicted_disagreement=model.predict(features, signals))
    facts = Facts(features, snapshot.task, signals, calibrated.confidence, snapshot.task.risk)
    run = Evaluation(features, snapshot, stop_reason, calibrated, facts)
    if calibrated.slice is not None:
        outcome = "missing" if calibrated.version is None else "slice"
        run.note("calibration", outcome, slice=str(calibrated.slice), version=calibrated.version)
    elif calibrated.backed_off:
        run.note("calibration", "parent", version=calibrated.version)
    return run


def _decide(run: Evaluation) -> Verdict:
    for step in STEPS:
        verdict = step(run)
        if verdict is not None:
            if verdict.action.automated:
                verdict = judged(run, verdict)
            return withhold(run, verdict)
    raise AssertionError("the last step always decides")


def _sample(run: Evaluation, verdict: Verdict, draw: float) -> _Chance:
    """Send a known share of automated cases to people; a person's case is certain to be seen."""
    if verdict.action is Action.AUTOMATE_AND_AUDIT:
        rate, drawn = _audit(run, draw)
        chance, kept = _reservoir(run, verdict.zone, draw, rate)
        return _Chance(verdict.action, verdict.reason, chance, 1.0, drawn or kept)
    if verdict.action is not Action.AUTOMATE:
        return _Chance(verdict.action, verdict.reason)
    rate = run.snapshot.policy.document.sampling.exploration_rate
    drawn = draw < rate
    run.note("exploration_sample", "drawn" if drawn else "not_drawn", draw=draw, rate=rate)
    chance, kept = _reservoir(run, verdict.zone, draw, rate)
    if drawn or kept:
        reason = "Drawn at random, so that people keep checking the machine."
        return _Chance(Action.REVIEW, reason, chance, chance, True)
    return _Chance(verdict.action, verdict.reason, chance, 1.0 - chance)


def _audit(run: Evaluation, draw: float) -> tuple[float, bool]:
    """The audit rate in force, and whether this case is drawn."""
    rates = run.snapshot.policy.document.sampling
    current = audit_rate(rates, run.snapshot.adjustments)
    if current.reason is not None:
        run.note("audit_rate", "adjusted", rate=current.rate, declared=rates.audit_rate, reason=current.reason)
    drawn = draw < current.rate
    run.note("audit_sample", "drawn" if drawn else "not_drawn", draw=draw, rate=current.rate)
    return current.rate, drawn


def _reservoir(run: Evaluation, zone: Zone, draw: float, rate: float) -> tuple[float, bool]:
    """P(drawn by the rate or kept by the reservoir), and whether this case is kept; the two draws are independent."""
    reservoir, label = run.snapshot.policy.document.sampling.reservoir, run.features.label
    if reservoir is None or label is None:
        return rate, False
    one_in = reservoir.one_in_of(label, run.risk, zone)
    own = second_draw(f"{label}\0{run.risk}\0{zone}", draw)
    kept = own < 1.0 / one_in
    run.note("reservoir", "kept" if kept else "passed", draw=own, one_in=one_in, stratum=f"{label}, {run.risk}, {zone}")
    return (1.0 if one_in == 1 else 1.0 - (1.0 - rate) * (1.0 - 1.0 / one_in)), kept


def _tiers(run: Evaluation, chance: _Chance, verdict: Verdict) -> tuple[str, str | None]:
    """Who decides, and the tier of people that reviews it; null where nobody does."""
    automated = chance.action.automated
    reviewer = None
    if not automated or chance.sampled or chance.action is Action.AUTOMATE_AND_REVIEW:
        choice = choose_tier(run.snapshot.tiers, run.features, chance.action, verdict.tier)
        run.trace.append(choice.step)
        reviewer = choice.slug
    if not automated:
        assert reviewer is not None
        return reviewer, reviewer
    machine = automated_tier(run.snapshot.tiers)
    return machine.slug if machine is not None else "automated", reviewer
