"""A threshold study drawn on the server: the curve as SVG coordinates, and the rows of its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from hitl.core.numbers import percent, plain
from routing.slice_rows import SliceRow, slice_rows

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 260, 52, 34, 14
_RIGHT = WIDTH - 14


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold drawn on the curve, at x pixels."""

    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled line of the grid, at `at` pixels."""

    label: str
    at: float


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One threshold of the table; shares 0–1, `error` null where nothing is automated."""

    threshold: float
    automated: int
    automated_share: float
    error: float | None
    error_upper: float


@dataclass(frozen=True, slots=True)
class StudyView:
    """One study as a page shows it. x: share automated; y: error; lines are SVG `points`."""

    title: str
    n: int | None
    max_error: float | None
    delta: float | None
    naive: float | None
    guaranteed: float | None
    reason: str | None
    line: str
    band: str
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    budget_y: float | None
    rows: tuple[StudyRow, ...]
    slices: tuple[SliceRow, ...]


def study_views(study: Mapping[str, Any] | None) -> tuple[StudyView, ...]:
    """The studies attached to a version: one, or ``{"studies": […]}``; none where there is no curve."""
    if not study:
        return ()
    found: Sequence[Mapping[str, Any]] = study.get("studies") or [study]
    return tuple(_view(one) for one in found if one.get("curve"))


def _view(study: Mapping[str, Any]) -> StudyView:
    rows = tuple(
        StudyRow(p["threshold"], p["automated"], 1.0 - p["review_share"], p["error"], p["error_upper"])
        for p in study["curve"]
    )
    drawn = [row for row in rows if row.error is not None]
    budget = study.get("max_error")
    top = _top(drawn, budget)
    upper = [_point(row.automated_share, min(row.error_upper, top), top) for row in drawn]
    line = [_point(row.automated_share, row.error or 0.0, top) for row in drawn]
    names = [str(study[key]) for key in ("model_version", "confidence_source") if study.get(key)]
    return StudyView(
        title=", ".join(names) or _("All models"),
        n=study.get("n"),
        max_error=budget,
        delta=study.get("delta"),
        naive=study.get("naive_threshold"),
        guaranteed=study.get("guaranteed_threshold"),
        reason=study.get("reason"),
        line=_points(line),
        band=_points([*upper, *reversed(line)]),
        marks=_marks(study, drawn, top),
        x_ticks=tuple(Tick(percent(share, 0), _x(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        y_ticks=tuple(Tick(percent(top * part), _y(top * part, top)) for part in (0.0, 0.5, 1.0)),
        budget_y=None if budget is None else _y(budget, top),
        rows=rows[::5],
        slices=slice_rows(study.get("considered", ())),
    )


def _marks(study: Mapping[str, Any], drawn: Sequence[StudyRow], top: float) -> tuple[Mark, ...]:
    at = {row.threshold: row for row in drawn}
    marks = []
    for name, key in ((_("sample only"), "naive_threshold"), (_("guaranteed"), "guaranteed_threshold")):
        row = at.get(study.get(key) or -1.0)
        if row is not None:
            marks.append(Mark(f"{name} {plain(row.threshold)}", _x(row.automated_share), _y(row.error or 0.0, top)))
    return tuple(marks)


def _top(drawn: Sequence[StudyRow], budget: float | None) -> float:
    """The highest error shown: the curve's or twice the budget; the bound reaches 1 where labels are few."""
    return max([row.error or 0.0 for row in drawn] + [2 * (budget or 0.0), 0.01])


def _x(share: float) -> float:
    return round(LEFT + share * (_RIGHT - LEFT), 1)


def _y(error: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - min(error / top, 1.0) * (HEIGHT - BOTTOM - TOP), 1)


def _point(share: float, error: float, top: float) -> tuple[float, float]:
    return _x(share), _y(error, top)


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
