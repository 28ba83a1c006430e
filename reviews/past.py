"""What is known of a case before it is routed, beside what the partner sent: looked up only where the policy asks."""

import uuid
from dataclasses import replace
from functools import lru_cache

from hitl.core.rows import run_pipelined
from reviews.known_bad import known_bad_similarity
from reviews.models import Case
from reviews.structs import CaseIn
from routing.engine.features import Features, SubjectHistory
from routing.engine.policy import CompiledPolicy


def with_lookups(
    features: Features, body: CaseIn, *policies: CompiledPolicy, workspace_id: uuid.UUID, task_type_id: uuid.UUID
) -> Features:
    """`features` with all that any of `policies` reads of the subject's past and of known bad cases."""
    if body.subject is not None and any(policy.reads_history for policy in policies):
        features = replace(features, history=subject_history(workspace_id, task_type_id, body.subject))
    if body.prediction is not None and any(policy.reads_known_bad for policy in policies):
        similarity = known_bad_similarity(task_type_id, body.prediction.embedding)
        features = replace(features, known_bad_similarity=similarity)
    return features


def subject_history(workspace_id: uuid.UUID, task_type_id: uuid.UUID, subject: str) -> SubjectHistory:
    """The newest 200 cases of the subject, one statement by the index on subjects."""
    (rows,) = run_pipelined((_sql(), [workspace_id, subject, task_type_id]))
    cases, decided, wrong, overridden, last = rows[0]
    return SubjectHistory(cases=cases, decided=decided, wrong=wrong, overridden=overridden, last_decision=last)


@lru_cache(maxsize=1)
def _sql() -> str:
    # Outcomes stand to the left of this app: reached by relation only.
    related = Case._meta.get_field("signals").related_model
    assert related is not None and not isinstance(related, str)
    return _HISTORY.replace("OUTCOMES", related._meta.db_table)


_HISTORY = """
WITH past AS MATERIALIZED (
  SELECT id FROM reviews_case
  WHERE workspace_id = %s AND subject = %s AND task_type_id = %s AND status NOT IN ('shadow', 'cancelled')
    AND mode <> 'gold'
  ORDER BY id DESC LIMIT 200
)
SELECT count(*), count(d.id),
       count(*) FILTER (WHERE o.label <> d.label OR EXISTS (
         SELECT 1 FROM reviews_decision before
         WHERE before.case_id = past.id AND NOT before.is_current AND before.withdrawn_at IS NULL
           AND before.label <> d.label)),
       count(*) FILTER (WHERE d.owner NOT IN ('system', 'fallback') AND d.label <> c.prediction ->> 'label'),
       (array_agg(d.label ORDER BY d.id DESC) FILTER (WHERE d.id IS NOT NULL))[1]
FROM past
LEFT JOIN reviews_decision d ON d.case_id = past.id AND d.is_current
LEFT JOIN reviews_casecontent c ON c.case_id = past.id
LEFT JOIN LATERAL (
  SELECT label FROM OUTCOMES s WHERE s.case_id = past.id AND s.source = 'outcome'
  ORDER BY observed_at DESC, id DESC LIMIT 1
) o ON true
"""
