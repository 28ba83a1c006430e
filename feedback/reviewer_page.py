"""Reviewers' figures as a page reads them: each number in words, with its interval and n."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from feedback.coaching import coaching
from feedback.reviewer_quality import InQueue
from feedback.stats.comparing import Spread
from feedback.stats.reviewing import ALPHA, Counted, Fatigue, Figures, Hour, Stamp
from feedback.visibility_charts import LEFT, RIGHT, ROW, TOP, WIDTH, Dot, Drawing, Tick
from hitl.core.numbers import fixed, percent

_MOST_CONFUSED = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A figure: what it is, what it says, how to read it."""

    title: str
    text: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """How often a label is given: by this person as counted, shrunk, and on average."""

    label: str
    counted: str
    pooled: str
    mean: str


@dataclass(frozen=True, slots=True)
class HourRow:
    hour: str
    n: int
    errors: str
    overrides: str
    median: str


@dataclass(frozen=True, slots=True)
class QueueCard:
    """All of one person in one queue, ready to read."""

    source: InQueue
    lines: tuple[Line, ...]
    confusion: tuple[tuple[str, str, int], ...]
    labels: tuple[LabelRow, ...]
    hours: tuple[HourRow, ...]
    hours_drawing: Drawing | None
    trends: tuple[str, ...]
    coaching: tuple[str, ...]


def queue_card(found: InQueue) -> QueueCard:
    """The card of one queue."""
    figures = found.figures
    return QueueCard(
        source=found,
        lines=tuple(_lines(figures)),
        confusion=tuple((c.truth, c.said, c.n) for c in figures.confusion if c.truth != c.said)[:_MOST_CONFUSED],
        labels=tuple(
            LabelRow(
                row.label,
                counted_words(row.pooled.k, row.pooled.n),
                f"{percent(row.pooled.share)} ({percent(row.pooled.low)}–{percent(row.pooled.high)})",
                percent(row.mean),
            )
            for row in figures.leniency
        ),
        hours=tuple(_hour(hour) for hour in figures.fatigue.hours),
        hours_drawing=hours_drawing(figures.fatigue.hours),
        trends=tuple(_trends(figures.fatigue)),
        coaching=tuple(coaching(figures)),
    )


def quality_words(figures: Figures) -> str:
    """“94.0 % (83.5–98.7 %), 47 of 50, by outcomes and gold”, or that there is too little."""
    if figures.quality.basis == "none":
        return _("not enough data (n = %(n)s)") % {"n": figures.quality.right.n}
    basis = _("by outcomes and gold") if figures.quality.basis == "outcomes_and_gold" else _("with rulings of others")
    return f"{share_words(figures.quality.right)}, {basis}"


def share_words(found: Counted) -> str:
    """“94.0 % (83.5–98.7 %), 47 of 50”; a dash without cases."""
    if found.share is None:
        return "–"
    between = f"{percent(found.low)}–{percent(found.high)}"
    return f"{percent(found.share)} ({between}), {counted_words(found.k, found.n)}"


def counted_words(k: int, n: int) -> str:
    """“47 of 50”."""
    return _("%(k)s of %(n)s") % {"k": k, "n": n}


def stamp_words(stamp: Stamp) -> str:
    """The rubber-stamp signal in a sentence."""
    if stamp.status == "not_enough_data":
        return _("Not enough data: too few cases with a visible machine, or too few where it was wrong.")
    if stamp.status == "none":
        return _("No sign: it takes agreeing much more than colleagues, being faster, and following wrong answers.")
    said = {
        "agrees": share_words(stamp.agrees),
        "others": share_words(stamp.others_agree),
        "followed": share_words(stamp.followed_wrong),
        "others_followed": share_words(stamp.others_followed),
        "p": fixed(stamp.p, 3),
    }
    return (
        _(
            "Signal: agrees with the machine in %(agrees)s (colleagues %(others)s), is faster, and followed it "
            "where it was wrong in %(followed)s (colleagues %(others_followed)s); p = %(p)s."
        )
        % said
    )


