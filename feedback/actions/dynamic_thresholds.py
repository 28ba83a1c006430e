"""Move thresholds with the load, among those certified for the policy's two error budgets (mission B14)."""

from dataclasses import dataclass
from datetime import datetime

from feedback.certified import Certified, certified_by_model
from feedback.relief import forecast_of, relievable_queues
from hitl.core.actors import Actor, system_actor
from routing.actions.adjustments import NewValue, adjust_policy, end_adjustment
from routing.engine.controller import Ladder, Move, Standing, next_threshold
from routing.engine.document import PolicyDocument, decode_document
from routing.engine.dynamic import DynamicThresholds
from routing.models import Adjustment, PolicyVersion

_KIND = Adjustment.Kind.THRESHOLD


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found about one model version's threshold, in words; `moved`: it changed something."""

    model_version: str
    text: str
    moved: bool


def adjust_thresholds(*, version: PolicyVersion, at: datetime) -> list[Finding]:
    """One look at every model version of a policy in force. Safe to run twice or at once."""
    actor = system_actor(version.workspace_id, "dynamic thresholds")
    document = decode_document(version.document)
    in_force = {row.model_version: row for row in version.policy.adjustments.filter(kind=_KIND, until__isnull=True)}
    findings = []
    if document.dynamic is not None:
        found = certified_by_model(version.policy.task_type_id, document, document.dynamic)
        for model, certified in found.items():
            row = in_force.pop(model, None)
            findings.append(_look(actor, version, document, document.dynamic, model, certified, row, at))
    for model, row in in_force.items():
        text = "The policy in force declares no dynamic thresholds for this model."
        findings.append(Finding(model, text, end_adjustment(actor=actor, adjustment_id=row.pk, reason=text)))
    return findings


def normal_threshold(document: PolicyDocument, model_version: str) -> float | None:
    """What the document says of the model whatever its risk and label; null: it never automates."""
    general = [
        entry.threshold
        for entry in document.thresholds.entries
        if entry.risk is None and entry.label is None and entry.model_version == model_version
    ]
    return general[-1] if general else document.thresholds.default


def ladder_of(normal: float, certified: Certified, rules: DynamicThresholds) -> Ladder:
    """The certified thresholds within the declared bounds, round the normal one."""
    below = {t for t in certified.peak if rules.lowest <= t < normal}
    above = {t for t in certified.normal if normal < t <= (rules.idle_max or 0.0)}
    return Ladder(tuple(sorted(below | {normal} | above)), normal)


def _look(
    actor: Actor,
    version: PolicyVersion,
    document: PolicyDocument,
    rules: DynamicThresholds,
    model: str,
    certified: Certified | str,
    row: Adjustment | None,
    at: datetime,
) -> Finding:
    normal = normal_threshold(document, model)
    reset = _why_reset(version, normal, certified, row)
    if reset is not None or normal is None or isinstance(certified, str):
        text = reset or ""
        moved = row is not None and end_adjustment(actor=actor, adjustment_id=row.pk, reason=text)
        return Finding(model, text, moved)
    standing = _standing(version, model, normal, row)
    queues = relievable_queues(version.workspace_id, version.policy.task_type_id, model, at)
    forecast = forecast_of(queues, standing.threshold, certified.review_share) if queues else None
    ladder = ladder_of(normal, certified, rules)
    move = next_threshold(standing, forecast, ladder, rules, at)
    moved = move.threshold != standing.threshold and _apply(actor, version, model, ladder, move, row)
    return Finding(model, move.reason, moved)


def _why_reset(
    version: PolicyVersion, normal: float | None, certified: Certified | str, row: Adjustment | None
) -> str | None:
    """Why the policy's own threshold counts and nothing moves at this look; null: it may move."""
    if normal is None:
        return "The policy never automates this model's cases."
    if isinstance(certified, str):
        return certified
    if normal not in certified.normal:
        return (
            f"The threshold {normal:g} is not certified for the normal budget; the lowest is {min(certified.normal):g}."
        )
    if row is not None and row.policy_version_id != version.pk:
        return f"Version {version.number} is in force now."
    if row is not None and certified.since > row.since:
        return "A newer study is in: back to normal."
    return None


def _standing(version: PolicyVersion, model: str, normal: float, row: Adjustment | None) -> Standing:
    if row is not None:
        return Standing(row.value, row.since)
    past = version.policy.adjustments.filter(kind=_KIND, model_version=model, policy_version=version)
    last = past.order_by("-id").first()
    return Standing(normal, last.until if last else None)


def _apply(
    actor: Actor, version: PolicyVersion, model: str, ladder: Ladder, move: Move, row: Adjustment | None
) -> bool:
    if move.threshold == ladder.normal and row is not None:
        return end_adjustment(actor=actor, adjustment_id=row.pk, reason=move.reason)
    new = NewValue(
        _KIND,
        value=move.threshold,
        declared=ladder.normal,
        lowest=ladder.rungs[0],
        highest=ladder.rungs[-1],
        reason=move.reason,
        replaces=row.pk if row else None,
        model_version=model,
    )
    return adjust_policy(actor=actor, version=version, new=new) is not None
