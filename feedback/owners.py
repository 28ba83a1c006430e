"""Errors by who owned the decision (mission E1), and how often decisions are appealed against, with intervals."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from feedback.tiering import Rate, rate
from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.models import Decision

DEFAULT_DAYS = 90
_MOST = 50_000
"""Decisions looked at, the newest first."""

_DECIDED = """
WITH decided AS MATERIALIZED (
  SELECT d.id, d.case_id, d.owner, d.label, d.created_at
  FROM reviews_decision d
  WHERE d.workspace_id = %(workspace)s AND d.id >= %(first)s AND d.withdrawn_at IS NULL
  ORDER BY d.id DESC LIMIT %(most)s
)
"""
# An audit is a supervisor's verdict, or the judgement of an audit's review against what stood when it was made.
_ERRORS = (
    _DECIDED
    + """
SELECT owner, 'audit', count(*), count(*) FILTER (WHERE wrong) FROM (
  SELECT d.owner, s.label <> d.label AS wrong
  FROM decided d JOIN feedback_signal s ON s.decision_id = d.id AND s.source = 'audit'
  UNION ALL
  SELECT d.owner, j.label <> d.label
  FROM reviews_reviewtask r
  JOIN reviews_judgement j ON j.review_id = r.id AND j.stage = 'final' AND j.undone_at IS NULL
  JOIN LATERAL (
    SELECT o.* FROM decided o WHERE o.case_id = r.case_id AND o.created_at < j.created_at
    ORDER BY o.created_at DESC LIMIT 1
  ) d ON true
  WHERE r.kind = 'audit' AND r.status = 'done' AND r.case_id IN (SELECT case_id FROM decided)
) audited GROUP BY owner
UNION ALL
SELECT d.owner, 'appeal', count(*), count(*) FILTER (WHERE a.outcome = 'overturned')
FROM decided d JOIN reviews_appeal a ON a.decision_id = d.id AND a.outcome IS NOT NULL GROUP BY d.owner
UNION ALL
SELECT d.owner, 'outcome', count(*), count(*) FILTER (WHERE s.label <> d.label)
FROM decided d JOIN LATERAL (
  SELECT label FROM feedback_signal WHERE case_id = d.case_id AND source = 'outcome'
  ORDER BY observed_at DESC, id DESC LIMIT 1
) s ON true GROUP BY d.owner
UNION ALL
SELECT owner, 'all', count(*), 0 FROM decided GROUP BY owner
"""
)
_APPEALS = (
    _DECIDED
    + """
SELECT {what}, count(DISTINCT d.id), count(DISTINCT a.decision_id),
  count(a.id) FILTER (WHERE a.outcome IS NOT NULL), count(a.id) FILTER (WHERE a.outcome = 'overturned')
FROM decided d JOIN reviews_case c ON c.id = d.case_id {joins}
LEFT JOIN reviews_appeal a ON a.decision_id = d.id
GROUP BY 1 ORDER BY 2 DESC LIMIT 50
"""
)
_BY: dict[str, tuple[str, str]] = {
    "owner": ("d.owner", ""),
    "task type": ("t.title", "JOIN routing_tasktype t ON t.id = c.task_type_id"),
    "segment": (
        "s.key || ': ' || s.value",
        "JOIN reviews_casecontent k ON k.case_id = c.id "
        "JOIN LATERAL jsonb_each_text(CASE WHEN jsonb_typeof(k.context -> 'segments') = 'object' "
        "THEN k.context -> 'segments' ELSE '{}'::jsonb END) s ON true",
    ),
}


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """One owner's decisions: how many, and of those looked at again, how many were wrong."""

    owner: str
    decisions: int
    audit: Rate
    appeal: Rate
    outcome: Rate


@dataclass(frozen=True, slots=True)
class AppealRow:
    """`appealed` of the decisions made; `overturned` of the appeals answered."""

    name: str
    appealed: Rate
    overturned: Rate


@dataclass(frozen=True, slots=True)
class AppealTable:
    """Rows by one property of the decision."""

    title: str
    rows: tuple[AppealRow, ...]


@dataclass(frozen=True, slots=True)
class OwnersReport:
    """Decisions made since."""

    since: datetime
    days: int
    owners: tuple[OwnerRow, ...]
    appeals: tuple[AppealTable, ...]


def owners_report(actor: Actor, days: int = DEFAULT_DAYS) -> OwnersReport:
    """The workspace's decisions of the last `days`, at most the newest 50,000; four queries."""
    since = now() - timedelta(days=days)
    values = {
        "workspace": actor.workspace_id,
        "first": uuid.UUID(int=int(since.timestamp() * 1000) << 80),
        "most": _MOST,
    }
    with connection.cursor() as cursor:
        owners = _owners(cursor, values)
        titles = {"owner": _("Owner"), "task type": _("Kind of case"), "segment": _("Segment")}
        tables = tuple(AppealTable(titles[by], _appeals(cursor, values, by)) for by in _BY)
    return OwnersReport(since, days, owners, tables)


def _owners(cursor: Any, values: dict[str, Any]) -> tuple[OwnerRow, ...]:
    cursor.execute(_ERRORS, values)
    found = {(owner, source): (wrong, n) for owner, source, n, wrong in cursor.fetchall()}
    present = [owner for owner in Decision.Owner if (owner.value, "all") in found]
    return tuple(
        OwnerRow(
            owner=str(owner.label),
            decisions=found[owner.value, "all"][1],
            audit=rate(*found.get((owner.value, "audit"), (0, 0))),
            appeal=rate(*found.get((owner.value, "appeal"), (0, 0))),
            outcome=rate(*found.get((owner.value, "outcome"), (0, 0))),
        )
        for owner in present
    )


def _appeals(cursor: Any, values: dict[str, Any], by: str) -> tuple[AppealRow, ...]:
    what, joins = _BY[by]
    cursor.execute(_APPEALS.replace("{what}", what).replace("{joins}", joins), values)
    return tuple(
        AppealRow(_named(name, by), rate(appealed, decided), rate(overturned, resolved))
        for name, decided, appealed, resolved, overturned in cursor.fetchall()
    )


def _named(name: str, by: str) -> str:
    return str(Decision.Owner(name).label) if by == "owner" else name
