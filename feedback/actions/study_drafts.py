"""A threshold study becomes a draft of a policy version, which two people then approve as any other."""

from collections import defaultdict
from typing import Any

from feedback.label_proposals import with_label_thresholds
from feedback.models import ThresholdStudy
from feedback.proposals import ModelProposal, SourceProposal, proposed_document
from hitl.core.actors import Actor
from hitl.core.errors import Refused
from hitl.core.permissions import Permission
from routing.actions.policies import propose_version
from routing.engine.document import decode_document
from routing.models import PolicyVersion

_SHOWN = (
    "curve",
    "naive_threshold",
    "guaranteed_threshold",
    "attainable",
    "reason",
    "labels_needed",
    "recommended_threshold",
)


def propose_from_study(*, actor: Actor, study: ThresholdStudy) -> PolicyVersion:
    """Draft the version in force with what the study certified for its objective. Raises Forbidden, Refused
    (`not_proposable`) with the reason of `why_not_proposable`.
    """
    actor.require(Permission.PROPOSE_POLICIES)
    active = version_in_force(study)
    refused = why_not_proposable(study, active)
    if refused is not None or active is None:
        raise Refused(refused or "", code="not_proposable")
    about = {"threshold_study": str(study.pk), "model_version": study.model_version, "max_error": study.max_error}
    figures = {"delta": study.delta, "n": study.n, "objective": study.objective}
    shown = {name: study.result.get(name) for name in _SHOWN}
    return propose_version(
        actor=actor,
        policy=active.policy,
        document=drafted_document(study, active.document),
        note=f"From threshold study {study.pk}.",
        study=about | figures | shown,
    )


def version_in_force(study: ThresholdStudy) -> PolicyVersion | None:
    """The active version of the task type's policy; null without one."""
    rows = PolicyVersion.objects.filter(policy__task_type_id=study.task_type_id, status="active")
    return rows.select_related("policy__task_type").first()


def why_not_proposable(study: ThresholdStudy, active: PolicyVersion | None) -> str | None:
    """Why no policy can follow from this study; null where one can."""
    if not certified_thresholds(study):
        return "Nothing is certified for this objective, so there is nothing to propose."
    if study.slice.get("segment"):
        return "A policy has no thresholds by segment; route the other segments to people by a rule."
    if study.max_error > study.task_type.error_budget:
        return "The study allows more errors than the error budget of the task type."
    if not study.calibrations or study.result.get("uncalibrated"):
        return "Some of these labels are on the model's own scale, on which nothing is automated; recalibrate first."
    if len({c["model_version"] for c in study.calibrations}) > 1:
        return (
            "What is certified holds for all model versions together, not for any one of them; study each model "
            "version by itself."
        )
    if active is None:
        return "No policy version is in force that could be changed."
    document = decode_document(active.document)
    in_force = {(c.model_version, c.confidence_source, c.version) for c in document.calibrations}
    if not {(c["model_version"], c["confidence_source"], c["version"]) for c in study.calibrations} <= in_force:
        return "The calibration in force is not the one that was studied; study again."
    if document.dynamic is not None and None not in certified_thresholds(study):
        return "The thresholds of this policy follow the load, for all labels alike."
    if decode_document(drafted_document(study, active.document)) == document:
        return "The version in force says the same already."
    return None


def certified_thresholds(study: ThresholdStudy) -> dict[str | None, float | None]:
    """What may go live, by predicted label; under the key null: for all labels alike. Empty: nothing."""
    if study.objective == ThresholdStudy.Objective.PER_LABEL:
        found = {one["label"]: one["guaranteed_threshold"] for one in study.result["per_label"]["labels"]}
        return found if any(threshold is not None for threshold in found.values()) else {}
    threshold = study.result.get("recommended_threshold", study.result["guaranteed_threshold"])
    return {} if threshold is None else {study.slice.get("label"): threshold}


def drafted_document(study: ThresholdStudy, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the certified thresholds; everything else as it was."""
    certified = certified_thresholds(study)
    if None not in certified:
        models = sorted({c["model_version"] for c in study.calibrations})
        every = study.objective == ThresholdStudy.Objective.PER_LABEL and not study.slice.get("label")
        labels = {label: threshold for label, threshold in certified.items() if label is not None}
        return with_label_thresholds(document, models, labels, only_these=every)
    sources: dict[str, list[SourceProposal]] = defaultdict(list)
    threshold = certified[None]
    for c in study.calibrations:
        held = () if threshold is None else (threshold,)
        sources[c["model_version"]].append(SourceProposal(c["confidence_source"], c["version"], held))
    return proposed_document(document, [ModelProposal(name, tuple(found)) for name, found in sorted(sources.items())])
