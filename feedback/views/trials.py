"""The page that compares a version on trial with what was in force."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from feedback.access import seen_by
from feedback.stats.difference import Proportion
from feedback.trials import Measure, compare_canary
from hitl.accounts.views.base import Page
from hitl.core.numbers import fixed, percent
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.access import version_for
from routing.engine.route import Action
from routing.shadows import ShadowComparison, compare_shadow, differing_cases

_ACTIONS = [action.value for action in Action]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """Live action, then for each shadow action: its name, the count, whether it differs."""

    live: str
    cells: tuple[tuple[str, int, bool], ...]


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A measure in words: canary, in force, difference."""

    title: str
    canary: str
    active: str
    difference: str


class ComparisonPage(Page):
    """Shadow: matrix, labels, risks, load, differing cases. Canary: both versions' shares with intervals."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        version = version_for(self.actor, slug, number)
        shadow, canary = compare_shadow(version.pk), compare_canary(version.policy, version)
        picked = {k: v for k in ("live", "shadow") if (v := request.GET.get(k, "")) in _ACTIONS}
        rows = seen_by(self.actor, differing_cases(version.pk, **picked))
        page = page_by_id(rows, limit=25, cursor=request.GET.get("cursor"))
        context: dict[str, Any] = {
            "version": version,
            "policy": version.policy,
            "shadow": shadow if shadow.n else None,
            "columns": _columns(shadow),
            "matrix": _matrix(shadow),
            "picked": picked,
            "cases": page.rows,
            "next_url": f"?{urlencode(picked | {'cursor': page.next})}" if page.next else None,
            "canary": canary,
            "measures": [_row(measure) for measure in canary.measures] if canary else (),
        }
        return render(request, "feedback/comparison.html", context)


def _columns(shadow: ShadowComparison) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sorted(cell.shadow for cell in shadow.matrix)))


def _matrix(shadow: ShadowComparison) -> tuple[MatrixRow, ...]:
    counts = {(cell.live, cell.shadow): cell.n for cell in shadow.matrix}
    columns = _columns(shadow)
    return tuple(
        MatrixRow(live, tuple((column, counts.get((live, column), 0), live != column) for column in columns))
        for live in dict.fromkeys(sorted(cell.live for cell in shadow.matrix))
    )


def _row(measure: Measure) -> MeasureRow:
    titles = {
        "automated": _("Automated"),
        "reviewed": _("Seen by a person"),
        "overridden": _("Overruled, of those people decided"),
        "error": _("Error of what the machine may decide"),
    }
    found = measure.difference
    difference = _("not known yet")
    if found.value is not None:
        difference = (
            f"{percent(found.value, sign='+')} ({percent(found.low, sign='+')} … {percent(found.high, sign='+')})"
        )
    return MeasureRow(titles[measure.name], _said(measure.canary), _said(measure.active), difference)


def _said(found: Proportion) -> str:
    if found.share is None:
        return _("no observations")
    interval = f"{percent(found.interval.low)} … {percent(found.interval.high)}"
    return f"{percent(found.share)} ({interval}, n = {fixed(found.n, 0)})"
