"""What adapts by itself, as a policy's page shows it: the values now, the last look, their history as step charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.utils.translation import gettext as _

from hitl.core.numbers import fixed, percent
from routing.models import Adjustment, AdjustmentLook, Policy

SHOWN = 50
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 200, 52, 626, 14, 166


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, in SVG units."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One value of the history; `until` null: still in force. Cells are ready to read."""

    value: str
    declared: str
    bounds: str
    reason: str
    version: int | None
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Series:
    """One value's recent history, newest row first. line, declared_line: SVG `points`; `now`: the row in force."""

    key: str
    title: str
    now: Row | None
    rows: tuple[Row, ...]
    line: str
    declared_line: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the last look found about one value, in words."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class AdjustmentSection:
    """The section of a policy's page. `looked_at` null: nothing has looked at the policy yet."""

    series: tuple[Series, ...]
    findings: tuple[Finding, ...]
    looked_at: datetime | None


def adjustment_section(policy: Policy, at: datetime) -> AdjustmentSection | None:
    """The newest changes of the policy's automatic values; null where there is nothing to say. Two queries."""
    look = AdjustmentLook.objects.filter(policy=policy).first()
    found = Adjustment.objects.filter(policy=policy).select_related("policy_version").order_by("-id")[:SHOWN]
    rows = sorted(found, key=lambda row: (row.kind, row.model_version, row.id))
    series = tuple(_series(list(each), at) for _key, each in groupby(rows, key=lambda r: (r.kind, r.model_version)))
    findings = tuple(Finding(_title(f["kind"], f["model_version"]), f["text"]) for f in look.findings) if look else ()
    if not series and not findings:
        return None
    return AdjustmentSection(series, findings, look.looked_at if look else None)


def _title(kind: str, model_version: str) -> str:
    if kind == Adjustment.Kind.AUDIT_RATE:
        return _("Audit rate")
    return _("Threshold of %(model)s") % {"model": model_version}


def _text(kind: str, value: float | None) -> str:
    if value is None:
        return "–"
    return percent(value) if kind == Adjustment.Kind.AUDIT_RATE else fixed(value, 3)


def _series(rows: Sequence[Adjustment], at: datetime) -> Series:
    """`rows` of one value, oldest first."""
    kind, model = rows[0].kind, rows[0].model_version
    start = rows[0].since
    values = [v for row in rows for v in (row.value, row.declared) if v is not None]
    low, high = min(values), max(values)
    pad = (high - low) * 0.1 or 0.01

    def x(moment: datetime) -> float:
        whole = max((at - start).total_seconds(), 1.0)
        return round(LEFT + (RIGHT - LEFT) * min(max((moment - start).total_seconds() / whole, 0.0), 1.0), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low + pad) / (high - low + 2 * pad), 1)

    shown = [
        Row(
            _text(kind, row.value),
            _text(kind, row.declared),
            f"{_text(kind, row.lowest)}–{_text(kind, row.highest)}",
            row.reason,
            row.policy_version.number if row.policy_version else None,
            row.since,
            row.until,
        )
        for row in rows
    ]
    steps = _steps(rows, at)
    declared = rows[-1].declared
    return Series(
        key=f"{kind}-{rows[0].pk}",
        title=_title(kind, model),
        now=shown[-1] if rows[-1].until is None else None,
        rows=tuple(reversed(shown)),
        line=" ".join(f"{x(moment):g},{y(value):g}" for moment, value in steps),
        declared_line="" if declared is None else f"{LEFT},{y(declared):g} {RIGHT},{y(declared):g}",
        x_ticks=(Tick(LEFT, f"{start:%m-%d %H:%M}"), Tick(RIGHT, _("now"))),
        y_ticks=tuple(Tick(y(value), _text(kind, value)) for value in sorted({low, high})),
    )


def _steps(rows: Sequence[Adjustment], at: datetime) -> list[tuple[datetime, float]]:
    """The corners of the step line: each value while it counted, the declared one between."""
    corners: list[tuple[datetime, float]] = []
    value = rows[0].declared if rows[0].declared is not None else rows[0].value
    for row in rows:
        corners += [(row.since, value), (row.since, row.value)]
        value = row.value
        following = next((r for r in rows if r.since == row.until), None)
        if row.until is not None and following is None and row.declared is not None:
            corners += [(row.until, value), (row.until, row.declared)]
            value = row.declared
    return [*corners, (at, value)]
