"""A finished replay in plain sentences, for a terminal and for pages; what history cannot tell is said first."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from feedback.replay_result import Estimates, ReplayResult, Shares
from feedback.stats.replay_estimates import Estimate, Share
from hitl.core import numbers
from hitl.core.numbers import whole
from hitl.core.said import said
from routing.engine.route import Action


def action_words(action: str) -> str:
    """What a route does, in a few words."""
    words = {
        Action.AUTOMATE: _("the machine decides"),
        Action.AUTOMATE_AND_AUDIT: _("the machine decides, a share is audited"),
        Action.AUTOMATE_AND_REVIEW: _("the machine acts provisionally, a person reviews"),
        Action.REVIEW: _("a person decides"),
        Action.ESCALATE: _("an expert decides"),
        Action.GATE: _("the action waits for approval"),
    }
    return words[Action(action)]


def percent(value: float | None) -> str:
    """A share as a percentage, a dash for none."""
    return "–" if value is None else numbers.percent(value)


def share_text(found: Share) -> str:
    """A share with its interval."""
    if found.value is None:
        return "–"
    return f"{percent(found.value)} [{percent(found.low)}–{percent(found.high)}]"


def estimate_text(found: Estimate, *, cost: bool = False) -> str:
    """An estimate with its interval and number of labels, or why there is none."""
    if found.value is None or found.low is None or found.high is None:
        return said(found.reason or "–")
    if cost:
        shown = f"{found.value:.3g} [{found.low:.3g}–{found.high:.3g}]"
    else:
        shown = f"{percent(found.value)} [{percent(found.low)}–{percent(found.high)}]"
    return _("%(shown)s, from %(n)d labels") % {"shown": shown, "n": found.n}


def replay_sentences(result: ReplayResult) -> Iterator[str]:
    """What it says, most important first."""
    if not result.n:
        yield _("No case fits the question.")
        return
    yield _("%(changed)s of %(n)s cases (%(share)s) would have been routed otherwise.") % {
        "changed": whole(result.changed_n),
        "n": whole(result.n),
        "share": share_text(result.changed),
    }
    yield _("Automated: %(before)s before, %(after)s after.") % _both(result.automated)
    yield _("Cases before a person: %(before)s before, %(after)s after; in the busiest hour %(pb)s and %(pa)s.") % {
        "before": whole(result.load.before),
        "after": whole(result.load.after),
        "pb": whole(result.load.peak_before),
        "pa": whole(result.load.peak_after),
    }
    yield _("Automated decisions that are wrong: %(before)s before, %(after)s after.") % _estimates(result.error)
    yield _("Cost of errors per automated decision: %(before)s before, %(after)s after.") % _estimates(
        result.cost, cost=True
    )
    yield unknown_sentence(result)
    yield from cautions(result)


def unknown_sentence(result: ReplayResult) -> str:
    """What history cannot tell."""
    known = result.history
    if not known.newly:
        return _("No case would newly be left to the machine, so every new route is one that history knows.")
    if not known.newly_unlabelled:
        return _("For each of the %(n)s cases newly left to the machine the right answer is known.") % {
            "n": whole(known.newly)
        }
    return _(
        "History cannot tell for %(unknown)s of the %(n)s cases (%(share)s) that would newly be left to the machine: "
        "nobody said what their right answer was. The error speaks for them only by the labels of the others."
    ) % {
        "unknown": whole(known.newly_unlabelled),
        "n": whole(known.newly),
        "share": share_text(known.newly_unlabelled_share),
    }


def cautions(result: ReplayResult) -> Iterator[str]:
    """What limits the figures in this very replay."""
    if result.unreadable:
        yield _("%(n)s cases were left out: their stored snapshot cannot be read.") % {"n": whole(result.unreadable)}
    if result.history.unasked:
        yield _(
            "%(n)s cases count as going to a person only because a judge that this version would ask was never asked "
            "about them; what it would have said, history cannot tell."
        ) % {"n": whole(result.history.unasked)}
    clipped = max(result.error.before.clipped, result.error.after.clipped)
    if clipped:
        yield _(
            "%(n)s labels were so unlikely that their weight was cut to 100, which may move the error either way."
        ) % {"n": whole(clipped)}


def _both(found: Shares) -> dict[str, str]:
    return {"before": share_text(found.before), "after": share_text(found.after)}


def _estimates(found: Estimates, *, cost: bool = False) -> dict[str, str]:
    return {"before": estimate_text(found.before, cost=cost), "after": estimate_text(found.after, cost=cost)}
