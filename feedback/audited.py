"""What audits have shown about a model version lately: counts that the audit rate follows."""

import uuid
from typing import Any

from django.db import connection

from feedback.stats.audit_rate import Audited

NEWEST = 500
"""Labels looked at: enough to show 1 % with one error, few enough that a slip shows within days."""
_SCANNED = 20_000

# Cases the draw chose are a fair sample and count whichever way they went. A case a supervisor picked is no sample: an
# error found there is a reason to look more, an upheld one shows nothing about the rate.
_AUDITED = """
SELECT count(*), count(*) FILTER (WHERE wrong) FROM (
  SELECT l.label <> l.model_label AS wrong
  FROM (SELECT * FROM feedback_traininglabel
        WHERE task_type_id = %(task_type)s AND model_version = %(model)s
          AND label IS NOT NULL AND model_label IS NOT NULL
        ORDER BY case_id DESC LIMIT %(scanned)s) l
  JOIN LATERAL (
    SELECT r.sampled, r.zone, r.action FROM routing_routingdecision r
    WHERE r.workspace_id = l.workspace_id AND r.case_id = l.case_id ORDER BY r.id DESC LIMIT 1
  ) r ON r.zone IN ('auto', 'auto_audit')
  WHERE r.sampled OR r.action = 'automate_and_review' OR (
    l.label <> l.model_label AND r.action IN ('automate', 'automate_and_audit')
    AND EXISTS (SELECT 1 FROM feedback_signal s WHERE s.case_id = l.case_id AND s.source = 'audit'))
  ORDER BY l.case_id DESC LIMIT %(newest)s
) found
"""


def audited_labels(task_type_id: uuid.UUID, model_version: str) -> Audited:
    """The newest audited labels of a model version and how many contradict the machine; among its newest 20,000."""
    values: dict[str, Any] = {"task_type": task_type_id, "model": model_version, "scanned": _SCANNED, "newest": NEWEST}
    with connection.cursor() as cursor:
        cursor.execute(_AUDITED, values)
        labels, wrong = cursor.fetchone()
    return Audited(labels, wrong)
