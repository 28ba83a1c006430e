"""Automated cases that chance chose for people, and what came of them: what the error monitor reads."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from feedback.models import ErrorMonitor
from feedback.stats.error_monitor import Draw
from routing.engine.document import PolicyDocument

MOST = 200_000
"""Drawn cases that one epoch may hold."""

# The frame is every case that the machine would have decided; the draw chose these. Cases that an appeal, a report or a
# supervisor brought to people are no sample of it, and an outcome without a draw is none either: partners often learn
# only of one kind of error. Where a drawn case has an outcome, that is its truth. A cancelled case without a label will
# never get one.
_DRAWN = """
SELECT r.created_at, coalesce(r.version_selection, r.selection_probability), l.label <> l.model_label
FROM routing_routingdecision r
JOIN reviews_case c ON c.id = r.case_id AND c.mode IN ('async', 'inline')
LEFT JOIN feedback_traininglabel l ON l.case_id = r.case_id
WHERE r.policy_version_id = %s AND r.zone IN ('auto', 'auto_audit') AND (r.sampled OR r.action = 'automate_and_review')
  AND r.created_at >= %s AND NOT (c.status = 'cancelled' AND l.label IS NULL)
ORDER BY r.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The draws in the order of routing, each with its time; at most `MOST`."""

    times: list[datetime]
    draws: list[Draw]


def drawn_cases(monitor: ErrorMonitor) -> Drawn:
    """Those of the monitor's version since its epoch began. People who tied have not judged."""
    with connection.cursor() as cursor:
        cursor.execute(_DRAWN, [monitor.policy_version_id, monitor.since, MOST])
        rows = cursor.fetchall()
    return Drawn([at for at, _, _ in rows], [Draw(probability, wrong) for _, probability, wrong in rows])


def lowest_probability(document: PolicyDocument) -> float:
    """No automated case is drawn with a smaller one, whatever is adjusted: exploration's or the lowest audit rate."""
    rates = document.sampling
    bounds = rates.audit_rate_bounds
    return min(rates.exploration_rate, rates.audit_rate, bounds.lowest if bounds else 1.0)


def promised_error(document: PolicyDocument, error_budget: float) -> float:
    """The largest error that the policy allows itself at any load."""
    return max(error_budget, document.dynamic.peak_error) if document.dynamic else error_budget
