"""What a digest would change in a policy: a rule for what people overrule, a lower threshold where it is safe."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from feedback.certify import certify_half, records_of
from feedback.digest_content import ANY, MIN_EVENTS, Cluster, DigestContent, JudgedRow
from feedback.proposals import ModelProposal, SourceProposal, proposed_document
from feedback.selectors import labelled_predictions
from feedback.stats.bounds import wilson_interval
from feedback.stats.joint_thresholds import joint_study
from feedback.stats.thresholds import ThresholdStudy
from routing.engine.document import CalibrationRef, PolicyDocument
from routing.engine.route import RiskLevel
from routing.engine.slices import SlicedMap
from routing.models import TaskType

APPROVED, ENOUGH = 0.9, 50
"""A threshold is lowered only where people surely approve more than this, on at least so many unaided judgements."""
DELTA = 0.05
_OTHER_LABEL = "\0another"
_WHY = "People overruled the machine unusually often in such cases."
Maps = Mapping[tuple[str, str], SlicedMap]


@dataclass(frozen=True, slots=True)
class Draft:
    """A changed document; null where the reason says why there is none."""

    kind: str
    reason: str
    document: dict[str, Any] | None = None


def rule_draft(content: DigestContent, document: PolicyDocument, raw: dict[str, Any]) -> Draft | None:
    """A rule that sends the worst group to people. Null where no group stands out.

    Only where people overruled what the machine decides alone, as draws and audits show it: of what they see anyway a
    rule changes nothing.
    """
    worst = next((c for c in content.clusters if c.stands_out and c.errors >= MIN_EVENTS), None)
    if worst is None:
        return None
    named, when = words_of(worst), condition_of(worst)
    about = f"People overruled {worst.errors} of {worst.n} in {named}, and {worst.others} of {worst.n_others} elsewhere"
    if not worst.automated:
        return Draft("rule", f"{about}; but people see these already, so no rule is proposed.")
    if any(rule.when == when for rule in document.rules):
        return Draft("rule", f"{about}; a rule of the policy in force sends these to people already.")
    rule = {"name": f"Digest: {named}"[:100], "when": when, "then": "review", "reason": _WHY}
    reason = (
        f"{about}. In {named} {worst.automated} of them are cases that the machine decides alone; the rule sends such "
        "cases to people."
    )
    return Draft("rule", reason, {**raw, "rules": [*raw.get("rules", ()), rule]})


def condition_of(cluster: Cluster) -> str:
    """The group in the rules' language; names and values as JSON strings, which that language reads."""
    if cluster.by == "label":
        return f"prediction.label == {_quoted(cluster.value)}"
    name, value = _quoted(cluster.name), _quoted(cluster.value)
    return f"{name} in context.segments && context.segments[{name}] == {value}"


def _quoted(text: str) -> str:
    """Characters as they are: JSON's escapes for those beyond the basic plane are pairs, which the rules refuse."""
    return json.dumps(text, ensure_ascii=False)


def words_of(cluster: Cluster) -> str:
    """The group as a person reads it."""
    group = f"cases predicted {cluster.value}" if cluster.by == "label" else f"{cluster.name} {cluster.value}"
    return group if cluster.category == ANY else f"{group} ({cluster.category})"


def threshold_drafts(
    task_type: TaskType, document: PolicyDocument, raw: dict[str, Any], maps: Maps, rows: list[JudgedRow]
) -> Iterator[Draft]:
    """For each calibrated model a lower threshold, where a study certifies it and people approve nearly all it frees.

    rows: unaided judgements, so that agreeing by reflex with an answer that was shown cannot count as approval.
    """
    for model in sorted({ref.model_version for ref in document.calibrations}):
        now = document.thresholds.for_case(RiskLevel.LOW, _OTHER_LABEL, model)
        if now is None:
            continue  # never automated: beginning to is no lower threshold
        refs = [ref for ref in document.calibrations if ref.model_version == model]
        studies = [_study(task_type, document, ref, maps) for ref in refs]
        sources = tuple(
            SourceProposal(ref.confidence_source, ref.version, study.certified)
            for ref, study in zip(refs, studies, strict=True)
        )
        proposal = ModelProposal(model, sources)
        if proposal.threshold is not None and proposal.threshold < now:
            n = min(study.n for study in studies)
            changed = {**proposed_document(raw, [proposal]), "calibrations": raw.get("calibrations", [])}
            yield _lowered(model, now, proposal.threshold, n, changed, rows)


def _lowered(
    model: str, now: float, lower: float, certified_on: int, document: dict[str, Any], rows: list[JudgedRow]
) -> Draft:
    freed = [r for r in rows if r.model_version == model and r.confidence is not None and lower <= r.confidence < now]
    approved = sum(not row.overruled for row in freed)
    low, high = wilson_interval(approved, len(freed))
    about = f"{model}: a threshold of {lower} instead of {now} is certified on {certified_on} labels"
    if len(freed) < ENOUGH:
        return Draft(
            "threshold", f"{about}, but only {len(freed)} unaided judgements lie between; {ENOUGH} are needed."
        )
    share = f"people approved {approved} of {len(freed)} between, unaided (95 % interval {low:.1%} to {high:.1%})"
    if low <= APPROVED:
        return Draft("threshold", f"{about}, but {share}; surely more than {APPROVED:.0%} are asked for.")
    return Draft("threshold", f"{about}, and {share}.", document)


def _study(task_type: TaskType, document: PolicyDocument, ref: CalibrationRef, maps: Maps) -> ThresholdStudy:
    """On the half of the labels that no map was fitted on, as a recalibration would certify."""
    found = labelled_predictions(task_type.pk, model_version=ref.model_version)
    own = [p for p in certify_half(found) if p.confidence_source == ref.confidence_source]
    records = records_of(own, maps.get((ref.model_version, ref.confidence_source)))
    if document.dynamic is None:
        return joint_study(records, task_type.error_budget, None, DELTA).normal
    dynamic = document.dynamic
    return joint_study(records, dynamic.normal_error, dynamic.peak_error, dynamic.delta).normal
