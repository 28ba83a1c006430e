"""Why a case has its label: every factor of its weight, the evidence, the versions, and other ways to decide."""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from feedback.export_rows import Found, TrainingRows
from feedback.export_versions import versions_of
from feedback.models import CrowdLabel, Export, LabelVersion
from hitl.core.actors import Actor
from hitl.core.clock import now, rfc3339
from hitl.core.errors import NotFound
from reviews.access import case_for_actor, kept_apart, sealed_ids
from reviews.models import Case

SHOWN_VERSIONS = 50
_WHY = {
    "agreement": _("The machine said the same."),
    "override": _("People or the outcome contradict the machine."),
    "confident_override": _("They contradict a machine that was very sure."),
    "high_stakes": _("Much is at stake in this case."),
    "selection": _("One over the chance that it came to people: it stands for those that did not."),
    "observation": _("One over the chance that an outcome is observed."),
    "skill": _("The mean skill of the people whose label it is."),
    "age": _("Halves with every half-life since it was said or observed."),
}
_WHY_SOURCE = {
    "outcome": _("An outcome decides: the one observed last."),
    "ruling": _("An adjudication, audit or appeal decides: the latest."),
    "reviewers": _("People decide: one, several who agree, or most of them, times the share who do; a tie weighs 0."),
}


class FactorOut(msgspec.Struct, frozen=True):
    """One factor of the weight; 1 where it does not apply."""

    name: str
    value: float
    why: str


class LabelVersionOut(msgspec.Struct, frozen=True):
    """The label from `at` on. `withdrawn`: from then on there was none."""

    number: int
    label: str | None
    weight: float
    source: str
    withdrawn: bool
    at: str


class CrowdOut(msgspec.Struct, frozen=True):
    """What the majority says and what Dawid–Skene does. `majority` null: a tie. `fitted_at`: when it was estimated."""

    votes: dict[str, int]
    majority: str | None
    label: str
    posterior: dict[str, float]
    differs: bool
    fitted_at: str


class LabelExplainedOut(msgspec.Struct, frozen=True):
    """A case's label to learn from. `source` null: nobody has said anything. `label` null beside a source: a tie.

    `weight` is the product of `factors`, age as of now. `evidence` is what it was made of and the versions it is joined
    to, as a row of an export. `rules`: where the task type's weights differ from the defaults.
    """

    case: str
    label: str | None
    weight: float | None
    source: str | None
    factors: list[FactorOut]
    rules: dict[str, float | None]
    evidence: dict[str, Any]
    crowd: CrowdOut | None
    versions: list[LabelVersionOut]


def case_with_label(actor: Actor, case_id: uuid.UUID) -> Case:
    """A case whose label this actor may see: visible, not sealed, no panel still sitting. Raises NotFound."""
    case = case_for_actor(actor, case_id)
    if sealed_ids(actor, [case]) or kept_apart(actor, case):
        raise NotFound()
    return case


def label_explained(case: Case) -> LabelExplainedOut:
    """Everything about the label of `case` (with its task type), newest version first; in a fixed number of queries."""
    rows = LabelVersion.objects.filter(task_type_id=case.task_type_id, case_id=case.pk).order_by("-pk")
    versions = list(rows[:SHOWN_VERSIONS])
    newest = versions[0] if versions and not versions[0].withdrawn else None
    row = {} if newest is None else _row(case, newest)
    crowd = CrowdLabel.objects.filter(case_id=case.pk).select_related("run").first()
    return LabelExplainedOut(
        case=str(case.pk),
        label=row.get("label"),
        weight=row.get("weight"),
        source=row.get("source"),
        factors=[_factor(name, value, row["source"]) for name, value in _ordered(row.get("factors", {}))],
        rules=(newest.rules or {}) if newest else {},
        evidence={name: value for name, value in row.items() if name not in ("label", "weight", "source", "factors")},
        crowd=_crowd(crowd),
        versions=_history(versions),
    )


def _row(case: Case, version: LabelVersion) -> dict[str, Any]:
    """As an export made now would have it, pseudonyms included; without the case's own data."""
    export = Export(
        workspace_id=case.workspace_id, kind=Export.Kind.TRAINING, format=Export.Format.JSONL, as_of=now(),
        last_version=version.pk, question={}, task_types=[case.task_type_id],
    )  # fmt: skip
    export.versions = versions_of(export, [case.task_type])
    row = TrainingRows(export, Found()).of(version)
    return {name: value for name, value in row.items() if name not in ("input", "context", "key_evidence", "evidence")}


def _factor(name: str, value: float, source: str) -> FactorOut:
    if name == "source":
        return FactorOut(name, value, str(_WHY_SOURCE.get(source, "")))
    return FactorOut(name, value, str(_WHY.get(name, "")) if value != 1.0 else str(_("It does not apply.")))


def _ordered(factors: dict[str, float]) -> list[tuple[str, float]]:
    """In the order they are explained, which is the order they are multiplied."""
    places = {name: place for place, name in enumerate(("source", *_WHY))}
    return sorted(factors.items(), key=lambda factor: places.get(factor[0], len(places)))


def _history(versions: Sequence[LabelVersion]) -> list[LabelVersionOut]:
    return [
        LabelVersionOut(v.pk, v.label, v.weight, v.source, v.withdrawn, rfc3339(v.updated_at) or "") for v in versions
    ]


def _crowd(found: CrowdLabel | None) -> CrowdOut | None:
    if found is None:
        return None
    fitted_at = rfc3339(found.run.created_at) or ""
    return CrowdOut(found.votes, found.majority, found.label, found.posterior, found.differs, fitted_at)
