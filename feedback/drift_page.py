"""What /ops/drift shows: the newest report of every task type in words, and the evidence over the past ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedback.drift_chart import DriftChart, drift_chart
from feedback.models import DriftReport
from feedback.selectors import task_types_for_actor
from feedback.stats.drift_causes import Cause, Detector
from hitl.core.actors import Actor
from hitl.core.numbers import fixed, plain
from routing.models import TaskType

REPORTS_SHOWN = 40
_TITLES = {
    Detector.CONFIDENCE: gettext_lazy("Confidences"),
    Detector.LABELS: gettext_lazy("Predicted labels"),
    Detector.ROUTING: gettext_lazy("Share automated"),
    Detector.CALIBRATION: gettext_lazy("Calibration"),
    Detector.DIVERGENCE: gettext_lazy("People against the machine"),
    Detector.BUNCHING: gettext_lazy("Just above the threshold"),
}
_CAUSES = {
    Cause.PROBING: (
        gettext_lazy("Somebody probes the threshold"),
        gettext_lazy(
            "Confidences crowd just above it. Review those cases as attempts to deceive, draw more of them, and move "
            "the threshold."
        ),
    ),
    Cause.NEW_MODEL: (
        gettext_lazy("A new model version"),
        gettext_lazy("Its answers are distributed otherwise. Calibrate it on its own labels; a run was asked for."),
    ),
    Cause.NEW_POLICY: (
        gettext_lazy("A new policy version"),
        gettext_lazy("The same inputs are routed otherwise. Compare the versions, and see that this was meant."),
    ),
    Cause.INPUTS_MOVED: (
        gettext_lazy("The inputs moved"),
        gettext_lazy(
            "Other cases come in; nothing shows that the machine is worse on them. Have cases from the new regions "
            "labelled and study the threshold again; a recalibration was asked for."
        ),
    ),
    Cause.TRAINING_SKEWED: (
        gettext_lazy("Training no longer fits"),
        gettext_lazy("Other cases come in and the machine errs on them. Retrain on recent labels of these regions."),
    ),
    Cause.CALIBRATION_STALE: (
        gettext_lazy("The calibration is stale"),
        gettext_lazy("The same confidences are right less or more often than before. A recalibration was asked for."),
    ),
    Cause.REVIEWERS_CHANGED: (
        gettext_lazy("The reviewers changed"),
        gettext_lazy(
            "People decide otherwise while inputs and outcomes hold. Hold a guideline session on the most disputed "
            "cases before anything is fitted on their labels."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A likely cause, what answers it, and the page where that is done."""

    title: str
    response: str
    link: str
    go: str


@dataclass(frozen=True, slots=True)
class TestRow:
    """One test, ready to read."""

    title: str
    window: str
    effect: str
    n: str
    p: str
    tested: bool
    significant: bool


@dataclass(frozen=True, slots=True)
class PastRow:
    """One report in the table beside the chart."""

    report: DriftReport
    p: str
    moved: str


@dataclass(frozen=True, slots=True)
class DriftSection:
    """One task type. report null: none yet. chart null: no report could test anything."""

    task_type: TaskType
    report: DriftReport | None
    tested: int
    causes: tuple[CauseRow, ...]
    tests: tuple[TestRow, ...]
    past: tuple[PastRow, ...]
    chart: DriftChart | None


def reports_for_actor(actor: Actor) -> QuerySet[DriftReport]:
    """Those of the workspace, of the task types the key includes, with their task types."""
    rows = DriftReport.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    return rows.select_related("task_type")


def drift_sections(actor: Actor, slug: str = "") -> list[DriftSection]:
    """Every task type the actor may see, or the one of that slug."""
    kinds = task_types_for_actor(actor).select_related("policy")
    return [_section(kind) for kind in (kinds.filter(slug=slug) if slug else kinds)]


def _section(kind: TaskType) -> DriftSection:
    reports = list(DriftReport.objects.filter(task_type=kind).order_by("-pk")[:REPORTS_SHOWN])
    newest = reports[0] if reports else None
    tests = tuple(_test(f) for f in newest.findings) if newest else ()
    return DriftSection(
        task_type=kind,
        report=newest,
        tested=sum(f["p_value"] is not None for f in newest.findings) if newest else 0,
        causes=tuple(_cause(Cause(name), kind) for name in newest.causes) if newest else (),
        tests=tests,
        past=tuple(_past(report) for report in reports),
        chart=drift_chart([(r.created_at, least_p(r.findings), r.alpha) for r in reversed(reports)]),
    )


def least_p(findings: Sequence[Mapping[str, Any]]) -> float | None:
    """The smallest adjusted p-value of a report; null where nothing could be tested."""
    return min((f["adjusted"] for f in findings if f["adjusted"] is not None), default=None)


def _cause(cause: Cause, kind: TaskType) -> CauseRow:
    title, response = _CAUSES[cause]
    policy = getattr(kind, "policy", None)
    places = {
        Cause.PROBING: (f"/cases?task_type={kind.slug}", _("Cases")),
        Cause.NEW_POLICY: (f"/policies/{policy.slug}" if policy else "/policies", _("Policies")),
        Cause.INPUTS_MOVED: ("/ops/learning", _("Learning")),
        Cause.TRAINING_SKEWED: ("/ops/learning", _("Learning")),
        Cause.REVIEWERS_CHANGED: ("/quality/sessions", _("Sessions")),
    }
    link, go = places.get(cause, ("/ops/calibration", _("Calibration")))
    return CauseRow(str(title), str(response), link, go)


def _test(found: Mapping[str, Any]) -> TestRow:
    about = {"outcomes": _("by outcomes")}.get(found["about"], found["about"])
    title = str(_TITLES[Detector(found["detector"])])
    return TestRow(
        title=f"{title}, {about}" if about else title,
        window=_("7 days, the 28 before") if found["window"] == "time" else _("500 cases, the 5,000 before"),
        effect=_effect(found),
        n=f"{found['n_recent']} / {found['n_reference']}",
        p="–" if found["adjusted"] is None else _p(found["adjusted"]),
        tested=found["adjusted"] is not None,
        significant=found["significant"],
    )


def _effect(found: Mapping[str, Any]) -> str:
    """In the detector's own unit, with its interval; else why nothing can be said."""
    if found["effect"] is None:
        return str(found["reason"])
    values = [found[name] for name in ("effect", "low", "high")]
    match Detector(found["detector"]):
        case Detector.CONFIDENCE | Detector.LABELS:
            effect, low, high = (fixed(value, 3) for value in values)
            return _("PSI %(effect)s (%(low)s–%(high)s)") % {"effect": effect, "low": low, "high": high}
        case Detector.BUNCHING:
            effect, low, high = (fixed(value, 2) for value in values)
            return _("density × %(effect)s (%(low)s–%(high)s)") % {"effect": effect, "low": low, "high": high}
    effect, low, high = (fixed(100 * value, 1).replace("-", "\N{MINUS SIGN}") for value in values)
    return _("%(effect)s points (%(low)s to %(high)s)") % {"effect": effect, "low": low, "high": high}


def _past(report: DriftReport) -> PastRow:
    least = least_p(report.findings)
    names = dict.fromkeys(str(_TITLES[Detector(f["detector"])]) for f in report.findings if f["significant"])
    return PastRow(report, "–" if least is None else _p(least), ", ".join(names) or "–")


def _p(value: float) -> str:
    return _("below %(p)s") % {"p": plain(1e-9)} if value < 1e-9 else plain(float(f"{value:.2g}"))
