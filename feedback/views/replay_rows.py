"""What the tables of a replay show, cells ready to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from django.utils.translation import gettext as _

from feedback.models import ReplayChange
from feedback.replay_payloads import ReplayRouteOut
from feedback.replay_result import Change, MatrixCell, ReplayResult
from feedback.replay_words import action_words, estimate_text, share_text
from hitl.core.numbers import signed, whole


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure before and after; `change` empty where it cannot be given."""

    name: str
    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A former action, with the number of cases per new one; null: none. `query` selects the cell's cases."""

    name: str
    cells: tuple[tuple[int | None, str, bool, str], ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One value of a segment; automated, reviewed and error each as (before, after)."""

    name: str
    n: int
    automated: tuple[str, str]
    reviewed: tuple[str, str]
    error: tuple[str, str]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    id: str
    case_id: str
    title: str
    at: datetime
    before: str
    tier_before: str
    after: str
    tier_after: str
    machine: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of both traces; `differs`: they part here."""

    name: str
    before: str
    after: str
    differs: bool


def result_rows(result: ReplayResult) -> list[FigureRow]:
    """The main figures, each with its interval and n."""
    load, rate, cost = result.load, result.error, result.cost
    return [
        FigureRow(
            _("Share the machine decides"),
            share_text(result.automated.before),
            share_text(result.automated.after),
            _points(result.automated.before.value, result.automated.after.value),
        ),
        FigureRow(_("Cases before a person"), whole(load.before), whole(load.after), signed(load.after - load.before)),
        FigureRow(
            _("In the busiest hour"),
            whole(load.peak_before),
            whole(load.peak_after),
            signed(load.peak_after - load.peak_before),
        ),
        FigureRow(
            _("Automated decisions that are wrong"),
            estimate_text(rate.before),
            estimate_text(rate.after),
            _with_interval(rate.change, 100.0, _("points")),
        ),
        FigureRow(
            _("Cost of errors per automated decision"),
            estimate_text(cost.before, cost=True),
            estimate_text(cost.after, cost=True),
            _with_interval(cost.change, 1.0, ""),
        ),
    ]


def matrix_rows(cells: Sequence[MatrixCell]) -> Matrix:
    """Old action down, new action across, the common ones first."""
    counts = {(cell.before, cell.after): cell.n for cell in cells}
    olds, news = list(dict.fromkeys(c.before for c in cells)), list(dict.fromkeys(c.after for c in cells))
    rows = tuple(
        MatrixRow(
            action_words(old),
            tuple((counts.get((old, new)), f"before={old}&after={new}", old == new, action_words(new)) for new in news),
        )
        for old in olds
    )
    return Matrix(tuple(action_words(new) for new in news), rows)


def segment_rows(result: ReplayResult) -> list[SegmentRow]:
    """Fairness by segment."""
    return [
        SegmentRow(
            name=f"{s.name}: {s.value}",
            n=s.n,
            automated=(share_text(s.automated.before), share_text(s.automated.after)),
            reviewed=(share_text(s.reviewed.before), share_text(s.reviewed.after)),
            error=(estimate_text(s.error.before), estimate_text(s.error.after)),
        )
        for s in result.segments
    ]


def change_rows(changes: Iterable[ReplayChange]) -> list[ChangeRow]:
    """Changed cases, each with its `case`."""
    words = {None: _("not known"), True: _("was wrong"), False: _("was right")}
    return [
        ChangeRow(
            id=str(c.pk),
            case_id=str(c.case_id),
            title=c.case.external_id or c.case.subject or f"{str(c.case_id)[:8]}…{str(c.case_id)[-4:]}",
            at=c.case.created_at,
            before=action_words(c.action_before),
            tier_before=c.tier_before,
            after=action_words(c.action_after),
            tier_after=c.tier_after,
            machine=words[c.machine_wrong],
        )
        for c in changes
    ]


def compared_steps(before: ReplayRouteOut, after: ReplayRouteOut) -> list[StepRow]:
    """Both traces aligned by step: the order is the evaluator's, and either may end earlier."""
    left, right = _steps(before.trace), _steps(after.trace)
    rows = []
    for name in _merged(list(left), list(right)):
        for old, new in zip_longest(left.get(name, ()), right.get(name, ()), fillvalue="–"):
            rows.append(StepRow(name.replace("_", " "), old, new, old != new))
    return rows


def _merged(left: list[str], right: list[str]) -> list[str]:
    """Both orders in one: what only the right one has comes after what it followed there."""
    merged = list(left)
    for place, name in enumerate(right):
        if name not in merged:
            at = merged.index(right[place - 1]) + 1 if place else 0
            merged.insert(at, name)
    return merged


def _steps(trace: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    steps: dict[str, list[str]] = {}
    for step in trace:
        detail = ", ".join(
            f"{k.replace('_', ' ')} {_plain(v)}" for k, v in sorted(step["detail"].items()) if v is not None
        )
        outcome = step["outcome"].replace("_", " ")
        steps.setdefault(step["step"], []).append(f"{outcome}: {detail}" if detail else outcome)
    return steps


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _points(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return "–"
    return _("%(points)s points") % {"points": f"{100 * (after - before):+.1f}"}


def _with_interval(change: Change | None, scale: float, unit: str) -> str:
    if change is None:
        return "–"
    low, high = f"{change.low * scale:+.3g}", f"{change.high * scale:+.3g}"
    return f"{change.value * scale:+.3g} {unit} [{low} – {high}]".replace("  ", " ")
