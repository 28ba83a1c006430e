"""Who may be handed a review: qualified for its queue, and not excluded from its case."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection

from hitl.core.permissions import ROLE_PERMISSIONS, Permission
from reviews.models import Queue, ReviewTask

REVIEWING = tuple(role.value for role, may in ROLE_PERMISSIONS.items() if Permission.REVIEW in may)

# The same rules as claiming: the right to claim from the queue, the tier, and nothing that excludes from the case.
_QUALIFIED = """
SELECT u.id, u.username, trim(u.first_name || ' ' || u.last_name)
FROM reviews_reviewer v
JOIN routing_tier t ON t.id = v.tier_id JOIN accounts_user u ON u.id = v.user_id AND u.is_active
JOIN accounts_membership m ON m.user_id = u.id AND m.workspace_id = v.workspace_id AND m.active
WHERE v.workspace_id = %(workspace)s AND t.rank >= %(rank)s AND m.role = ANY(%(roles)s)
  AND EXISTS (
    SELECT 1 FROM auth_permission c WHERE c.codename = 'claim_queue' AND (
      EXISTS (SELECT 1 FROM reviews_queueuserobjectpermission p
              WHERE p.user_id = u.id AND p.content_object_id = %(queue)s AND p.permission_id = c.id)
      OR EXISTS (SELECT 1 FROM reviews_queuegroupobjectpermission g
                 JOIN accounts_user_groups ug ON ug.group_id = g.group_id AND ug.user_id = u.id
                 WHERE g.content_object_id = %(queue)s AND g.permission_id = c.id))
  )
  AND (%(submitter)s::uuid IS NULL OR u.id <> %(submitter)s::uuid)
  AND (%(subject)s::text IS NULL OR NOT %(subject)s::text = ANY(v.subject_ids))
  AND NOT EXISTS (SELECT 1 FROM reviews_exclusion x WHERE x.case_id = %(case)s AND x.user_id = u.id)
  AND (NOT %(seated)s OR NOT EXISTS (
    SELECT 1 FROM reviews_reviewtask s JOIN reviews_claim c ON c.review_id = s.id AND c.user_id = u.id
    WHERE s.case_id = %(case)s AND s.id <> %(review)s AND (c.status = 'open' OR s.seat = 'asker' OR EXISTS (
      SELECT 1 FROM reviews_judgement j WHERE j.review_id = s.id AND j.user_id = u.id AND j.undone_at IS NULL))))
  AND (%(username)s::text IS NULL OR u.username = %(username)s::text)
  AND (%(user)s::uuid IS NULL OR u.id = %(user)s::uuid)
ORDER BY u.username LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Colleague:
    """`name` as people call them."""

    id: uuid.UUID
    username: str
    name: str


def qualified(
    review: ReviewTask, queue: Queue, *, username: str | None = None, user_id: uuid.UUID | None = None
) -> list[Colleague]:
    """Who may judge `review` in `queue` (with its tier), by username; at most 200, or the one named."""
    values: dict[str, Any] = {
        "workspace": review.workspace_id,
        "rank": queue.tier.rank,
        "roles": list(REVIEWING),
        "queue": queue.pk,
        "submitter": review.submitted_by_id,
        "subject": review.subject,
        "case": review.case_id,
        "review": review.pk,
        "seated": review.seat != "",
        "username": username,
        "user": user_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUALIFIED, values)
        return [Colleague(key, username, name or username) for key, username, name in cursor.fetchall()]
