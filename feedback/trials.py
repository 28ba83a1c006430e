"""A canary beside the version in force: what each did with its share of the cases, and how well."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from feedback.stats.difference import Difference, Proportion, difference, proportion
from routing.models import Policy, PolicyVersion
from routing.timeline import Interval, intervals_of

NEWEST = 20_000
"""Cases of either version that a comparison reads, the newest."""

# Of the cases that came in while a canary ran. The label of a finished case is its current decision's.
_CASES = """
SELECT r.action, r.zone, r.sampled, COALESCE(r.version_selection, 1), r.features->>'label', d.owner, d.label,
       t.unaided_label, t.selection_probability
FROM (SELECT case_id, action, zone, sampled, version_selection, features FROM routing_routingdecision
      WHERE policy_version_id = %s AND version_probability < 1 AND created_at >= %s AND created_at < %s
      ORDER BY id DESC LIMIT %s) r
LEFT JOIN reviews_decision d ON d.case_id = r.case_id AND d.is_current
LEFT JOIN feedback_traininglabel t ON t.case_id = r.case_id
"""
_PEOPLE = ("reviewer", "panel", "adjudicator", "auditor")


class _Case(NamedTuple):
    action: str
    zone: str
    sampled: bool
    selection: float
    predicted: str | None
    owner: str | None
    label: str | None
    truth: str | None
    truth_probability: float | None


@dataclass(frozen=True, slots=True)
class Arm:
    """One version's cases. overridden: of those people decided, the ones they decided otherwise than the machine said.

    error: of what the machine may decide, the share it gets wrong, judged by outcomes and by people who had not seen
    its answer, weighted by the inverse probability of having been looked at.
    """

    number: int
    n: int
    automated: Proportion
    reviewed: Proportion
    overridden: Proportion
    error: Proportion


@dataclass(frozen=True, slots=True)
class Measure:
    """One proportion of both arms, and canary less active."""

    name: str
    canary: Proportion
    active: Proportion
    difference: Difference


@dataclass(frozen=True, slots=True)
class CanaryComparison:
    """A canary's newest stretch of time beside the version that was in force then."""

    interval: Interval
    canary: Arm
    active: Arm
    measures: tuple[Measure, ...]


def compare_canary(policy: Policy, version: PolicyVersion) -> CanaryComparison | None:
    """The version's newest trial as a canary; null when it had none."""
    intervals = intervals_of(policy)
    trial = next((i for i in intervals if i.number == version.number and i.status == "canary"), None)
    if trial is None:
        return None
    # Another share begins a new interval of the same trial; the version in force is the same in both.
    beside = next((i for i in intervals if i.status == "active" and _overlap(i, trial)), None)
    ids = dict(policy.versions.values_list("number", "pk"))
    canary = arm_between(version.number, version.pk, trial.since, trial.until)
    number, other = (beside.number, ids[beside.number]) if beside else (0, None)
    active = arm_between(number, other, trial.since, trial.until)
    names = ("automated", "reviewed", "overridden", "error")
    measures = tuple(
        Measure(name, one, other, difference(one, other))
        for name, one, other in ((name, getattr(canary, name), getattr(active, name)) for name in names)
    )
    return CanaryComparison(trial, canary, active, measures)


def _overlap(one: Interval, other: Interval) -> bool:
    return one.since <= other.since and (one.until is None or one.until > other.since)


def arm_between(number: int, version_id: uuid.UUID | None, since: datetime, until: datetime | None) -> Arm:
    """A version's cases of that time while a canary shared them; `until` null: to now."""
    with connection.cursor() as cursor:
        cursor.execute(_CASES, [version_id, since, until or "infinity", NEWEST])
        cases = [_Case(*row) for row in cursor.fetchall()]
    return Arm(
        number=number,
        n=len(cases),
        automated=proportion([(case.action.startswith("automate"), 1.0) for case in cases]),
        reviewed=proportion([(_reviewed(case), 1.0) for case in cases]),
        overridden=proportion([(case.label != case.predicted, 1.0) for case in cases if _by_people(case)]),
        error=proportion([(case.truth != case.predicted, _weight(case)) for case in cases if _judged(case)]),
    )


def _reviewed(case: _Case) -> bool:
    return case.sampled or case.action not in ("automate", "automate_and_audit")


def _by_people(case: _Case) -> bool:
    return case.owner in _PEOPLE and case.predicted is not None


def _judged(case: _Case) -> bool:
    """The machine may decide it, and what is right is known."""
    return case.zone in ("auto", "auto_audit") and case.truth is not None and case.predicted is not None


def _weight(case: _Case) -> float:
    """An outcome comes whoever decides; a person's label only where the case was looked at under this version."""
    return 1.0 if case.truth_probability == 1.0 else 1.0 / case.selection
