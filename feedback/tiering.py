"""Over- and under-tiering from what really happened (mission B8).

Under: a case that came to a tier and went up from there, or whose decision an audit overturned. Over: a case that a
higher tier decided and the lowest tier, judging blind, would have decided the same (`reviews.actions.blind_samples`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from feedback.stats.bounds import clopper_pearson_interval
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.numbers import percent
from routing.models import Tier

DEFAULT_DAYS, MAX_DAYS = 30, 365
ENOUGH = 30
"""Below so many cases no advice is given."""
_MOST = 20_000
_TOO_OFTEN, _MOSTLY = 0.1, 0.5

# Only a person's own escalation says that the tier could not; one by a passed SLA leaves the claim expired.
_UNDER = """
SELECT routed.tier, count(*),
  count(*) FILTER (WHERE up.up), count(*) FILTER (WHERE up.wrong), count(*) FILTER (WHERE up.up OR up.wrong)
FROM (
  SELECT r.id, r.case_id FROM reviews_reviewtask r
  WHERE r.queue_id IN (SELECT id FROM reviews_queue WHERE workspace_id = %(workspace)s)
    AND r.status = 'done' AND r.kind = 'first' AND r.done_at >= %(since)s{limit}
  ORDER BY r.done_at DESC LIMIT %(most)s
) r
JOIN LATERAL (
  SELECT d.tier FROM routing_routingdecision d
  WHERE d.workspace_id = %(workspace)s AND d.case_id = r.case_id ORDER BY d.id LIMIT 1
) routed ON true
CROSS JOIN LATERAL (
  SELECT EXISTS (SELECT 1 FROM reviews_claim c WHERE c.review_id = r.id AND c.status = 'escalated') AS up,
    EXISTS (
      SELECT 1 FROM reviews_decision n JOIN reviews_decision o ON o.id = n.supersedes_id
      WHERE n.case_id = r.case_id AND n.withdrawn_at IS NULL AND n.owner IN ('auditor', 'adjudicator', 'appeal')
        AND o.owner = 'reviewer' AND o.label <> n.label
    ) AS wrong
) up
GROUP BY routed.tier
"""
_OVER = """
SELECT t.slug, count(*), count(*) FILTER (WHERE said.label = stood.label)
FROM reviews_reviewtask b
JOIN LATERAL (
  SELECT f.queue_id FROM reviews_reviewtask f WHERE f.case_id = b.case_id AND f.kind = 'first'
  ORDER BY f.id DESC LIMIT 1
) home ON true
JOIN reviews_queue q ON q.id = home.queue_id JOIN routing_tier t ON t.id = q.tier_id
JOIN LATERAL (
  SELECT d.label FROM reviews_decision d
  WHERE d.case_id = b.case_id AND d.owner = 'reviewer' AND d.withdrawn_at IS NULL AND d.created_at <= b.created_at
  ORDER BY d.created_at DESC LIMIT 1
) stood ON true
LEFT JOIN LATERAL (
  SELECT j.label FROM reviews_judgement j
  WHERE j.case_id = b.case_id AND j.review_id = b.id AND j.undone_at IS NULL ORDER BY j.id LIMIT 1
) said ON true
WHERE b.queue_id IN (SELECT id FROM reviews_queue WHERE workspace_id = %(workspace)s)
  AND b.status = 'done' AND b.kind = 'blind' AND b.done_at >= %(since)s{limit}
