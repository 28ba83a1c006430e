"""What the page of an experiment shows: figures in words, differences drawn round zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from feedback.experiment_report import ExperimentReport, MeasureCompared, ShownOut
from feedback.metrics_page import duration
from feedback.models import Experiment
from feedback.visibility_charts import Drawing, effects_drawing, points
from hitl.core.numbers import percent, whole


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure; `declared`: it is the one the experiment is judged by. reason: as stored."""

    title: str
    declared: bool
    first: str
    second: str
    difference: str
    reason: str


def measure_lines(experiment: Experiment, report: ExperimentReport) -> list[MeasureLine]:
    """Every measure, the declared one first."""
    rows = sorted(report.measures, key=lambda row: row.measure != experiment.measure)
    return [
        MeasureLine(
            str(Experiment.Measure(row.measure).label), row.measure == experiment.measure, _figure(row, row.first),
            _figure(row, row.second), _difference(row), row.reason or "",
        )
        for row in rows
    ]  # fmt: skip


def difference_drawing(report: ExperimentReport) -> Drawing | None:
    """Differences of shares; the wait is in the table alone."""
    rows: Sequence[MeasureCompared] = [row for row in report.measures if row.measure != Experiment.Measure.WAIT]
    return effects_drawing([(str(Experiment.Measure(row.measure).label), row.difference) for row in rows])


def verdict(experiment: Experiment, report: ExperimentReport) -> str:
    """One sentence on the declared measure."""
    row = next((row for row in report.measures if row.measure == experiment.measure), None)
    if row is None or row.difference.value is None or row.difference.low is None or row.difference.high is None:
        return _("By its measure nothing can be said yet.")
    title = str(Experiment.Measure(experiment.measure).label)
    words = {"measure": title, "first": experiment.first, "second": experiment.second, "by": _difference(row)}
    if row.difference.low > 0.0:
        return _("%(measure)s: more under %(first)s than under %(second)s, by %(by)s.") % words
    if row.difference.high < 0.0:
        return _("%(measure)s: less under %(first)s than under %(second)s, by %(by)s.") % words
    return _("%(measure)s: no difference is shown between %(first)s and %(second)s: %(by)s.") % words


def block_lines(experiment: Experiment, report: ExperimentReport) -> list[tuple[str, str, str, str]]:
    """Start, arm, cases and value of each block."""
    return [
        (
            block.since or "",
            experiment.first if block.arm == 1 else experiment.second,
            whole(block.cases),
            _("not enough data") if block.value is None else _value(experiment.measure, block.value),
        )
        for block in report.blocks
    ]


def _figure(row: MeasureCompared, shown: ShownOut) -> str:
    if shown.value is None:
        return _("not enough data")
    value = _value(row.measure, shown.value)
    if shown.low is None or shown.high is None:
        return f"{value}, n = {shown.n:.0f}"
    return f"{value} ({_value(row.measure, shown.low)}–{_value(row.measure, shown.high)}), n = {shown.n:.0f}"


def _difference(row: MeasureCompared) -> str:
    found = row.difference
    if found.value is None or found.low is None or found.high is None:
        return "–"
    if row.measure == Experiment.Measure.WAIT:
        return f"{_signed(found.value)} [{_signed(found.low)}, {_signed(found.high)}]"
    value, low, high = (points(part, sign=True) for part in (found.value, found.low, found.high))
    return _("%(value)s points [%(low)s, %(high)s]") % {"value": value, "low": low, "high": high}


def _value(measure: str, value: float) -> str:
    return duration(value) if measure == Experiment.Measure.WAIT else percent(value)


def _signed(seconds: float) -> str:
    return f"{'−' if seconds < 0 else '+'}{duration(abs(seconds))}"
