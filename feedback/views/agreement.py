"""/quality/agreement: how far people agree, per queue, label and pair, and where they part."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.agreement_report import agreement_report
from feedback.stats.agreement_parts import Alike, Coincidences, Group
from feedback.stats.ratings import Coefficient
from feedback.visibility_data import DEFAULT_WINDOW
from hitl.accounts.views.base import Page
from hitl.core.errors import InvalidInput
from hitl.core.numbers import fixed, percent
from hitl.core.permissions import Permission

WINDOWS = (("7d", "7 d"), ("30d", "30 d"), ("90d", "90 d"), ("365d", "365 d"))
SHADES = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a name, the share alike, and two coefficients in words."""

    name: str
    alike: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table of labels; `shade` 0-5 by its share of the row, which the number says too."""

    count: str
    share: str
    shade: int


class AgreementPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?queue=` one of them, `?window=` such as 30d, `?basis=` unaided or final."""
        asked = request.GET
        window = asked.get("window") or DEFAULT_WINDOW
        try:
            found = agreement_report(self.actor, asked.get("queue", ""), window, asked.get("basis", ""))
        except InvalidInput:
            return redirect("feedback:agreement")
        titles = {
            "cohen": _("Cohen's kappa"),
            "weighted_cohen": _("Cohen's kappa, weighted"),
            "fleiss": _("Fleiss' kappa"),
            "krippendorff": _("Krippendorff's alpha"),
            "gwet_ac1": _("Gwet's AC1"),
        }
        context = {
            "report": found,
            "windows": WINDOWS,
            "whole": [(titles[c.name], c, _value(c)) for c in found.whole.coefficients],
            "queues": [_row(group) for group in found.by_queue],
            "labels": [_row(group) for group in found.by_label],
            "pairs": [
                Row(f"{pair.first} · {pair.second}", alike_words(pair.group.alike), _cells(pair.group))
                for pair in found.by_pair
            ],
            "heat": _heat(found.coincidences),
        }
        return render(request, "feedback/agreement.html", context)


def _row(group: Group) -> Row:
    return Row(group.name, alike_words(group.alike), _cells(group))


def _cells(group: Group) -> tuple[str, ...]:
    return tuple(_value(c) or _("not enough data") for c in group.coefficients)


def alike_words(alike: Alike) -> str:
    """“93.1 % (90.2–95.3 %), 384 of 412”."""
    if not alike.n:
        return "–"
    low, high = alike.interval
    return f"{percent(alike.k / alike.n)} ({percent(low)}–{percent(high)}), " + _("%(k)s of %(n)s") % {
        "k": alike.k,
        "n": alike.n,
    }


def _value(c: Coefficient) -> str:
    """“0.74 (0.61 to 0.85), n = 120”; empty where there is none."""
    if c.value is None:
        return ""
    size = f"n = {c.n}"
    if c.low is None or c.high is None:
        return f"{fixed(c.value, 2)}, {size}"
    return f"{fixed(c.value, 2)} ({fixed(c.low, 2)} … {fixed(c.high, 2)}), {size}"


def _heat(found: Coincidences) -> Sequence[tuple[str, Sequence[Cell]]]:
    rows = []
    for label, counts in zip(found.labels, found.cells, strict=True):
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        cells = [
            Cell(fixed(count, 0 if count == int(count) else 1), percent(share, 0), round(share * SHADES))
            for count, share in zip(counts, shares, strict=True)
        ]
        rows.append((label, cells))
    return rows
