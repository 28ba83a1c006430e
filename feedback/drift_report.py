"""One look at a task type: its windows, every test, the likely causes. Worker only: imports numpy and scipy."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.drift_data import windows_of
from feedback.drift_tests import ALPHA, Finding, examine, known_beside
from feedback.selectors import calibrations_in_force
from feedback.stats.drift_causes import Cause, likely_causes
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class Examined:
    """findings: as the report stores them; moved: what is significant, named, each once.

    model: the version that answers most of the newest cases; null without any.
    """

    alpha: float
    findings: list[dict[str, Any]]
    moved: list[str]
    causes: list[Cause]
    model: str | None


def examined(task_type: TaskType, at: datetime) -> Examined:
    """All tests at once; reads four queries."""
    windows = windows_of(task_type, at)
    findings = examine(windows, calibrations_in_force(task_type.pk))
    significant = [finding for finding in findings if finding.significant]
    causes = likely_causes({f.detector for f in significant}, known_beside(windows, findings))
    moved = list(dict.fromkeys(f"{f.detector} ({f.about})" if f.about else str(f.detector) for f in significant))
    models = Counter(case.model for case in windows[-1].recent if case.model)
    model = models.most_common(1)[0][0] if models else None
    return Examined(ALPHA, [_stored(finding) for finding in findings], moved, causes, model)


def _stored(finding: Finding) -> dict[str, Any]:
    shift = finding.shift
    return {
        "detector": str(finding.detector),
        "window": finding.window,
        "about": finding.about,
        "n_reference": shift.n_reference,
        "n_recent": shift.n_recent,
        "effect": shift.effect,
        "low": shift.low,
        "high": shift.high,
        "p_value": shift.p_value,
        "adjusted": finding.adjusted,
        "significant": finding.significant,
        "reason": shift.reason,
    }
