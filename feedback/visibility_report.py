"""The visibility experiment's figures: whole, and by queue, label, reviewer and week (mission D2)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from feedback.stats.reliance import ArmAccuracy, Reliance, Seen, accuracy_by_arm, reliance
from feedback.stats.showing import Effect, effect_of_showing
from feedback.visibility_charts import points
from feedback.visibility_data import SOURCES, Evidence, Judged, judged_cases, measured_queue, measured_queues, window_of
from hitl.accounts.models import User
from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.models import Queue

CONTRASTS = (("after", "never"), ("before", "never"), ("before", "after"))
_MOST_SLICES = 20


@dataclass(frozen=True, slots=True)
class Slice:
    """One queue, label, reviewer or week. `combined`: n and share right per arm."""

    name: str
    n: int
    arms: tuple[ArmAccuracy, ...]
    effect: Effect
    reliance: Reliance


@dataclass(frozen=True, slots=True)
class Report:
    """`sources`: cases by where their truth comes from, in order of trust."""

    window: str
    since: datetime
    queue: Queue | None
    queues: tuple[Queue, ...]
    evidence: Evidence
    sources: tuple[tuple[str, int], ...]
    arms: tuple[ArmAccuracy, ...]
    effects: tuple[Effect, ...]
    reliance: Reliance
    by_queue: tuple[Slice, ...]
    by_label: tuple[Slice, ...]
    by_reviewer: tuple[Slice, ...]
    by_week: tuple[Slice, ...]


def visibility_report(actor: Actor, queue_slug: str, window: str) -> Report:
    """The figures of one queue, or of all (`queue_slug` empty). Raises InvalidInput (window), NotFound (queue).

    Three statements, whatever there is.
    """
    since = now() - window_of(window)
    all_queues = tuple(measured_queues(actor)[:200])
    queue = measured_queue(actor, queue_slug) if queue_slug else None
    found = judged_cases(actor, [queue] if queue else all_queues, since)
    rows = found.cases
    seen = [row.seen for row in rows]
    counted = Counter(row.source for row in rows)
    names = _names(rows)
    return Report(
        window=window,
        since=since,
        queue=queue,
        queues=all_queues,
        evidence=found,
        sources=tuple((name, counted[name]) for name in SOURCES),
        arms=tuple(accuracy_by_arm(seen)),
        effects=tuple(effect_of_showing(seen, *pair) for pair in CONTRASTS),
        reliance=reliance(seen),
        by_queue=_slices(rows, lambda row: row.queue),
        by_label=_slices(rows, lambda row: row.seen.machine),
        by_reviewer=_slices(rows, lambda row: names.get(row.seen.reviewer, row.seen.reviewer)),
        by_week=tuple(sorted(_slices(rows, lambda row: row.week), key=lambda part: part.name)),
    )


def _slices(rows: Sequence[Judged], key: Callable[[Judged], str]) -> tuple[Slice, ...]:
    """The largest first."""
    parts: dict[str, list[Seen]] = defaultdict(list)
    for row in rows:
        parts[key(row)].append(row.seen)
    largest = sorted(parts.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_SLICES]
    return tuple(
        Slice(name, len(seen), tuple(accuracy_by_arm(seen)), effect_of_showing(seen, "after", "never"), reliance(seen))
        for name, seen in largest
    )


def _names(rows: Sequence[Judged]) -> dict[str, str]:
    people = {row.seen.reviewer for row in rows}
    found = User.objects.filter(pk__in=people).values_list("pk", "username")
    return {str(pk): username for pk, username in found}


def effect_words(effect: Effect) -> str:
    """“Seeing the machine's answer after judging first changed accuracy by +2.1 points [-0.4, 4.6], n = 812.”"""
    pair = (effect.first, effect.second)
    subject = {
        ("after", "never"): gettext("Seeing the machine's answer after judging first"),
        ("before", "never"): gettext("Seeing the machine's answer from the start"),
        ("before", "after"): gettext("Seeing it from the start rather than after judging first"),
    }[pair]
    if effect.value is None or effect.low is None or effect.high is None:
        return gettext("%(subject)s: %(reason)s.") % {"subject": subject, "reason": effect.reason}
    said = {
        "subject": subject,
        "value": points(effect.value, sign=True),
        "low": points(effect.low),
        "high": points(effect.high),
        "n": effect.n,
    }
    return gettext("%(subject)s changed accuracy by %(value)s points [%(low)s, %(high)s], n = %(n)s.") % said
