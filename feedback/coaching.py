"""What the figures suggest to the person they are about: plain sentences, each with what to do. Never a verdict."""

from django.utils.translation import gettext as _

from feedback.stats.reviewing import ALPHA, ENOUGH, Counted, Figures
from hitl.core.numbers import percent

_OFTEN = 3
"""A confusion seen so often is worth a word."""


def coaching(figures: Figures) -> list[str]:
    """At least one sentence; the most useful first."""
    said = [*_confusions(figures), *_stamp(figures), *_swayed(figures), *_dissent(figures), *_tired(figures)]
    if not said and figures.quality.basis == "none":
        said.append(
            _("Too few of your cases have a known answer to say more: %(n)s, %(enough)s are needed.")
            % {"n": figures.quality.right.n, "enough": ENOUGH}
        )
    return said or [_("Nothing stands out. Keep judging before you look at the machine's answer.")]


def _confusions(figures: Figures) -> list[str]:
    worst = [c for c in figures.confusion if c.truth != c.said and c.n >= _OFTEN][:2]
    return [
        _("You said “%(said)s” %(n)s times where “%(truth)s” was right: read in the guideline what tells them apart.")
        % {"said": c.said, "truth": c.truth, "n": c.n}
        for c in worst
    ]


def _stamp(figures: Figures) -> list[str]:
    if figures.stamp.status != "signal":
        return []
    followed = figures.stamp.followed_wrong
    return [
        _(
            "You followed the machine in %(k)s of %(n)s cases where it was wrong, more than colleagues, and were "
            "faster: look for what speaks against its answer before you take it."
        )
        % {"k": followed.k, "n": followed.n}
    ]


def _swayed(figures: Figures) -> list[str]:
    """The first judgement was surely better than the last word."""
    last = figures.quality.right
    if figures.quality.basis != "outcomes_and_gold" or not _surely_above(figures.unaided, last):
        return []
    return [
        _("Your own first judgement was right more often (%(first)s) than your last word (%(last)s): trust it more.")
        % {"first": percent(figures.unaided.share or 0.0), "last": percent(last.share or 0.0)}
    ]


def _dissent(figures: Figures) -> list[str]:
    """Right by what turned out to be true, though often of another mind than colleagues."""
    agreeing = figures.by_source["consensus"]
    if figures.quality.basis != "outcomes_and_gold" or not _surely_above(figures.quality.right, agreeing):
        return []
    return [
        _("You often differ from colleagues and are right by what turned out: go on, and write down why you differ.")
    ]


def _tired(figures: Figures) -> list[str]:
    fatigue, said = figures.fatigue, []
    if fatigue.errors_p is not None and fatigue.errors_p < ALPHA and _rises(figures):
        said.append(_("You make more errors late in a shift: take breaks, and leave hard cases for the morning."))
    hurried = fatigue.speed_p is not None and fatigue.speed_p < ALPHA and (fatigue.slower_by or 0.0) < -0.02
    if hurried and said:
        said.append(_("You also get faster with each hour; slow down when you notice it."))
    return said


def _rises(figures: Figures) -> bool:
    """Whether the second half of the hours has the greater share of errors."""
    hours = [h for h in figures.fatigue.hours if h.errors.n]
    early, late = hours[: len(hours) // 2], hours[len(hours) // 2 :]
    shares = [sum(h.errors.k for h in part) / max(1, sum(h.errors.n for h in part)) for part in (early, late)]
    return shares[1] > shares[0]


def _surely_above(first: Counted, second: Counted) -> bool:
    return min(first.n, second.n) >= ENOUGH and first.low > second.high
