"""/ops/visibility: whether seeing the machine's answer helps people, and the arms of each queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from feedback.stats.reliance import ArmAccuracy, Reliance, Share
from feedback.stats.showing import Effect
from feedback.visibility_charts import arms_drawing, effects_drawing, points
from feedback.visibility_data import DEFAULT_WINDOW, measured_queue, policies_of
from feedback.visibility_report import Slice, effect_words, visibility_report
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import InvalidInput
from hitl.core.numbers import fixed
from hitl.core.permissions import Permission
from reviews.actions.visibility import Shares, set_visibility_policy

WINDOWS = (("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d"), ("90d", "90 d"), ("365d", "365 d"))


@dataclass(frozen=True, slots=True)
class Line:
    """A share in words, for a table."""

    title: str
    text: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect ready to read; `points` null where there is too little."""

    label: str
    sentence: str
    points: str | None
    interval: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class SliceRow:
    name: str
    n: int
    effect: str
    rair: str
    rsr: str


class VisibilityPage(Page):
    permission = Permission.READ_METRICS

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?queue=` one of them, `?window=` such as 30d."""
        window = request.GET.get("window", DEFAULT_WINDOW)
        try:
            found = visibility_report(self.actor, request.GET.get("queue", ""), window)
        except InvalidInput:
            return redirect("feedback:visibility")
        words = _words()
        effects = [_effect(e, f"{words[e.first]} − {words[e.second]}") for e in found.effects]
        queues = [found.queue] if found.queue else found.queues
        context = {
            "report": found,
            "windows": WINDOWS,
            "effects": effects,
            "effects_drawing": effects_drawing([(row.label, row.effect) for row in effects]),
            "arms": [(words[a.arm], a.n, [share_words(s) for s in _three(a)]) for a in found.arms],
            "arms_drawing": arms_drawing(found.arms, words),
            "reliance": reliance_lines(found.reliance),
            "sources": [(words[name], n) for name, n in found.sources],
            "slices": [
                (_("By queue"), _slices(found.by_queue)),
                (_("By the machine's answer"), _slices(found.by_label)),
                (_("By reviewer"), _slices(found.by_reviewer)),
                (_("By week"), _slices(found.by_week)),
            ],
            "policies": policies_of(queues),
            "may_set": self.actor.may(Permission.CONFIGURE) and found.queue is not None,
        }
        return render(request, "feedback/visibility.html", context)


class SetVisibility(Page):
    permission = Permission.CONFIGURE

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """New arms for a queue; shares in percent."""
        queue = measured_queue(self.actor, slug)
        shares = Shares(*(_percent(request.POST.get(name, "")) for name in ("before", "after", "never")))
        seed, reason = request.POST.get("seed", ""), request.POST.get("reason", "")
        attempt(
            request,
            lambda: set_visibility_policy(actor=self.actor, queue=queue, shares=shares, seed=seed, reason=reason),
            _("The arms are set. They hold for cases first claimed from now on."),
        )
        return redirect(f"/ops/visibility?queue={queue.slug}")


def _percent(raw: str) -> float:
    """A share from percent; what is no number is refused by the action as out of range."""
    try:
        return float(raw.replace(",", ".") or "0") / 100.0
    except ValueError:
        return float("nan")


def share_words(share: Share) -> str:
    """“93.1 % (90.2–95.3 %), n = 412”, or why there is none."""
    if share.value is None or share.interval is None:
        return _("not enough data (n = %(n)s, %(enough)s needed)") % {"n": share.n, "enough": share.enough}
    low, high = share.interval
    return f"{fixed(100 * share.value, 1)} % ({fixed(100 * low, 1)}–{fixed(100 * high, 1)} %), n = {share.n}"


def _effect(e: Effect, label: str) -> EffectRow:
    value = None if e.value is None else points(e.value, sign=True)
    interval = "" if e.low is None or e.high is None else f"{points(e.low)} … {points(e.high)}"
    return EffectRow(label, effect_words(e), value, interval, e)


def _slices(parts: Sequence[Slice]) -> list[SliceRow]:
    found = []
    for part in parts:
        row = _effect(part.effect, "")
        said = f"{row.points} [{row.interval}]" if row.points else str(part.effect.reason)
        found.append(SliceRow(part.name, part.n, said, share_words(part.reliance.rair), share_words(part.reliance.rsr)))
    return found


def reliance_lines(found: Reliance) -> list[Line]:
    """Each figure with what it means."""
    return [
        Line(
            _("Let themselves be put right"),
            share_words(found.rair),
            _("First wrong, machine right: how often the last word was right (RAIR). High is good."),
        ),
        Line(
            _("Stood by what was right"),
            share_words(found.rsr),
            _("First right, machine wrong: how often the last word stayed right (RSR). High is good."),
        ),
        Line(
            _("Followed a wrong machine"),
            share_words(found.over),
            _("Of cases where the machine was wrong: the last word was its answer. Over-reliance."),
        ),
        Line(
            _("Wrong although the machine was right"),
            share_words(found.under),
            _("Of cases where the machine was right. Under-reliance."),
        ),
        Line(_("Changed to the machine's answer"), share_words(found.switch), _("Of cases where they first differed.")),
        Line(_("Last word equals the machine's answer"), share_words(found.agreement), _("Of all cases shown.")),
    ]


def _three(arm: ArmAccuracy) -> tuple[Share, Share, Share]:
    return arm.machine, arm.human, arm.combined


def _words() -> dict[str, str]:
    return {
        "before": _("shown at once"),
        "after": _("shown after judging"),
        "never": _("never shown"),
        "machine": _("machine alone"),
        "human": _("people alone"),
        "combined": _("last word"),
        "outcome": _("what the partner observed"),
        "audit": _("an audit or appeal by another person"),
        "adjudication": _("an adjudication by another person"),
        "consensus": _("at least two other people, unaided and agreed"),
    }
