"""What /ops shows of the metrics: each measure with its interval, what it rests on and what is counted, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from django.urls import NoReverseMatch, resolve, reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from feedback.metric_charts import Bars, spark, volume_bars
from feedback.metrics import ACTIONS, DAY, Counts, Metrics
from feedback.stats.replay_estimates import Estimate, Share
from feedback.stats.waits import Quantile
from hitl.core.actors import Actor
from hitl.core.numbers import percent, whole
from hitl.core.permissions import Permission

_MEASURES = (
    (
        "automated",
        gettext_noop("Automated"),
        gettext_noop("Cases the machine decided, provisionally included; of all cases."),
    ),
    (
        "reviewed",
        gettext_noop("Before a person"),
        gettext_noop("Cases a person decides, reviews beside the machine or audits; of all cases."),
    ),
    (
        "escalated",
        gettext_noop("Escalated"),
        gettext_noop("Cases whose risk called for an expert at once; of all cases."),
    ),
    (
        "gated",
        gettext_noop("Held for approval"),
        gettext_noop("Cases whose action waits for approval; of all cases."),
    ),
    (
        "overridden",
        gettext_noop("Overruled"),
        gettext_noop("Decided otherwise than the machine said; of the cases a person decided and it had an answer to."),
    ),
    (
        "error",
        gettext_noop("Error of the machine"),
        gettext_noop(
            "Wrong by outcomes, audits and unaided judgements; of what the machine may decide, each case weighted by "
            "the inverse chance that it is known."
        ),
    ),
    ("appealed", gettext_noop("Appealed against"), gettext_noop("Of the cases with a decision.")),
    ("sla_met", gettext_noop("SLA met"), gettext_noop("Reviews done in time; of those done or past their time.")),
)
_ROUTES = {
    "automate": gettext_noop("Automated"),
    "automate_and_audit": gettext_noop("Automated, a share audited"),
    "automate_and_review": gettext_noop("Automated provisionally, and reviewed"),
    "review": gettext_noop("To a person"),
    "escalate": gettext_noop("To an expert"),
    "gate": gettext_noop("Action held for approval"),
}
# Name of the address → title. A name that no address has is left out.
_PAGES = (
    ("reviews:alerts", gettext_noop("Alerts")),
    ("feedback:monitor", gettext_noop("Monitoring")),
    ("feedback:drift", gettext_noop("Drift")),
    ("feedback:owners", gettext_noop("Errors and appeals")),
    ("feedback:calibration", gettext_noop("Calibration")),
    ("feedback:studies", gettext_noop("Threshold studies")),
    ("feedback:disagreement", gettext_noop("Disagreement")),
    ("feedback:learning", gettext_noop("Learning")),
    ("feedback:labels", gettext_noop("Labels")),
    ("feedback:retraining", gettext_noop("Retraining")),
    ("feedback:digest", gettext_noop("Weekly digest")),
    ("feedback:roi", gettext_noop("What labels are worth")),
    ("feedback:exports", gettext_noop("Exports")),
    ("feedback:experiments", gettext_noop("Experiments")),
    ("feedback:visibility", gettext_noop("Visibility of the machine's answer")),
    ("feedback:agreement", gettext_noop("Agreement")),
    ("feedback:consensus", gettext_noop("Consensus")),
    ("feedback:reviewers", gettext_noop("Reviewers")),
    ("feedback:skills", gettext_noop("Skills")),
    ("feedback:capacity", gettext_noop("Capacity")),
    ("feedback:tiers", gettext_noop("Tiers")),
    ("reviews:cascade", gettext_noop("Cascade")),
    ("reviews:conflicts", gettext_noop("Conflicts")),
    ("reviews:staff", gettext_noop("Staff")),
)
_FUNCTIONS = {"reviews:conflicts": Permission.AUDIT_DECISIONS}  # what no class of its own says


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """`line`: a small drawing's points over time, empty where there are too few."""

    name: str
    value: str
    n: str
    line: str
    counted: str


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str


def measure_rows(found: Metrics) -> list[MeasureRow]:
    """Every measure of the window, ready to read."""
    slots = _slots(found)
    return [
        MeasureRow(
            _(title), _in_words(_measure(found.total, name)), whole(_measure(found.total, name).n),
            spark([_measure(counts, name).value if counts else None for _at, counts in slots]), _(counted),
        )
        for name, title, counted in _MEASURES
    ]  # fmt: skip


def route_rows(found: Metrics) -> list[tuple[str, str, str]]:
    """Title, cases and share of each route."""
    return [
        (_(_ROUTES[action]), whole(found.total.counted[action]), _in_words(found.total.part(action)))
        for action in ACTIONS
    ]


def time_rows(found: Metrics) -> list[tuple[str, str, str, str]]:
    """Percentile, time, interval and cases."""
    return [
        (_("%(share)s of the cases") % {"share": percent(q.share, 0)}, *_times(q), whole(q.n)) for q in found.times()
    ]


def step_rows(found: Metrics) -> list[tuple[datetime, list[str]]]:
    """Each step with its cases and measures; the table behind the drawings."""
    return [
        (step.at, [whole(step.counts.cases), *(_in_words(_measure(step.counts, name)) for name, *_rest in _MEASURES)])
        for step in found.steps
    ]


def measure_titles() -> list[str]:
    """Heads of `step_rows`."""
    return [_("Cases"), *(_(title) for _name, title, *_rest in _MEASURES)]


def bars(found: Metrics) -> Bars | None:
    """Cases over time by who decides."""
    form = "j M" if found.step >= DAY else "j M H:i"
    steps = []
    for at, counts in _slots(found):
        cases, machine = (counts.cases, sum(counts.counted[a] for a in ACTIONS[:3])) if counts else (0, 0)
        steps.append((formats.date_format(at, form), cases, machine))
    return volume_bars(steps)


def _slots(found: Metrics) -> list[tuple[datetime, Counts | None]]:
    """Every step of the window, also those without a case."""
    if found.until is None:
        return []
    known = {step.at: step.counts for step in found.steps}
    count = ceil(found.question.window / found.step)
    starts = [found.until - place * found.step for place in range(count, 0, -1)]
    return [(at, known.get(at)) for at in starts]


def page_links(actor: Actor) -> Iterator[Link]:
    """Every page of operations that exists and this person may read."""
    for name, title in _PAGES:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        view = getattr(resolve(url).func, "view_class", None)
        needed: Permission | None = getattr(view, "permission", _FUNCTIONS.get(name))
        if needed is None or actor.may(needed):
            yield Link(_(title), url)


def _measure(counts: Counts, name: str) -> Share | Estimate:
    return counts.error() if name == "error" else counts.rate(name)


def _in_words(found: Share | Estimate) -> str:
    if found.value is None or found.low is None or found.high is None:
        return _("not enough data")
    return f"{percent(found.value)} ({percent(found.low)}–{percent(found.high)})"


def _times(found: Quantile) -> tuple[str, str]:
    if found.value is None or found.low is None:
        return _("not enough data"), "–"
    high = _("no end") if found.high is None else duration(found.high)
    return duration(found.value), f"{duration(found.low)}–{high}"


def duration(seconds: float) -> str:
    """A time to two figures in the unit that suits it."""
    if seconds < 90:
        return _("%(number)s s") % {"number": f"{seconds:.0f}"}
    if seconds < 5400:
        return _("%(number)s min") % {"number": f"{seconds / 60:.0f}"}
    if seconds < 172_800:
        return _("%(number)s h") % {"number": formats.number_format(f"{seconds / 3600:.1f}")}
    return _("%(number)s days") % {"number": formats.number_format(f"{seconds / 86400:.1f}")}
