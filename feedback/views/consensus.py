"""/quality/consensus: kinds of case that people judge otherwise than before, though the guideline is the same."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from feedback.consensus_report import Drifted, drift_report
from feedback.stats.consensus import Share, Shift
from feedback.visibility_charts import points
from hitl.accounts.views.base import Page
from hitl.core.numbers import fixed, percent
from hitl.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class Row:
    """One shift ready to read."""

    drifted: Drifted
    kind: str
    guideline: str
    before: str
    now: str
    change: str
    same_people: str


class ConsensusPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """The last 30 days against the 60 before."""
        found = drift_report(self.actor)
        return render(
            request, "feedback/consensus.html", {"report": found, "rows": [_row(one) for one in found.shifts]}
        )


def _row(drifted: Drifted) -> Row:
    shift = drifted.shift
    cell = shift.cell
    said = {"type": cell.task_type, "machine": cell.machine, "model": cell.model_version or "–", "band": cell.band}
    kind = _("%(type)s, where %(model)s says “%(machine)s” at confidence %(band)s") % said
    if not cell.unaided:
        kind += " " + _("(last words, the machine seen)")
    return Row(
        drifted,
        kind,
        _("version %(n)s") % {"n": cell.guideline} if cell.guideline else _("none"),
        _share(shift.before),
        _share(shift.now),
        _("%(change)s points (%(low)s to %(high)s), p = %(p)s")
        % {
            "change": points(shift.change, sign=True),
            "low": points(shift.low),
            "high": points(shift.high),
            "p": fixed(shift.p, 4),
        },
        _same_people(shift),
    )


def _share(share: Share) -> str:
    low, high = share.interval
    between = f"{percent(share.k / share.n)} ({percent(low)}–{percent(high)})"
    return f"{between}, " + _("%(k)s of %(n)s") % {"k": share.k, "n": share.n}


def _same_people(shift: Shift) -> str:
    if shift.p_same_people is None:
        return _("other people: nobody judged in both times")
    said = {"p": fixed(shift.p_same_people, 4)}
    if shift.p_same_people < 0.05:
        return _("the same people judge otherwise (p = %(p)s)") % said
    return _("not to be seen within people (p = %(p)s): perhaps other people") % said