def hours_drawing(hours: Sequence[Hour]) -> Drawing | None:
    """Share of errors per hour of the shift, with intervals; null without any known answer."""
    rows = [hour for hour in hours if hour.errors.n]
    if not rows:
        return None
    dots = []
    for place, hour in enumerate(rows):
        label = _hour_title(hour.hour)
        title = f"{label}: {share_words(hour.errors)}"
        x, low, high = (_at(value) for value in (hour.errors.share or 0.0, hour.errors.low, hour.errors.high))
        dots.append(Dot(label, "combined", place * ROW + ROW // 2, x, low, high, title))
    ticks = tuple(Tick(_at(k / 4), percent(k / 4, 0)) for k in range(5))
    return Drawing(tuple(dots), ticks, len(rows) * ROW + TOP)


def _at(share: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)


def _lines(figures: Figures) -> list[Line]:
    sources = figures.by_source
    return [
        Line(_("Right"), quality_words(figures), _("Last words, of cases whose answer is known: this is quality.")),
        Line(_("Right by outcomes"), share_words(sources["outcome"]), _("What the partner observed later.")),
        Line(_("Right on gold"), share_words(sources["gold"])),
        Line(_("Right before seeing the machine"), share_words(figures.unaided), _("First judgements, same cases.")),
        Line(
            _("Upheld by rulings"),
            share_words(sources["ruling"]),
            _("Audits, appeals and adjudications by another person; contested cases are no sample of all."),
        ),
        Line(
            _("Same as colleagues"),
            share_words(sources["consensus"]),
            _("Two others or more agreed unaided and nobody knows the answer. Never counted as quality."),
        ),
        Line(_("Time per case"), spread_words(figures.speed.own), _("Median, its 95 % interval, and quartiles.")),
        Line(_("Colleagues' time"), spread_words(figures.speed.others), _("On the same kinds of case.")),
        Line(_("Same answer again"), share_words(figures.repeats), _("Cases met once more in a calibration session.")),
        Line(_("Rubber stamp"), stamp_words(figures.stamp), _("Agreeing alone is no fault: three signs are needed.")),
    ]


def spread_words(found: Spread | None) -> str:
    """“34 s (31–39 s), quartiles 22 and 51 s, n = 120”."""
    if found is None:
        return _("not enough data")
    interval = "" if found.low is None or found.high is None else f" ({fixed(found.low, 0)}–{fixed(found.high, 0)} s)"
    quartiles = _("quartiles %(first)s and %(third)s s") % {
        "first": fixed(found.first_quartile, 0),
        "third": fixed(found.third_quartile, 0),
    }
    return f"{fixed(found.median, 0)} s{interval}, {quartiles}, n = {found.n}"


def _hour(hour: Hour) -> HourRow:
    return HourRow(
        _hour_title(hour.hour),
        hour.n,
        share_words(hour.errors),
        share_words(hour.overrides),
        f"{fixed(hour.median_s, 0)} s",
    )


def _hour_title(hour: int) -> str:
    return _("hour %(n)s") % {"n": hour + 1}


def _trends(found: Fatigue) -> list[str]:
    """One sentence per trend that could be tested."""
    said = [
        _trend(_("Errors over the shift"), found.errors_p),
        _trend(_("Overrides over the shift"), found.overrides_p),
        _trend(_("Time per case over the shift"), found.speed_p),
    ]
    if found.slower_by is not None and found.slower_low is not None and found.slower_high is not None:
        change, low, high = (percent(v, 1, "+") for v in (found.slower_by, found.slower_low, found.slower_high))
        said.append(
            _("Time per case changes by %(change)s an hour (%(low)s to %(high)s).")
            % {"change": change, "low": low, "high": high}
        )
    return said


def _trend(what: str, p: float | None) -> str:
    if p is None:
        return _("%(what)s: not enough data.") % {"what": what}
    found = _("a trend") if p < ALPHA else _("no trend to be seen")
    return _("%(what)s: %(found)s (p = %(p)s, adjusted for three looks).") % {
        "what": what,
        "found": found,
        "p": fixed(p, 3),
    }
