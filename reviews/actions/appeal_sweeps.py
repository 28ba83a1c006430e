"""Appeals that wait for somebody who may judge them: queued when possible, moved up, or shown to supervisors."""

import uuid

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import system_actor
from hitl.core.clock import db_now
from hitl.core.errors import Conflict
from hitl.core.rows import insert_rows
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from reviews.actions.appeals import open_review
from reviews.actions.claims import move_review_up
from reviews.actions.decisions import lock_case
from reviews.appeals import recourse_of
from reviews.models import Alert, Appeal, ReviewTask

_SOME = 1_000
KIND = "appeal_without_judge"

# Who could claim this review now, but for the cap on open claims: the right on its queue, a profile of its tier or a
# higher one, available, and no part in the case.
_ELIGIBLE = """
SELECT EXISTS (
  SELECT 1 FROM reviews_reviewtask r
  JOIN reviews_queue q ON q.id = r.queue_id JOIN routing_tier t ON t.id = q.tier_id
  JOIN reviews_reviewer p ON p.workspace_id = r.workspace_id AND p.available
  JOIN routing_tier pt ON pt.id = p.tier_id AND pt.rank >= t.rank
  JOIN accounts_user u ON u.id = p.user_id AND u.is_active
  JOIN accounts_membership m ON m.user_id = u.id AND m.workspace_id = r.workspace_id AND m.active
  WHERE r.id = %s
    AND (r.submitted_by_id IS NULL OR r.submitted_by_id <> u.id)
    AND (r.subject IS NULL OR NOT r.subject = ANY(p.subject_ids))
    AND NOT EXISTS (SELECT 1 FROM reviews_exclusion x WHERE x.case_id = r.case_id AND x.user_id = u.id)
    AND (
      EXISTS (
        SELECT 1 FROM reviews_queueuserobjectpermission g JOIN auth_permission c ON c.id = g.permission_id
        WHERE g.content_object_id = q.id AND g.user_id = u.id AND c.codename = 'claim_queue'
      ) OR EXISTS (
        SELECT 1 FROM reviews_queuegroupobjectpermission g JOIN auth_permission c ON c.id = g.permission_id
        JOIN accounts_user_groups ug ON ug.group_id = g.group_id AND ug.user_id = u.id
        WHERE g.content_object_id = q.id AND c.codename = 'claim_queue'
      )
    )
)
"""


def watch_appeals() -> int:
    """Find a judge for every open appeal; returns how many have none. Safe to run twice or at once."""
    told = {alert.subject_id: alert for alert in Alert.objects.filter(kind=KIND, resolved_at__isnull=True)}
    for appeal in Appeal.objects.filter(pk__in=list(told), resolved_at__isnull=False):
        _over(appeal)
    waiting = Appeal.objects.filter(resolved_at__isnull=True).select_related("review").order_by("id")[:_SOME]
    return sum(_watch(appeal.pk) for appeal in waiting if str(appeal.pk) in told or not _in_hand(appeal.review))


def _in_hand(review: ReviewTask | None) -> bool:
    return review is not None and (review.status != ReviewTask.Status.WAITING or somebody_may_judge(review.pk))


@transaction.atomic
def _watch(appeal_id: uuid.UUID) -> int:
    appeal = Appeal.objects.select_related("case", "decision", "task_type", "review").get(pk=appeal_id)
    case = lock_case(appeal.case_id)
    appeal.refresh_from_db(fields=["resolved_at", "review"])
    if case is None or appeal.resolved_at is not None:
        return 0
    review = appeal.review or _queue_it(appeal)
    if _in_hand(review):
        _over(appeal)
        return 0
    if review is not None and _move_up(appeal, review):
        return 0
    _tell(appeal)
    return 1


def somebody_may_judge(review_id: uuid.UUID) -> bool:
    """Whether at least one available person may claim this review."""
    with connection.cursor() as cursor:
        cursor.execute(_ELIGIBLE, [review_id])
        found: bool = cursor.fetchone()[0]
    return found


def _queue_it(appeal: Appeal) -> ReviewTask | None:
    at = db_now()
    review = open_review(appeal.case, appeal.decision, recourse_of(appeal.task_type), at)
    if review is None:
        return None
    Appeal.objects.filter(pk=appeal.pk).update(review=review)
    actor = system_actor(appeal.workspace_id, "appeals")
    change = Change(after={"review": str(review.pk), "queue": review.queue.slug})
    subject = Subject("appeal", appeal.pk, appeal.case_id)
    insert_rows(build_event(actor=actor, action="appeal.queued", subject=subject, change=change, at=at))
    return review


def _move_up(appeal: Appeal, review: ReviewTask) -> bool:
    """To the lowest higher tier where somebody may judge it; false, and nothing moved, where there is none."""
    actor = system_actor(appeal.workspace_id, "appeals")
    try:
        with transaction.atomic():
            while not somebody_may_judge(review.pk):
                found = ReviewTask.objects.select_related("case", "queue__tier").get(pk=review.pk)
                reason = "nobody of this tier may judge the appeal"
                move_review_up(actor=actor, review=found, at=db_now(), reason=reason)
    except Conflict:
        return False
    _over(appeal)
    return True


def _tell(appeal: Appeal) -> None:
    raise_alert(
        actor=system_actor(appeal.workspace_id, "appeals"),
        kind=KIND,
        about=About("appeal", appeal.pk, appeal.task_type.title, f"/appeals/{appeal.pk}", appeal.task_type_id),
        words=Wording(
            gettext_noop("Nobody may judge an appeal: %(task_type)s"),
            gettext_noop("Everybody who could had a part in the decision, or is not available."),
            gettext_noop(
                "Give a person who had no part in it the right to claim from the appeal's queue, or make one "
                "available. No machine ever answers an appeal."
            ),
            {"task_type": appeal.task_type.title},
        ),
    )


def _over(appeal: Appeal) -> None:
    actor = system_actor(appeal.workspace_id, "appeals")
    resolve_alert(actor=actor, kind=KIND, subject_type="appeal", subject_id=appeal.pk, reason="somebody may judge it")