GROUP BY t.slug
"""
_LIMIT = " AND EXISTS (SELECT 1 FROM reviews_case k WHERE k.id = {row}.case_id AND k.task_type_id = ANY(%(types)s))"


@dataclass(frozen=True, slots=True)
class Rate:
    """k of n with its exact 95 % interval; share null and the interval 0-1 without cases."""

    k: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.k / self.n if self.n else None

    @property
    def in_words(self) -> str:
        """For people: “12.0 % (5.1–22.3 %), 6 of 50”."""
        if self.share is None:
            return "–"
        return f"{percent(self.share)} ({percent(self.low)}–{percent(self.high)}), {self.k} of {self.n}"


@dataclass(frozen=True, slots=True)
class TierRow:
    """One tier of people. over null: the lowest tier, which nothing lies below."""

    slug: str
    title: str
    under: Rate
    escalated: int
    overturned: int
    over: Rate | None
    blind_sample_rate: float
    advice: tuple[str, ...]

    @property
    def sampled_percent(self) -> str:
        return percent(self.blind_sample_rate)


@dataclass(frozen=True, slots=True)
class TierReport:
    """Cases done since; tiers from the lowest."""

    since: datetime
    days: int
    tiers: tuple[TierRow, ...]


def tier_report(actor: Actor, days: int = DEFAULT_DAYS) -> TierReport:
    """What happened in the last `days` to the cases the key includes, at most the newest 20,000 reviews."""
    since = now() - timedelta(days=days)
    under, over = _counts(actor, since)
    tiers = list(Tier.objects.filter(workspace_id=actor.workspace_id, automated=False).order_by("rank"))
    return TierReport(since, days, tuple(_row(tier, under, over, tier is tiers[0]) for tier in tiers))


def rate(k: int, n: int) -> Rate:
    """Clopper-Pearson's exact interval."""
    return Rate(k, n, *clopper_pearson_interval(k, n))


def advice(title: str, under: Rate, over: Rate | None, sampled: float) -> tuple[str, ...]:
    """Sentences: what the figures support, or how many more they need."""
    said = [_advice_under(title, under)]
    if over is not None:
        said.append(_advice_over(title, over, sampled))
    return tuple(said)


def _advice_under(title: str, under: Rate) -> str:
    if under.n < ENOUGH:
        return f"{title}: {under.n} cases are too few to say whether it gets too hard ones; {ENOUGH} are needed."
    if under.low > _TOO_OFTEN:
        return f"{title}: it gets too much. Lower its greatest complexity or error cost, so that such cases go higher."
    if under.high < _TOO_OFTEN:
        return f"{title}: it can do what it gets."
    return f"{title}: the figures do not yet tell whether it gets too much."


def _advice_over(title: str, over: Rate, sampled: float) -> str:
    if over.n < ENOUGH:
        how = "" if sampled else " Blind sampling is off for this tier."
        return f"{title}: {over.n} blind samples are too few to say whether it is needed; it takes {ENOUGH}.{how}"
    if over.low > _MOSTLY:
        return f"{title}: the lowest tier answers most of its cases alike. Raise that tier's complexity or error cost."
    if over.high < _MOSTLY:
        return f"{title}: it is needed; the lowest tier would have decided most of its cases otherwise."
    return f"{title}: the figures do not yet tell whether the lowest tier could decide its cases."


def _counts(actor: Actor, since: datetime) -> tuple[Mapping[str, tuple[int, ...]], Mapping[str, tuple[int, ...]]]:
    values: dict[str, Any] = {"workspace": actor.workspace_id, "since": since, "most": _MOST}
    limit = ""
    if actor.task_type_ids is not None:
        limit, values["types"] = _LIMIT, list(actor.task_type_ids)
    with connection.cursor() as cursor:
        cursor.execute(_UNDER.replace("{limit}", limit.replace("{row}", "r")), values)
        under = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_OVER.replace("{limit}", limit.replace("{row}", "b")), values)
        over = {row[0]: row[1:] for row in cursor.fetchall()}
    return under, over


def _row(
    tier: Tier, under: Mapping[str, tuple[int, ...]], over: Mapping[str, tuple[int, ...]], lowest: bool
) -> TierRow:
    n, escalated, overturned, either = under.get(tier.slug, (0, 0, 0, 0))
    sampled, same = over.get(tier.slug, (0, 0))
    low, high = rate(either, n), None if lowest else rate(same, sampled)
    said = advice(tier.title, low, high, tier.blind_sample_rate)
    return TierRow(tier.slug, tier.title, low, escalated, overturned, high, tier.blind_sample_rate, said)
