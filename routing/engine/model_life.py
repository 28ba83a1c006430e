"""Model versions that may not act: in shadow they are routed and a person decides; withdrawn they never automate."""

from dataclasses import replace

from routing.engine.route import Action, RiskLevel, Zone
from routing.engine.specs import ModelStatus
from routing.engine.steps import Evaluation, Verdict

_REASONS = {
    ModelStatus.SHADOW: "This version of the model is in shadow: its answers are recorded, and a person decides.",
    ModelStatus.WITHDRAWN: "This version of the model has been withdrawn, so a person decides.",
}


def withhold(run: Evaluation, verdict: Verdict) -> Verdict:
    """The verdict, unless it lets a model act that may not: then a person, and the trace says what it would have been.

    Last of all, so that whatever sends a case to people for another reason still says so.
    """
    status = run.snapshot.task.models.get(run.features.model_version or "")
    if status is None or not verdict.action.automated:
        return verdict
    run.note("model_version", status, model_version=run.features.model_version, would=verdict.action)
    if run.risk is RiskLevel.HIGH:
        return replace(verdict, action=Action.ESCALATE, zone=Zone.ESCALATE, reason=_REASONS[status])
    return replace(verdict, action=Action.REVIEW, zone=Zone.QUEUE, reason=_REASONS[status])
