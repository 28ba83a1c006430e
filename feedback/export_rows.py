"""The rows of an export, read in keyset chunks, so that a million cost the memory of five hundred.

Everything a row says is either immutable or named by the label version it shows, so later judgements change nothing.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from feedback.models import Export, LabelVersion, Signal
from feedback.pseudonyms import Pseudonyms, hide_fields
from hitl.core.clock import rfc3339
from reviews.models import Case, CaseContent, Judgement, Report, ReviewTask
from routing.models import RoutingDecision

CHUNK = 500
Row = dict[str, Any]
_NIL = uuid.UUID(int=0)
# The newest version of each case up to the watermark. What was asked for is picked from these 500 afterwards: with
# filters in here the planner takes the rest of a large table for few rows, and sorts it again for every chunk.
_VERSIONS = """
SELECT DISTINCT ON (v.case_id) v.* FROM feedback_labelversion v
WHERE v.task_type_id = %(task_type)s AND v.case_id > %(after)s AND v.id <= %(last_version)s
ORDER BY v.case_id, v.id DESC LIMIT %(limit)s
"""


@dataclass(slots=True)
class Found:
    """What a pass comes across besides its rows. `withheld`: ids of cases left out, 16 bytes each."""

    models: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    calibrations: Counter[str] = field(default_factory=Counter)
    guidelines: Counter[str] = field(default_factory=Counter)
    withheld: bytearray = field(default_factory=bytearray)

    def versions(self) -> dict[str, dict[str, int]]:
        """How many rows (of guidelines: judgements) name each version."""
        named = ("models", "policies", "calibrations", "guidelines")
        return {name: dict(sorted(getattr(self, name).items())) for name in named}


@dataclass(frozen=True, slots=True)
class _About:
    """What the rows of a chunk are made of, by id."""

    cases: Mapping[uuid.UUID, Case]
    contents: Mapping[uuid.UUID, CaseContent]
    routings: Mapping[str, RoutingDecision]
    judgements: Mapping[str, Judgement]
    signals: Mapping[str, Signal]
    reports: Mapping[str, Report]


class TrainingRows:
    """The rows of one export of training labels, by task type and case. A rebuild leaves out what was left out."""

    def __init__(self, export: Export, found: Found) -> None:
        self._export, self._found = export, found
        self._names = None if export.raw else Pseudonyms(export.workspace_id)
        self._withheld = set(_ids(bytes(export.withheld))) if export.rebuilds_id else None

    def chunks(self) -> Iterator[list[Row]]:
        """Up to `CHUNK` rows at a time; each in short queries of its own, no transaction is held."""
        for task_type_id in sorted(self._export.task_types):
            after = _NIL
            while versions := self._versions(task_type_id, after):
                after = versions[-1].case_id
                yield self._rows(task_type_id, versions)

    def of(self, version: LabelVersion) -> Row:
        """The row of one label version."""
        kind = self._export.versions["task_types"][str(version.task_type_id)]
        return self._row(version, _read(self._export.workspace_id, [version]), kind)

    def _versions(self, task_type_id: uuid.UUID, after: uuid.UUID) -> list[LabelVersion]:
        last, values = self._export.last_version, {"task_type": task_type_id, "after": after, "limit": CHUNK}
        return list(LabelVersion.objects.raw(_VERSIONS, values | {"last_version": last}))

    def _asked(self, versions: list[LabelVersion]) -> list[LabelVersion]:
        """Those the export asks for; a case whose newest version is another is out."""
        asked = self._export.question
        model, since, owner = (asked.get(name) for name in ("model_version", "since", "owner"))
        found = [
            version
            for version in versions
            if not version.withdrawn
            and (model is None or version.model_version == model)
            and (since is None or version.updated_at >= datetime.fromisoformat(since))
        ]
        if owner is None:
            return found
        own = Case.objects.filter(pk__in=[version.case_id for version in found], owner_id=owner)
        own_ids = set(own.values_list("pk", flat=True))
        return [version for version in found if version.case_id in own_ids]

    def _rows(self, task_type_id: uuid.UUID, versions: list[LabelVersion]) -> list[Row]:
        asked = self._asked(versions)
        out = self._left_out({version.case_id for version in asked})
        for case_id in sorted(out):
            self._found.withheld += case_id.bytes
        shown = [version for version in asked if version.case_id not in out]
        about, kind = _read(self._export.workspace_id, shown), self._export.versions["task_types"][str(task_type_id)]
        return [self._row(version, about, kind) for version in shown]

    def _left_out(self, case_ids: set[uuid.UUID]) -> set[uuid.UUID]:
        """Those a person may still have to judge: a training set must not tell them what others or the machine said."""
        if self._withheld is not None:
            return case_ids & self._withheld
        open_ = ReviewTask.objects.filter(case_id__in=case_ids, status__in=ReviewTask.OPEN)
        return set(open_.values_list("case_id", flat=True))

    def _row(self, version: LabelVersion, about: _About, kind: Mapping[str, Any]) -> Row:
        case, content = about.cases[version.case_id], about.contents[version.case_id]
        made_of = version.evidence or {}
        routing = about.routings.get(made_of.get("routing") or "")
        names = self._names
        factors = _aged(version, self._export.as_of, kind["half_life_days"])
        weight = version.weight * factors["age"]
        return {
            "case": str(case.pk),
            "task_type": kind["slug"],
            "external_id": case.external_id if names is None else names.maybe("external", case.external_id),
            "subject": case.subject if names is None else names.maybe("subject", case.subject),
            "submitted_at": rfc3339(case.created_at),
            "mode": case.mode,
            **_shown(content, kind["sensitive_pointers"], names),
            "label": version.label,
            "weight": _rounded(weight),
            "source": version.source,
            "factors": factors,
            "unaided_label": version.unaided_label,
            "selection_probability": version.selection_probability,
            "selected_by": version.selected_by,
            "labelled_at": rfc3339(version.labelled_at),
            "label_version": version.pk,
            "label_changed_at": rfc3339(version.updated_at),
            **self._machine(version, routing, kind),
            "judgements": [
                self._judgement(about.judgements[pk], kind)
                for pk in made_of.get("judgements", ())
                if pk in about.judgements
            ],
            "signals": [_signal(about.signals[pk], names) for pk in made_of.get("signals", ()) if pk in about.signals],
            "reports": [_report(about.reports[pk], names) for pk in made_of.get("reports", ()) if pk in about.reports],
        }

    def _machine(self, version: LabelVersion, routing: RoutingDecision | None, kind: Mapping[str, Any]) -> Row:
        """What the machine said, and the versions that made the route."""
        found, policy = self._found, routing.policy_version if routing else None
        if version.model_version:
            found.models[version.model_version] += 1
        if policy:
            found.policies[f"{policy.policy.slug}#{policy.number}"] += 1
        if routing and routing.calibration_version:
            found.calibrations[f"{kind['slug']}#{routing.calibration_version}"] += 1
        return {
            "model_version": version.model_version,
            "model_label": version.model_label,
            "confidence": version.confidence,
            "confidence_source": version.confidence_source,
            "calibrated_confidence": routing.calibrated_confidence if routing else None,
            "probabilities": routing.features.get("probabilities") if routing else None,
            "action": routing.action if routing else None,
            "zone": routing.zone if routing else None,
            "policy": policy.policy.slug if policy else None,
            "policy_version": policy.number if policy else None,
            "calibration_version": routing.calibration_version if routing else None,
        }

    def _judgement(self, judgement: Judgement, kind: Mapping[str, Any]) -> Row:
        guideline = judgement.guideline.number if judgement.guideline else None
        if guideline is not None:
            self._found.guidelines[f"{kind['slug']}#{guideline}"] += 1
        row = {
            "reviewer": str(judgement.user_id)
            if self._names is None
            else self._names.of("reviewer", judgement.user_id),
            "stage": judgement.stage,
            "label": judgement.label,
            "confidence": judgement.confidence,
            "visibility": judgement.visibility,
            "override_category": judgement.override_category,
            "guideline_version": guideline,
            "decision_time_s": judgement.decision_time_s,
            "at": rfc3339(judgement.created_at),
        }
        return row if self._names else row | {"reasoning": judgement.reasoning}


def _read(workspace_id: uuid.UUID, versions: Collection[LabelVersion]) -> _About:
    """Six queries, whatever the number of rows."""
    case_ids = [version.case_id for version in versions]
    made_of = [version.evidence or {} for version in versions]
    routings = RoutingDecision.objects.filter(workspace_id=workspace_id, case_id__in=case_ids)
    routings = routings.select_related("policy_version__policy").only(
        "case_id", "features", "action", "zone", "calibrated_confidence", "calibration_version",
        "policy_version__number", "policy_version__policy__slug",
    )  # fmt: skip
    judgements = Judgement.objects.filter(pk__in=[pk for m in made_of for pk in m.get("judgements", ())])
    signals = Signal.objects.filter(pk__in=[pk for m in made_of for pk in m.get("signals", ())]).defer("details")
    reports = Report.objects.filter(pk__in=[pk for m in made_of for pk in m.get("reports", ())])
    return _About(
        Case.objects.only("external_id", "subject", "created_at", "mode").in_bulk(case_ids),
        CaseContent.objects.only("input", "context", "key_evidence", "evidence").in_bulk(case_ids),
        {str(row.pk): row for row in routings},
        {str(row.pk): row for row in judgements.select_related("guideline").defer("guideline__text")},
        {str(row.pk): row for row in signals},
        {str(row.pk): row for row in reports},
    )


def _shown(content: CaseContent, sensitive: list[str], names: Pseudonyms | None) -> Row:
    """The case's data, without what its task type declares sensitive."""
    given = content.input if names is None else hide_fields(content.input, sensitive, names)
    return {
        "input": given,
        "context": content.context,
        "key_evidence": content.key_evidence,
        "evidence": content.evidence,
    }


def _signal(signal: Signal, names: Pseudonyms | None) -> Row:
    """An appeal's or report's origin is a person; an outcome's is what observed it."""
    person = names is not None and signal.source != Signal.Source.OUTCOME and signal.origin
    return {
        "source": signal.source,
        "label": signal.label,
        "trust": signal.trust,
        "unaided": signal.unaided,
        "origin": names.of("origin", signal.origin) if names and person else signal.origin,
        "observed_at": rfc3339(signal.observed_at),
        "at": rfc3339(signal.created_at),
    }


def _report(report: Report, names: Pseudonyms | None) -> Row:
    """Without its text, unless names are exported: users write whatever they like."""
    row = {
        "category": report.category,
        "origin": names.of("origin", report.submitted_by) if names and report.submitted_by else report.submitted_by,
        "at": rfc3339(report.created_at),
    }
    return row if names else row | {"text": report.text}


def _aged(version: LabelVersion, as_of: datetime, half_life_days: float | None) -> dict[str, float]:
    """The factors with age as of the export's moment; an ambiguous label weighs nothing at any age."""
    age = max(as_of - (version.labelled_at or version.updated_at), timedelta(0)) / timedelta(days=1)
    decay = 0.5 ** (age / half_life_days) if half_life_days else 1.0
    return dict(sorted((version.factors | {"age": _rounded(decay)}).items()))


def _rounded(number: float) -> float:
    """Twelve digits: the last bits of a power differ between processors, and files must not."""
    return float(f"{number:.12g}")


def _ids(packed: bytes) -> Iterator[uuid.UUID]:
    return (uuid.UUID(bytes=packed[start : start + 16]) for start in range(0, len(packed), 16))
